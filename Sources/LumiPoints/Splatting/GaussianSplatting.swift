import LumiRendering
import LumiScene
import LumiTensor

/// 3D Gaussian splatting: Gaussians in space, projected, sorted and blended.
///
/// Computes: every Gaussian's covariance on the image by the linear part of the projection at its
/// middle (elliptical weighted average, Zwicker et al. 2001), plus a low-pass filter; colours by
/// spherical harmonics of the viewing direction; and, from front to back by the depth of the middles,
/// Σ alpha T colour over the background. Everything has its plain derivative: positions, scales,
/// rotations, opacities, harmonics, background and the camera's pose and intrinsics. Depth is the
/// mean depth of what is seen, weighted as colours are; 0 where nothing is. Lights, of which the
/// published method has none, make the harmonics an albedo and take the shortest axis for the normal.
///
/// Cannot: order Gaussians within a pixel. All pixels go by the middles' depths, so when two swap
/// places the picture jumps, and no derivative says so. The projection is linear: large Gaussians
/// near the border of a wide view come out in the wrong shape. Cameras with distortion are refused.
/// The limits (``SplatLimits``) are steps too.
///
/// Differs from the released program in two places. A splat reaches to where its alpha falls below
/// the limit, and not to three standard deviations rounded to tiles, so that pictures do not depend
/// on tiles. With off-centre principal points, the borders that the Jacobian is limited to are those
/// of the image, and not of a centred one; for centred ones they are the published 1.3 times the
/// tangent of half of the field of view.
///
/// B. Kerbl, G. Kopanas, T. Leimkühler, G. Drettakis, "3D Gaussian Splatting for Real-Time Radiance
/// Field Rendering", ACM Transactions on Graphics 42(4), 2023. M. Zwicker, H. Pfister, J. van Baar,
/// M. Gross, "EWA Volume Splatting", IEEE Visualization 2001.
public struct GaussianSplatting: Renderer {
  public static let method = MethodDescription(
    id: "points/gaussian-splatting", name: "3D Gaussian splatting", representation: .points,
    type: "extra: radiance field",
    strengths: "fast; views of real scenes; smooth derivative of everything but the order",
    limits: "jumps where middles swap their order; no surface; linear projection",
    citation: "Kerbl, Kopanas, Leimkühler, Drettakis, ACM Transactions on Graphics 2023",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  /// The images to make: colour, alpha, depth and normal.
  public var channels: Set<RenderChannel>
  /// How lights are reflected, where a scene has some.
  public var reflection: Reflection
  /// Added to both variances on the image, in squared pixels; at least 0. Default 0.3.
  public var lowPass = 0.3
  /// Gaussians whose middles are nearer are left out, as are those nearer than the camera's `near`
  /// or beyond its `far`; world units. Default 0.2.
  public var nearestDepth = 0.2
  /// How far beyond the image, as a share of its sides, the projection's derivative still follows a
  /// Gaussian; at least 0. Default 0.15.
  public var borderMargin = 0.15
  /// What is left out.
  public var limits = SplatLimits()
  /// How splats are blended.
  public var evaluation = SplatEvaluation.kernel

  /// - Parameters:
  ///   - channels: colour, alpha and depth by default.
  ///   - reflection: Lambert's by default.
  public init(
    channels: Set<RenderChannel> = [.color, .alpha, .depth], reflection: Reflection = .lambert
  ) {
    self.channels = channels
    self.reflection = reflection
  }

  public func render(_ scene: Scene<GaussianCloud>, from camera: Camera) throws -> RenderOutput {
    try draw(scene, from: camera).output
  }

  /// Draws one view and says where the Gaussians were seen: what densification goes by.
  ///
  /// - Parameters:
  ///   - scene: the Gaussians.
  ///   - camera: the view.
  ///   - offsets: [N, 2], added to the places on the image, in pixels. The gradient by zeros is the
  ///     gradient by the places.
  /// - Throws: `RenderError` and `SceneError` for what cannot be drawn.
  public func draw(
    _ scene: Scene<GaussianCloud>, from camera: Camera, offsets: Tensor? = nil
  ) throws -> (output: RenderOutput, projected: ProjectedGaussians) {
    try check()
    let picture = try GaussianPicture(
      scene, camera, wanted: channels, method: Self.method.id)
    let projected = try project(scene.shape, from: camera)
    var places = projected.places
    if let offsets {
      guard offsets.shape == places.shape && offsets.dtype == places.dtype else {
        throw RenderError.invalid(
          method: Self.method.id, parameter: "offsets",
          expected: "\(places.dtype) \(places.shape)", actual: "\(offsets.dtype) \(offsets.shape)")
      }
      places = places + offsets
    }
    let values = picture.values(
      reflection: reflection, [projected.depths.expandingDims(at: 1)])
    let blending = SplatBlending(
      kind: .projected, width: camera.width, height: camera.height, limits: limits,
      order: projected.order, places: places, forms: projected.conics(),
      opacities: scene.shape.opacityLogits.sigmoid(), values: values)
    return (picture.output(try blending(evaluation, method: Self.method.id)), projected)
  }

  /// Where a camera sees a cloud.
  ///
  /// - Throws: `RenderError` for a camera with distortion or a setting out of range, `SceneError`
  ///   for a cloud that is not as documented.
  public func project(
    _ cloud: GaussianCloud, from camera: Camera
  ) throws -> ProjectedGaussians {
    try check()
    _ = try GaussianPicture(
      Scene(cloud, background: .zeros([cloud.harmonics.shape.last ?? 0], dtype: cloud.dtype)),
      camera, wanted: [], method: Self.method.id)
    let view = GaussiansInView(
      cloud, camera, depths: max(nearestDepth, camera.near)...max(camera.far, nearestDepth))
    let slopes = slopes(view, camera)
    func covariance(_ a: Tensor, _ b: Tensor) -> Tensor { (a * b).sum(axis: 1, keepDims: true) }
    return ProjectedGaussians(
      places: view.places(camera),
      covariances: .concatenate(
        [
          covariance(slopes.across, slopes.across) + lowPass,
          covariance(slopes.across, slopes.down),
          covariance(slopes.down, slopes.down) + lowPass,
        ], axis: 1),
      depths: view.points.columnVector(2).reshaped([cloud.count]), order: view.order)
  }

  /// The Gaussians' axes on the image, [N, A] each, in pixels: Jacobian times axes.
  private func slopes(
    _ view: GaussiansInView, _ camera: Camera
  ) -> (across: Tensor, down: Tensor) {
    let focal = (camera.focalLength[.index(0)], camera.focalLength[.index(1)])
    switch camera.model {
    case .orthographic, .weakPerspective:
      let across = view.axisX * focal.0 + view.axisY * camera.skew
      let down = view.axisY * focal.1
      guard camera.model == .weakPerspective, let depth = camera.meanDepth else {
        return (across, down)
      }
      return (across / depth, down / depth)
    default:
      let (a, b) = limited(view.x / view.z, view.y / view.z, camera)
      let (byX, byY) = (view.axisX - a * view.axisZ, view.axisY - b * view.axisZ)
      return ((byX * focal.0 + byY * camera.skew) / view.z, byY * focal.1 / view.z)
    }
  }

  /// x/z and y/z kept near the image, where the projection's derivative is taken.
  private func limited(_ a: Tensor, _ b: Tensor, _ camera: Camera) -> (Tensor, Tensor) {
    func limited(_ value: Tensor, _ axis: Int, _ side: Int) -> Tensor {
      let (middle, focal) = (camera.principalPoint[.index(axis)], camera.focalLength[.index(axis)])
      let margin = borderMargin * Double(side)
      let ends = ((-middle - margin) / focal, (-middle + Double(side) + margin) / focal)
      return Tensor.maximum(
        Tensor.minimum(value, Tensor.maximum(ends.0, ends.1)), Tensor.minimum(ends.0, ends.1))
    }
    return (limited(a, 0, camera.width), limited(b, 1, camera.height))
  }

  private func check() throws {
    func require(_ holds: Bool, _ name: String, _ actual: Double) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: Self.method.id, parameter: name, expected: "at least 0 and finite",
        actual: "\(actual)")
    }
    try require(lowPass >= 0 && lowPass.isFinite, "lowPass", lowPass)
    try require(nearestDepth >= 0 && nearestDepth.isFinite, "nearestDepth", nearestDepth)
    try require(borderMargin >= 0 && borderMargin.isFinite, "borderMargin", borderMargin)
    try limits.check(method: Self.method.id)
  }
}

extension GaussiansInView {
  /// Where the middles are seen, [N, 2] in pixels.
  func places(_ camera: Camera) -> Tensor {
    camera.pixels(ofCameraPoints: .concatenate([x, y, z], axis: 1))
  }
}
