import Lumigrad

/// Gaussians that stand for the surfaces of bodies.
struct GaussianCloud: SceneShape, BenchmarkShape {
  /// [N, 3] each: places in the world, the surface's normals and its linear colours.
  var means, normals, colors: Tensor
  /// [N]: standard deviations in world units.
  var radii: Tensor
  var material: Material

  static let parameterPrefix = "gaussians."
  var dtype: DType { means.dtype }
  var primitiveCount: Int { means.shape[0] }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> GaussianCloud {
    GaussianCloud(
      means: try transform("means", means), normals: try transform("normals", normals),
      colors: try transform("colors", colors), radii: try transform("radii", radii),
      material: try material.mapParameters { try transform("material." + $0, $1) })
  }

  static func representing(_ bodies: [Body], material: Material, detail: Int) -> GaussianCloud {
    let parts = bodies.map { sampled($0, material, detail) }
    func all(_ field: (GaussianCloud) -> Tensor) -> Tensor { .concatenate(parts.map(field)) }
    return GaussianCloud(
      means: all(\.means), normals: all(\.normals), colors: all(\.colors), radii: all(\.radii),
      material: material)
  }

  /// Points all over a body. Which ones is fixed; where they are follows the body's parameters.
  private static func sampled(_ body: Body, _ material: Material, _ detail: Int) -> GaussianCloud {
    let count = 40 << (2 * detail)
    var mesh = body.surface(detail: detail)
    let (form, areas) = (mesh.vertices, mesh.faceAreas())
    mesh.vertices = body.placed(form)
    // Every point stands for the same area: how many faces' areas fit in before its own?
    let share = areas.sum() / Double(count)
    let steps = Tensor.arange(count, dtype: .float64).expandingDims(at: 1)
    let before = areas.cumsum(axis: 0)[0..<areas.count - 1] .< (steps + 0.5) * share
    let faces = before.cast(to: .int32).sum(axis: 1)
    // Turns by 1/g and 1/g², g³ = g + 1, fill a square evenly; fold it onto the triangle.
    let turns = steps * Tensor([0.754877666246693, 0.569840290998053])
    let square = turns - turns.floor()
    let uv = Tensor.where(square.sum(axis: 1, keepDims: true) .> 1, 1 - square, square)
    let weights = Tensor.concatenate([1 - uv.sum(axis: 1, keepDims: true), uv], axis: 1)
    let (corners, shares) = (mesh.faces.gather(faces), weights.expandingDims(at: 2))
    func at(_ values: Tensor) -> Tensor { (values.gather(corners) * shares).sum(axis: 1) }
    // Gaussians stretch with the body. The small term keeps the root's slope finite.
    let stretched = (mesh.faceAreas() / areas).gather(faces) * share
    return GaussianCloud(
      means: at(mesh.vertices), normals: at(mesh.shadingNormals()),
      colors: body.color(at: at(form)), radii: (stretched + 1e-12).sqrt() / 3, material: material)
  }
}

/// Splatting: every Gaussian is a soft spot on the image; spots are composited from front to back.
/// Cannot: draw sharp edges, or see that spots swap places in depth, where the picture jumps.
/// Spots end at 7 standard deviations, 2e-11 of their peak.
/// M. Zwicker, H. Pfister, J. van Baar, M. Gross, "Surface Splatting", SIGGRAPH 2001.
struct GaussianSplatter: Renderer {
  static let method = MethodDescription(
    id: "points/gaussian-splats-2d", name: "Gaussian splats", representation: .points,
    type: "surface splatting", strengths: "plain derivative of a smooth picture",
    limits: "soft outline; order by depth is a choice without a derivative",
    citation: "Zwicker, Pfister, van Baar, Gross, SIGGRAPH 2001",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  func render(_ scene: Scene<GaussianCloud>, from camera: Camera) throws -> RenderOutput {
    for (path, value) in scene.parameters where value.dtype != camera.dtype {
      throw RenderError.invalid(
        method: Self.method.id, parameter: path, expected: "\(camera.dtype)",
        actual: "\(value.dtype)")
    }
    let spots = scene.shape.primitiveCount > 0 ? Spots(scene, camera) : nil
    func tiles(_ length: Int) -> [Range<Int>] {
      stride(from: 0, to: max(length, 1), by: 16).map { $0..<min($0 + 16, length) }
    }
    let rows = tiles(camera.height).map { y in
      let row = tiles(camera.width).map { x in
        spots?.drawn(x, y) ?? .zeros([y.count, x.count, 4], dtype: camera.dtype)
      }
      return Tensor.concatenate(row, axis: 1)
    }
    let image = Tensor.concatenate(rows)
    let alpha = image[.all, .all, 3]
    let behind = (1 - alpha).expandingDims(at: 2) * scene.background
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width,
      images: [.color: image[.all, .all, 0..<3] + behind, .alpha: alpha])
  }
}

