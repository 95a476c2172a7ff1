import LumiRendering
import LumiScene
import LumiTensor

/// DIB-R, the interpolation-based differentiable renderer (survey 2.1.3).
///
/// Computes: where a face covers a pixel, an ordinary picture by interpolation, linear on the
/// screen, with its analytic derivative. Where none does, alpha is the probability that some face
/// reaches the pixel, 1 - Π(1 - exp(-d²/σ)), with the distance d to each face near the pixel, seen
/// or not; so outlines have a gradient from outside. Any appearance, light and reflection.
///
/// Cannot: move an outline by colour: a pixel's colour is that of its face or of the background, and
/// alpha is constant where a face covers the pixel, so nothing of what is seen pulls a surface
/// back. Changes of what hides what have no gradient. Faces beyond ``reach`` and beyond the first
/// ``facesPerPixel`` by index do not count: the mask has steps there that no derivative sees.
/// Interpolation is not perspective-correct, as published.
///
/// W. Chen, H. Ling, J. Gao, E. J. Smith, J. Lehtinen, A. Jacobson, S. Fidler, "Learning to Predict
/// 3D Objects with an Interpolation-based Differentiable Renderer", NeurIPS 2019, in the form of
/// Kaolin.
public struct DIBRenderer: Renderer {
  public static let method = MethodDescription(
    id: "mesh/dibr", name: "DIB-R", representation: .mesh, type: "approximated rendering",
    strengths: "sharp inside, soft outside; any shading; plain derivative",
    limits: "colour does not move outlines; alpha is constant inside; affine interpolation",
    citation: "Chen, Ling, Gao, Smith, Lehtinen, Jacobson, Fidler, NeurIPS 2019",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  public var shader: Shader
  /// The images to make; of ``allChannels``. Colour is over the background, without regard to the
  /// soft part of alpha; depth is 0 where nothing is seen.
  public var channels: Set<RenderChannel>
  /// 1/σ of the mask, per squared screen unit; above 0. Default 7000, as published.
  public var inverseSigma = 7000.0
  /// By how much a face's box is grown to find the pixels that it may reach, in screen units; at
  /// least 0. Default 0.02, as published.
  public var reach = 0.02
  /// How many faces count at a pixel, the first by index; at least 1. Default 30, as published.
  public var facesPerPixel = 30
  /// Added to 1 - probability where the derivative divides by it; at least 0. Default 0, the
  /// derivative of the mask; the published program has 1e-7.
  public var reciprocalGuard = 0.0

  /// Every channel that it can give.
  public static let allChannels: Set<RenderChannel> = [.color, .alpha, .depth, .faceIndex]

  /// - Parameters:
  ///   - shader: Gouraud by default.
  ///   - channels: colour and alpha by default.
  public init(shader: Shader = .gouraud, channels: Set<RenderChannel> = [.color, .alpha]) {
    self.shader = shader
    self.channels = channels
  }

  public func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try check()
    let picture = try HardPicture(
      scene, shader: shader, from: camera, method: id, isAffine: true)
    let last = picture.colorAndCoverage.shape[2] - 1
    var image = picture.colorAndCoverage
    if channels.contains(.alpha) {
      let mask = try mask(picture.screen)(
        picture.projected.corners, visibility: picture.visibility, method: id)
      image = .concatenate(
        [image.slice(axis: 2, from: 0, to: last), mask.expandingDims(at: 2)], axis: 2)
    }
    return try RenderOutput(
      image,
      [
        .depth: {
          let fragments = picture.fragments()
          return picture.depth(of: fragments, weights: fragments.barycentrics)
        },
        .faceIndex: { picture.faceIndex },
      ], wanted: channels, method: id)
  }

  private func mask(_ screen: ScreenSpace) -> SoftMask {
    SoftMask(
      inverseSigma: inverseSigma, reach: reach, facesPerPixel: facesPerPixel,
      reciprocalGuard: reciprocalGuard, halfWidth: screen.halfWidth,
      halfHeight: screen.halfHeight)
  }

  private func check() throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: Any) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: Self.method.id, parameter: name, expected: expected, actual: "\(actual)")
    }
    try require(
      inverseSigma > 0 && inverseSigma.isFinite, "inverseSigma", "above 0 and finite",
      inverseSigma)
    try require(reach >= 0 && reach.isFinite, "reach", "at least 0 and finite", reach)
    try require(facesPerPixel >= 1, "facesPerPixel", "at least 1", facesPerPixel)
    try require(reciprocalGuard >= 0, "reciprocalGuard", "at least 0", reciprocalGuard)
  }
}
