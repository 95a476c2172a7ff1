import Foundation
import Lumigrad

/// A picture over white, as stored (encoded for displays), with its camera.
struct Photograph: Sendable {
  let camera: Camera
  /// [h, w, 3].
  let image: Tensor
  /// [h, w]: 1 on the pixels that count for ``highlightError(_:)`` or for the object, else 0.
  let region: Tensor
}

/// Errors in dB: signal-to-noise ratios for values from 0 to 1.
enum Decibels {
  static func of(_ squaredError: Double) -> Double { -10 * log10(Swift.max(squaredError, 1e-12)) }

  /// Over all pixels of all pictures.
  static func of(_ pictures: [Tensor], _ photographs: [Photograph]) -> Double {
    let errors = zip(pictures, photographs).map { ($0 - $1.image).square().mean().value }
    return of(errors.reduce(0, +) / Double(errors.count))
  }

  /// Over the pixels of the photographs' regions.
  static func inRegions(_ pictures: [Tensor], _ photographs: [Photograph]) -> Double {
    var (sum, count) = (0.0, 0.0)
    for (picture, photograph) in zip(pictures, photographs) {
      let squares = (picture - photograph.image).square().mean(axis: 2)
      sum += (squares * photograph.region).sum().value
      count += photograph.region.sum().value
    }
    return of(sum / Swift.max(count, 1))
  }
}

/// What there is to learn from, what is kept back, and where the object is.
struct Capture: Sendable {
  /// How far objects reach from the origin. In such units densities of some ten are opaque, to which
  /// a network gets sooner than to the hundreds that smaller units would need.
  static let reach = 3.0

  let photographs: [Photograph]
  let heldOut: [Photograph]
  let bounds: FieldBounds
}

// MARK: A scene of our own

extension Capture {
  /// A shiny ball in a ring, drawn by the mesh renderer from a hemisphere of cameras. Regions are
  /// where highlights brighten a pixel by more than 0.15.
  static func shinyBall(views: Int, heldOut: Int, size: Int) throws -> Capture {
    let glossy = scene(specular: 0.6)
    let matt = scene(specular: 0)
    let renderer = AntialiasedRasterizer(shader: .phong, channels: [.color])
    func photograph(_ turn: Double, _ height: Double) throws -> Photograph {
      let distance = 3.2 * reach
      let flat = (1 - height * height).squareRoot()
      let camera = Camera.perspective(
        from: SIMD3(flat * sin(turn), height, flat * cos(turn)) * distance,
        verticalFieldOfView: radians(degrees: 37), width: size, height: size)
      let image = try renderer.render(glossy, from: camera)[.color].stored
      let without = try renderer.render(matt, from: camera)[.color].stored
      let gain = (image - without).max(axis: 2)
      return Photograph(
        camera: camera, image: image, region: (gain .> 0.15).cast(to: .float32))
    }
    let golden = Double.pi * (3 - 5.0.squareRoot())
    return Capture(
      photographs: try (0..<views).map {
        try photograph(golden * Double($0), 0.12 + 0.8 * (Double($0) + 0.5) / Double(views))
      },
      heldOut: try (0..<heldOut).map {
        let share = (Double($0) + 0.5) / Double(heldOut)
        return try photograph(0.6 + 2 * .pi * share, 0.25 + 0.5 * share)
      }, bounds: .ball(radius: reach))
  }

  private static func scene(specular: Double) -> Scene<Mesh> {
    let ball = Mesh.icosphere(subdivisions: 4, radius: 0.58)
    let ring = Mesh.torus(
      majorRadius: 0.84, minorRadius: 0.14, majorSegments: 72, minorSegments: 24)
    let tilt = Rotation.exponential(Tensor([0.35, 0, 0.25] as [Float]))
    let turned = ring.vertices.matmul(tilt, transposingRight: true)
    let count = Tensor(Double(ball.vertexCount), dtype: .int32)
    var mesh = Mesh(
      vertices: .concatenate([ball.vertices, turned]) * reach,
      faces: .concatenate([ball.faces, ring.faces + count]))
    let waves = (ball.vertices * Tensor([7, 9, 6] as [Float])).sin()
    let blue = Tensor([0.1, 0.22, 0.5] as [Float])
    let ochre = Tensor([0.55, 0.33, 0.1] as [Float])
    let share = (waves.sum(axis: 1) * 6).sigmoid().expandingDims(at: 1)
    mesh.appearance = .vertexColors(
      .concatenate([
        blue * share + ochre * (1 - share),
        Tensor([0.12, 0.4, 0.2] as [Float]).broadcast(to: turned.shape),
      ]))
    mesh.material = Material(specular: specular, shininess: 6)
    return Scene(
      mesh,
      lights: [
        .ambient(intensity: .full([3], 0.3)),
        .directional(direction: Tensor([0.3, 0.9, 0.5] as [Float]), intensity: .full([3], 0.75)),
        .directional(direction: Tensor([-0.8, 0.4, -0.3] as [Float]), intensity: .full([3], 0.4)),
      ], background: .ones([3]))
  }
}

extension Tensor {
  /// Linear light as files store it.
  fileprivate var stored: Tensor {
    let values = scalars(as: Float.self).map { Float(ColorEncoding.sRGB.encode(Double($0))) }
    return Tensor(values.map { Swift.min(Swift.max($0, 0), 1) }, shape: shape)
  }
}

// MARK: The temple

extension Capture {
  /// Middlebury's templeSparseRing, over white, a multiple of a picture's size smaller. Regions are
  /// the pixels that the object fills.
  ///
  /// - Parameters:
  ///   - folder: with the par file, the pictures and the masks.
  ///   - factor: pixels that become one.
  ///   - heldOut: the view that is kept back, from 0.
  static func temple(_ folder: String, factor: Int, heldOut: Int) throws -> Capture {
    // The box of the object as the data set states it, which becomes the inside of the ball.
    let lower = SIMD3(-0.073568, 0.021728, -0.012445)
    let upper = SIMD3(0.028855, 0.181892, 0.062736)
    let middle = (lower + upper) / 2
    let scale = ((upper - lower) * (upper - lower)).sum().squareRoot() / 2 / reach
    let photographs = try CalibratedView.read("\(folder)/templeSR_par.txt").map { view in
      let stem = (view.imageName as NSString).deletingPathExtension
      let image = try ImageFile.read("\(folder)/\(view.imageName)", encoding: .linear).color
      let mask = try ImageFile.read("\(folder)/masks/\(stem)_mask.png", encoding: .linear).color
        .slice(axis: 2, from: 0, to: 1)
      var camera = try Camera(view, width: image.shape[1], height: image.shape[0])
      let centre = camera.cameraPoints(
        Tensor([middle.x, middle.y, middle.z], shape: [1, 3]).cast(to: .float32))
      camera.translation = centre.squeezed(axis: 0) / scale
      camera.width /= factor
      camera.height /= factor
      camera.focalLength = camera.focalLength / Double(factor)
      camera.principalPoint = camera.principalPoint / Double(factor)
      camera.skew = camera.skew / Double(factor)
      let covered = mask.averagePooled(by: factor)
      return Photograph(
        camera: camera, image: (image * mask + (1 - mask)).averagePooled(by: factor),
        region: (covered .> 0.5).cast(to: .float32).squeezed(axis: 2))
    }
    let half = (upper - lower) / 2 / scale
    return Capture(
      photographs: photographs.indices.filter { $0 != heldOut }.map { photographs[$0] },
      heldOut: [photographs[heldOut]], bounds: .box(lower: -half, upper: half))
  }
}
