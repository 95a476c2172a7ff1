import Foundation
import LumiRendering
import LumiScene
import LumiTensor

/// Soft Rasterizer (survey 2.1.3): a picture that is smooth in the geometry.
///
/// Computes: every face colours every pixel by a probability that falls with the distance from the
/// pixel to the face's boundary; the union of the probabilities is the silhouette, and a softmax
/// over depth blends the colours. The gradient is the ordinary derivative of that picture, so it
/// reaches hidden faces and faces beside the pixel.
///
/// Cannot: draw a sharp picture. σ blurs the silhouette and γ the depth order; both need tuning.
/// Interpolation on a face is affine on the screen, not perspective-correct, as published. Beside a
/// face that is a needle on the screen (clipping at the near plane can make one), the limited
/// barycentric coordinates pick any point of it, so a texture streaks there. A face is left out
/// where its probability is below ``distanceEpsilon``: the picture has steps of that height, which
/// no derivative sees.
///
/// The released program leaves out part of the derivative (``GradientMode/official``); the default
/// here is the complete one, which agrees with finite differences.
///
/// S. Liu, T. Li, W. Chen, H. Li, "Soft Rasterizer: A Differentiable Renderer for Image-based 3D
/// Reasoning", ICCV 2019.
public struct SoftRasterizer: Renderer {
  public static let method = MethodDescription(
    id: "mesh/softras", name: "Soft Rasterizer", representation: .mesh,
    type: "approximated rendering",
    strengths: "gradients reach vertices from many pixels and hidden faces; plain derivative",
    limits: "blurred picture; two softness parameters to tune; affine interpolation",
    citation: "Liu, Li, Chen, Li, ICCV 2019",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  /// What the probability of a face at a pixel is computed from.
  public enum Distance: String, Sendable, CaseIterable {
    /// The squared distance to the triangle's boundary, in screen units.
    case euclidean
    /// The square of the smallest barycentric coordinate.
    case barycentric
    /// Certain inside, impossible outside.
    case hard
  }

  /// How the faces' probabilities make the silhouette.
  public enum AlphaAggregation: String, Sendable, CaseIterable {
    /// 1 - Π(1 - D).
    case product
    /// ΣD over the number of faces.
    case sum
    /// 1 where any D exceeds ½; without a gradient.
    case hard
  }

  /// How the faces' colours make the picture.
  public enum ColorAggregation: String, Sendable, CaseIterable {
    /// Σ D exp(ζ/γ) c over the same sum with the background.
    case softmax
    /// The nearest face that contains the pixel's centre.
    case hard
    /// No colour: silhouettes only, the fastest.
    case none
  }

  /// Which derivative the picture gets.
  public enum GradientMode: String, Sendable, CaseIterable {
    /// The derivative of the forward pass.
    case complete
    /// The released program's: clipped barycentric coordinates count as constants, and a face
    /// outside the depth range gets no gradient although it changes alpha.
    case official
  }

  /// The background's weight in the softmax, with ε = ``backgroundEpsilon``.
  public enum BackgroundWeight: String, Sendable, CaseIterable {
    /// exp(2ε/γ): the released program counts ε twice.
    case official
    /// exp(ε/γ), as printed.
    case paper
  }

  /// Softness of the boundary in squared screen units; published default 1e-5, 1e-4 for training.
  public var sigma = 1e-5
  /// Softness of the depth order; published default 1e-4.
  public var gamma = 1e-4
  /// The smallest probability that counts: farther faces are left out; published default 1e-4.
  public var distanceEpsilon = 1e-4
  public var backgroundEpsilon = 1e-3
  /// Depths that colours come from, and that the softmax scales to [0, 1]; published 1 to 100.
  /// Alpha does not depend on it, as published.
  public var depthRange = 1.0...100.0
  public var distance = Distance.euclidean
  public var alpha = AlphaAggregation.product
  public var color = ColorAggregation.softmax
  public var gradient = GradientMode.complete
  public var backgroundWeight = BackgroundWeight.official
  /// False: only faces seen from outside give colour. Alpha is of all faces.
  public var isDoubleSided = true
  /// Published: light a face (`Shader.flat`) for face texels, a vertex (`Shader.gouraud`)
  /// otherwise.
  public var shader = Shader.gouraud
  /// ``HardRasterizer/Path/tensorOperations`` selects the readable twin.
  public var path = HardRasterizer.Path.automatic

  public init() {}

  /// A renderer of silhouettes with the softness that the authors train with.
  public static var silhouettes: SoftRasterizer {
    var renderer = SoftRasterizer()
    renderer.sigma = 1e-4
    renderer.color = .none
    return renderer
  }

  /// Screen distance, squared, at which a face's probability falls to ``distanceEpsilon``.
  public var reachSquared: Double { sigma * log(1 / distanceEpsilon - 1) }

  public func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    try render(scene, from: [camera])[0]
  }

