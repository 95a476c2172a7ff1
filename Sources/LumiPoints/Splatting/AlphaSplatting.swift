import LumiRendering
import LumiScene
import LumiTensor

/// Plain splatting: discs that face the eye and fade towards their rim, laid over each other.
///
/// Computes: every point as a disc of weight opacity · (1 - d²/r²) at the distance d on the screen;
/// all that cover a pixel are composited from near to far, over the background. Its derivative is
/// the picture's own, in positions, radii, colours, opacities, lights and the camera.
///
/// Cannot: reach a pixel that no disc covers; show a closed surface without its discs overlapping; its
/// discs are not foreshortened, so outlines bulge by a radius. The picture jumps where two discs
/// that overlap change their order in depth.
///
/// The stock point renderer of N. Ravi et al., "Accelerating 3D Deep Learning with PyTorch3D", 2020
/// (weights and `AlphaCompositor`; there of at most K points a pixel). The baseline that methods
/// with surrogates are compared with.
public struct AlphaSplatting: Renderer {
  public static let method = MethodDescription(
    id: "points/alpha-splatting", name: "Alpha-composited discs", representation: .points,
    type: "beyond the survey", strengths: "simple; fast; exact in every parameter",
    limits: "no gradient beyond the rim of a disc; pseudo-sized points",
    citation: "Ravi, Reizenstein, Novotny, Gordon, Lo, Johnson, Gkioxari, 2020",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  /// The discs' radius on the screen where the cloud has none, above 0; the shorter side of the
  /// image is 2.
  public var radius: Double
  /// Points a pixel composites; nil, the default, for all.
  public var nearest: Int?
  public var reflection: Reflection
  /// The images to make: colour, alpha.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - radius: of discs whose cloud has no radii, in screen units.
  ///   - nearest: the most points a pixel composites.
  ///   - reflection: how points reflect light.
  ///   - channels: the images to make.
  public init(
    radius: Double = 0.01, nearest: Int? = nil, reflection: Reflection = .lambert,
    channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.radius = radius
    self.nearest = nearest
    self.reflection = reflection
    self.channels = channels
  }

  public func render(_ scene: Scene<PointCloud>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkPoints(for: camera, method: id)
    guard radius > 0, radius.isFinite else {
      throw RenderError.invalid(
        method: id, parameter: "radius", expected: "above 0", actual: "\(radius)")
    }
    let cloud = scene.shape
    let inCamera = camera.cameraPoints(cloud.points)
    let radii = cloud.radii.map { camera.screenLengths($0, at: inCamera) }
    let points = ScreenPoints(
      cameraPoints: inCamera, from: camera,
      footprint: .discs(radii: radii ?? Tensor(radius, dtype: cloud.dtype)))
    let fragments = try PointRasterizer(nearest: nearest, depths: camera.near...camera.far)
      .fragments(of: points, method: id)
    let reach = fragments.gather(points.shapes.square())
    // Rounding may put a centre on the rim a little outside.
    var weights = (1 - fragments.squaredDistances / reach).clamped(min: 0)
    if let opacities = cloud.opacities { weights = weights * fragments.gather(opacities) }
    let (image, alpha) = AlphaCompositor().composite(
      features: try cloud.shadedColors(scene.lights, reflection, camera, method: id),
      weights: weights, fragments: fragments)
    var images: [RenderChannel: Tensor] = [:]
    if channels.contains(.alpha) { images[.alpha] = alpha }
    if channels.contains(.color) {
      images[.color] = image + (1 - alpha).expandingDims(at: 2) * scene.background
    }
    return RenderOutput(method: id, height: camera.height, width: camera.width, images: images)
  }
}

extension PointCloud {
  /// [N, C]: the points' own colours, in the light where there is any.
  func shadedColors(
    _ lights: [Light], _ reflection: Reflection, _ camera: Camera, method: String
  ) throws -> Tensor {
    let own = appearance.colors(count: count)
    guard !lights.isEmpty else { return own }
    guard let normals, own.shape[1] == 3 else {
      throw RenderError.invalid(
        method: method, parameter: "light.0", expected: "no lights on a cloud without normals",
        actual: "\(lights.count) lights")
    }
    let light = Illumination(
      positions: points, normals: normals.normalized(), toEye: camera.directionToEye(from: points),
      lights: lights, material: material, reflection: reflection)
    return own * light.diffuse + light.specular
  }
}

extension Camera {
  /// World lengths [N] at camera points [N, 3] on the screen: [N].
  func screenLengths(_ lengths: Tensor, at points: Tensor) -> Tensor {
    let focal = focalLength.abs().mean() * ScreenSpace(self).unitsPerPixel
    switch model {
    case .orthographic: return lengths * focal
    case .weakPerspective: return lengths * focal / meanDepth!
    case .perspective, .quadratic, .brown, .fisheye, .thinLens:
      return lengths * focal / points.column(2).clamped(min: max(near, 1e-6))
    }
  }
}