/// Gaussians as a camera sees them: [N, 2] in pixels, [N, 1], and lit colours with a 1 behind, [N, 4].
private struct Spots {
  private let centres, deviations, opacities, colors: Tensor
  /// Those in view from front to back, with the pixels that they reach.
  private var order: [(index: Int32, x: ClosedRange<Double>, y: ClosedRange<Double>)] = []
  init(_ scene: Scene<GaussianCloud>, _ camera: Camera) {
    let cloud = scene.shape
    let (normals, toEye) = (cloud.normals.unitVectors(), camera.directionToEye(from: cloud.means))
    let light = Illumination(
      positions: cloud.means, normals: normals, toEye: toEye, lights: scene.lights,
      material: cloud.material, reflection: .phong)
    let one = Tensor.ones([cloud.primitiveCount, 1], dtype: cloud.dtype)
    colors = .concatenate([light.shade(cloud.colors), one], axis: 1)
    let (pixels, depth) = camera.project(cloud.means)
    // A radius to the camera's right and down: focal length · radius / depth, for all camera models.
    let sides = (0..<2).map { k in
      let beside = cloud.means + camera.rotation[k..<k + 1] * cloud.radii.expandingDims(at: 1)
      return (camera.project(beside).pixels - pixels)[.all, k..<k + 1].abs()
    }
    // Wider by a pixel's own variance of 1/12 and fainter by as much, so that none is missed.
    deviations = (Tensor.concatenate(sides, axis: 1).square() + 1.0 / 12).sqrt()
    opacities = sides[0] * sides[1] / deviations.prod(axis: 1, keepDims: true) * 0.95
    centres = pixels
    let (z, at) = (depth.scalars(as: Double.self), pixels.scalars(as: Double.self))
    let reach = deviations.scalars(as: Double.self).map { $0 * 7 }
    func range(_ j: Int) -> ClosedRange<Double> { at[j] - reach[j]...at[j] + reach[j] }
    for k in z.indices.sorted(by: { (z[$0], $0) < (z[$1], $1) })
    where z[k] > camera.near && z[k] < camera.far && (at[2 * k] + at[2 * k + 1]).isFinite
      && (reach[2 * k] + reach[2 * k + 1]).isFinite
    {
      order.append((Int32(k), range(2 * k), range(2 * k + 1)))
    }
  }

  /// The tile of columns x and rows y: colour times alpha, and alpha. Nil where nothing is seen.
  func drawn(_ x: Range<Int>, _ y: Range<Int>) -> Tensor? {
    func meets(_ reach: ClosedRange<Double>, _ tile: Range<Int>) -> Bool {
      reach.overlaps(Double(tile.lowerBound)...Double(tile.upperBound))
    }
    let seen = Tensor(order.filter { meets($0.x, x) && meets($0.y, y) }.map(\.index))
    guard seen.count > 0 else { return nil }
    // A Gaussian of x and y is one of x times one of y.
    func profile(_ k: Int, _ tile: Range<Int>) -> Tensor {
      let place = Tensor.arange(tile.count, dtype: centres.dtype) + Double(tile.lowerBound) + 0.5
      let offset = place - centres.gather(seen)[.all, k..<k + 1]
      return ((offset / deviations.gather(seen)[.all, k..<k + 1]).square() * -0.5).exp()
    }
    let across = profile(0, x).expandingDims(at: 1)
    let alpha = (profile(1, y) * opacities.gather(seen)).expandingDims(at: 2) * across
    let passed = (1 - alpha).cumprod(axis: 0)[0..<seen.count - 1]
    let before = Tensor.concatenate([Tensor.ones(like: alpha[0..<1]), passed])
    let weights = (alpha * before).reshaped([seen.count, y.count * x.count])
    let sum = weights.matmul(colors.gather(seen), transposingLeft: true)
    return sum.reshaped([y.count, x.count, 4])
  }
}