  /// Views of one size whose faces all lie in front of their cameras are drawn by one call.
  public func render(_ scene: Scene<Mesh>, from cameras: [Camera]) throws -> [RenderOutput] {
    try validate()
    var scene = scene
    for camera in cameras { scene = try scene.prepared(for: camera, method: Self.method.id) }
    let views = cameras.map { camera in
      (
        mesh: ProjectedMesh(scene.shape, from: camera),
        shaded: ShadedMesh(scene, shader: shader, from: camera)
      )
    }
    let uniform =
      views.allSatisfy { $0.mesh.clipping == nil }
      && Set(cameras.map { [$0.width, $0.height] }).count <= 1
    if path == .automatic, uniform, let outputs = try fused(views, scene) { return outputs }
    return try views.map { view in
      if path == .automatic, let outputs = try fused([view], scene) { return outputs[0] }
      return try renderFragments(view.mesh, view.shaded, background: scene.background)
    }
  }

  /// Throws ``RenderError/invalid(method:parameter:expected:actual:)`` for a parameter out of range.
  private func validate() throws {
    try Self.requireSoftness(sigma, gamma, depthRange)
    try Self.require(
      distanceEpsilon > 0 && distanceEpsilon <= 0.5, "distanceEpsilon", "in (0, 0.5]",
      "\(distanceEpsilon)")
    try Self.require(
      backgroundEpsilon.isFinite, "backgroundEpsilon", "finite", "\(backgroundEpsilon)")
  }

  static func requireSoftness(
    _ sigma: Double, _ gamma: Double, _ depthRange: ClosedRange<Double>
  ) throws {
    try require(sigma > 0 && sigma.isFinite, "sigma", "above 0", "\(sigma)")
    try require(gamma > 0 && gamma.isFinite, "gamma", "above 0", "\(gamma)")
    try require(
      depthRange.lowerBound > 0 && depthRange.lowerBound < depthRange.upperBound
        && depthRange.upperBound.isFinite, "depthRange", "0 < near < far, finite", "\(depthRange)")
  }

  static func require(
    _ holds: Bool, _ parameter: String, _ expected: String, _ actual: String
  ) throws {
    guard holds else {
      throw RenderError.invalid(
        method: method.id, parameter: parameter, expected: expected, actual: actual)
    }
  }

  /// The logarithm of the background's weight.
  var backgroundExponent: Double {
    (backgroundWeight == .official ? 2 : 1) * backgroundEpsilon / gamma
  }

  /// The same relative to the weight of the nearest depth, as the kernel counts exponents.
  var backgroundExponentFromNear: Double { backgroundExponent - 1 / gamma }

  /// The fused kernel, if colours are linear on faces or flat texels.
  private func fused(
    _ views: [(mesh: ProjectedMesh, shaded: ShadedMesh)], _ scene: Scene<Mesh>
  ) throws -> [RenderOutput]? {
    guard let first = views.first else { return [] }
    let colors: SoftRaster.Colors
    if color == .none {
      colors = .none
    } else if case .faceTexels(let texels) = scene.shape.appearance {
      guard views.allSatisfy({ $0.mesh.clipping == nil }) else { return nil }
      let lit = views.compactMap { $0.shaded.texelColors() }
      guard lit.count == views.count else { return nil }
      let side = Int(Double(texels.shape[1]).squareRoot().rounded())
      colors = .texels(Tensor.stack(lit), resolution: side)
    } else {
      let lit = views.compactMap { view in
        view.shaded.cornerColors().map { view.mesh.corners(of: $0) }
      }
      guard lit.count == views.count else { return nil }
      colors = .corners(Tensor.stack(lit))
    }
    let image = try SoftRaster.render(
      Tensor.stack(views.map(\.mesh.corners)), ScreenSpace(first.mesh.camera), colors: colors,
      background: scene.background, options: self)
    return views.indices.map { index in
      output(
        views.count == 1 ? image.squeezed(axis: 0) : image[.index(index)], first.mesh.camera)
    }
  }

  /// Splits an image [height, width, C + 1] into its channels.
  private func output(_ image: Tensor, _ camera: Camera) -> RenderOutput {
    let channels = image.shape[2] - 1
    var images: [RenderChannel: Tensor] = [
      .alpha: image.slice(axis: 2, from: channels, to: channels + 1).squeezed(axis: 2)
    ]
    if channels > 0 { images[.color] = image.slice(axis: 2, from: 0, to: channels) }
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width, images: images)
  }
}
