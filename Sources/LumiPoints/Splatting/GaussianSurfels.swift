import LumiRendering
import LumiScene
import LumiTensor

/// Flat Gaussians in space, met by rays exactly: surfels in the manner of 2D Gaussian splatting.
///
/// Computes: where every pixel's ray meets a surfel's plane, (u, v) in its standard deviations, and
/// there exp(-(u² + v²)/2), in perspective and without a linear approximation; where that is less
/// than a small Gaussian on the screen around the middle, that one, so that surfels seen edge-on
/// stay visible; and from front to back by the depth of the middles, Σ alpha T colour over the
/// background. Depth is that of the ray's meeting, weighted as colours are and divided by alpha; 0
/// where nothing is. Positions, the first two scales, rotations, opacities, harmonics, background
/// and the camera have their plain derivative. Normals are the surfels' third axes on the eye's side.
///
/// Cannot: order surfels within a pixel, so the picture jumps when two middles swap their order, as
/// in ``GaussianSplatting``; at the switch between plane and screen, depth has a step. Of clouds with
/// three scales the third is not looked at and has no derivative.
///
/// The published losses are ``depthNormalConsistency(_:from:)`` for normals; distortion of depth is
/// not here.
///
/// B. Huang, Z. Yu, A. Chen, A. Geiger, S. Gao, "2D Gaussian Splatting for Geometrically Accurate
/// Radiance Fields", SIGGRAPH 2024. C. Sigg, T. Weyrich, M. Botsch, M. Gross, "GPU-Based Ray-Casting
/// of Quadratic Surfaces", Point-Based Graphics 2006.
public struct GaussianSurfels: Renderer {
  public static let method = MethodDescription(
    id: "points/gaussian-surfels", name: "2D Gaussian splatting", representation: .points,
    type: "extra: radiance field on surfels",
    strengths: "exact in perspective; depth and normals of a surface",
    limits: "jumps where middles swap their order; thin volumes only",
    citation: "Huang, Yu, Chen, Geiger, Gao, SIGGRAPH 2024",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  /// The images to make: colour, alpha, depth and normal.
  public var channels: Set<RenderChannel>
  /// How lights are reflected, where a scene has some.
  public var reflection: Reflection
  /// Standard deviation of the Gaussian on the screen, in pixels; above 0. Default √½, as published.
  public var screenDeviation = 0.5.squareRoot()
  /// Surfels whose middles are nearer are left out, as are those nearer than the camera's `near` or
  /// beyond its `far`, and rays that meet one nearer; world units. Default 0.2.
  public var nearestDepth = 0.2
  /// What is left out.
  public var limits = SplatLimits()
  /// How surfels are blended.
  public var evaluation = SplatEvaluation.kernel

  /// - Parameters:
  ///   - channels: colour, alpha, depth and normals by default.
  ///   - reflection: Lambert's by default.
  public init(
    channels: Set<RenderChannel> = [.color, .alpha, .depth, .normal],
    reflection: Reflection = .lambert
  ) {
    self.channels = channels
    self.reflection = reflection
  }

  public func render(_ scene: Scene<GaussianCloud>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try check(camera)
    let picture = try GaussianPicture(scene, camera, wanted: channels, method: id)
    let cloud = scene.shape
    let nearest = max(nearestDepth, camera.near)
    let view = GaussiansInView(cloud, camera, depths: nearest...max(camera.far, nearest))
    let blending = SplatBlending(
      kind: .surfel(
        screenFactor: 1 / (screenDeviation * screenDeviation), nearestDepth: nearest),
      width: camera.width, height: camera.height, limits: limits, order: view.order,
      places: view.places(camera), forms: matrices(view, camera),
      opacities: cloud.opacityLogits.sigmoid(), values: picture.values(reflection: reflection))
    return picture.output(try blending(evaluation, method: id))
  }

  /// [N, 9]: rows of the matrices that take (u, v, 1) to depth · (x, y, 1) in pixels.
  private func matrices(_ view: GaussiansInView, _ camera: Camera) -> Tensor {
    func row(_ axis: Tensor, _ middle: Tensor) -> Tensor {
      .concatenate([axis.slice(axis: 1, from: 0, to: 2), middle], axis: 1)
    }
    let (x, y) = (row(view.axisX, view.x), row(view.axisY, view.y))
    let z = row(view.axisZ, view.z)
    func entry(_ values: Tensor, _ k: Int) -> Tensor { values[.index(k)] }
    return .concatenate(
      [
        x * entry(camera.focalLength, 0) + y * camera.skew + z * entry(camera.principalPoint, 0),
        y * entry(camera.focalLength, 1) + z * entry(camera.principalPoint, 1), z,
      ], axis: 1)
  }

  private func check(_ camera: Camera) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: Self.method.id, parameter: name, expected: expected, actual: actual)
    }
    try require(
      screenDeviation > 1e-3 && screenDeviation.isFinite, "screenDeviation",
      "above 0.001 and finite", "\(screenDeviation)")
    try require(
      nearestDepth >= 0 && nearestDepth.isFinite, "nearestDepth", "at least 0 and finite",
      "\(nearestDepth)")
    try require(camera.model == .perspective, "camera.model", "perspective", "\(camera.model)")
    try limits.check(method: Self.method.id)
  }
}

extension GaussianSurfels {
  /// How little the surfels' normals agree with the surface that their depth makes: the mean over
  /// pixels of alpha (1 - n · m), m being the normal of the depth image by differences of its
  /// neighbours in space (the published L_n). The border of the image does not count.
  ///
  /// - Parameters:
  ///   - output: with alpha, depth and normals.
  ///   - camera: the view that it shows.
  /// - Throws: `RenderError` for a missing channel or an image of less than 3×3 pixels.
  public static func depthNormalConsistency(
    _ output: RenderOutput, from camera: Camera
  ) throws -> Tensor {
    let (height, width) = (output.height, output.width)
    guard height >= 3 && width >= 3 else {
      throw RenderError.invalid(
        method: method.id, parameter: "output", expected: "at least 3×3 pixels",
        actual: "\(height)×\(width)")
    }
    let (alpha, normals) = (try output[.alpha], try output[.normal])
    let points = camera.unproject(pixels: camera.pixelCentres(), depth: try output[.depth])
    func inner(_ image: Tensor, _ row: Int, _ column: Int) -> Tensor {
      image.slice(axis: 0, from: 1 + row, to: height - 1 + row)
        .slice(axis: 1, from: 1 + column, to: width - 1 + column)
    }
    let across = inner(points, 0, 1) - inner(points, 0, -1)
    let down = inner(points, 1, 0) - inner(points, -1, 0)
    let surface = Tensor.cross(down, across).unitVectors()
    let agreement = (inner(normals, 0, 0) * surface).sum(axis: 2)
    return (inner(alpha, 0, 0) * (1 - agreement)).mean()
  }
}
