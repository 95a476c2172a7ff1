import ExampleSupport
import Foundation
import Lumigrad

extension KnownShape {
  /// The shape, and what was found, from three sides; a row a side.
  func picture(_ grids: [VoxelGrid]) throws -> Canvas {
    let surfaces = try [shape] + grids.map { try $0.surface() }
    let parts = try [SIMD3(0, 0, 5), SIMD3(3.5, 1.5, 3.2), SIMD3(-3.2, 2, -3.2)].flatMap { eye in
      try surfaces.map { try lit($0, from: eye, towards: .zero, width: 220, height: 220) }
    }
    return .sheet(parts, columns: surfaces.count)
  }
}

/// A mesh under a lamp beside the eye, antialiased.
func lit(
  _ mesh: Mesh, from eye: SIMD3<Double>, towards target: SIMD3<Double>, width: Int, height: Int,
  isLit: Bool = true
) throws -> Canvas {
  let size = (eye - target) * (eye - target)
  let camera = Camera.perspective(
    lookingAt: target, from: eye, verticalFieldOfView: radians(degrees: 36), width: width,
    height: height, near: 0.01 * size.sum().squareRoot())
  var scene = Scene(mesh)
  scene.background = Tensor([Palette.paper.x, Palette.paper.y, Palette.paper.z])
  if isLit {
    let eye = (camera.centre - Tensor(target.asFloats)).unitVectors()
    scene.lights = [
      .ambient(intensity: Tensor([Float(0.15), 0.15, 0.15])),
      .directional(
        direction: eye + Tensor([Float(0.3), 0.6, 0.1]), intensity: Tensor([Float(0.6), 0.6, 0.6])),
    ]
  }
  return Canvas(
    try AntialiasedRasterizer(
      shader: Shader(evaluation: .fragment, reflection: .lambert), channels: [.color]
    ).render(scene, from: camera)[.color])
}

extension SIMD3<Double> {
  var asFloats: [Float] { [Float(x), Float(y), Float(z)] }
}

extension Temple {
  private static let middle = (Photographs.lower + Photographs.upper) * 0.5

  /// Around the temple, from heights and sides where no photograph was taken.
  private static let newViews: [SIMD3<Double>] = [20.0, 110, 200, 290].enumerated().map {
    index, degrees in
    let (turn, rise) = (radians(degrees: degrees), radians(degrees: index % 2 == 0 ? 35 : -10))
    return middle + SIMD3(cos(rise) * sin(turn), sin(rise), cos(rise) * cos(turn)) * 0.36
  }

  /// Stages from new viewpoints, and photographs with the outline of the result.
  func pictures(_ stages: Stages, _ photographs: Photographs, in folder: String) throws {
    func row(_ grid: VoxelGrid, colored: Bool = false) throws -> [Canvas] {
      var surface = try grid.surface()
      if !colored { surface.appearance = .uniform(.full([3], 0.8)) }
      return try Self.newViews.map {
        try lit(
          surface, from: $0, towards: Self.middle, width: 200, height: 240, isLit: !colored)
      }
    }
    let rows = try [
      row(stages.occupancy), row(stages.silhouettes), row(stages.final),
      row(stages.final, colored: true),
    ]
    try Canvas.sheet(rows.flatMap { $0 }, columns: Self.newViews.count)
      .write(to: folder + "/new-views.png")
    let surface = Scene(try stages.final.surface())
    let small = photographs.shrunk(by: 2)
    let parts = try [0, photographs.count / 4, photographs.count / 2].flatMap { view in
      let camera = small.cameras[view]
      let alpha = try HardRasterizer(channels: [.alpha]).render(surface, from: camera)[.alpha]
      var photograph = Canvas(small.images[view])
      photograph.drawOutline(of: alpha)
      let drawn = try SDFDiff(channels: [.color]).render(
        SurfaceFit.unlit(stages.final), from: camera)[.color]
      return [photograph, Canvas(drawn)]
    }
    try Canvas.sheet(parts, columns: 2).write(to: folder + "/photographs.png")
  }

  /// The last surface with its colours: linear in glTF, as pictures have them in PLY.
  func export(_ stages: Stages, in folder: String) throws {
    var file = try stages.final.surface().fileData
    let linear = file.colors?.clamped(min: 0, max: 1)
    file.colors = linear
    try MeshFile.write(file, to: folder + "/temple.glb")
    file.colors = linear?.pow(1 / 2.2)
    try MeshFile.write(file, to: folder + "/temple.ply")
    print("\(file.faceCount) triangles in \(folder)/temple.ply and temple.glb")
  }
}
