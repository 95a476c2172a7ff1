import Foundation
import LumiRendering
import LumiScene
import LumiTensor

/// The form of the Soft Rasterizer that PyTorch3D made popular.
///
/// Computes: the K nearest faces that reach a pixel (or all of them), with perspective-correct
/// clipped weights if wanted, blended by the Soft Rasterizer's probabilities and softmax. Differs
/// from ``SoftRasterizer`` in that depth and colour follow Σ w z and Σ w c of the clipped weights,
/// that alpha is of the same faces as colour, and in the background's weight.
///
/// Cannot: draw sharply, and with few faces a pixel it drops contributions, which makes the picture
/// and the gradient jump where faces change places. Made of tensor operations: any shader,
/// derivatives of any order, slower than the fused ``SoftRasterizer``.
///
/// N. Ravi et al., "Accelerating 3D Deep Learning with PyTorch3D", 2020, after S. Liu et al., "Soft
/// Rasterizer", ICCV 2019.
public struct PyTorch3DSoftRasterizer: Renderer {
  /// The same method as ``SoftRasterizer``, so a registry holds one of the two.
  public static let method = MethodDescription(
    id: "mesh/softras", name: "Soft Rasterizer, PyTorch3D's form", representation: .mesh,
    type: "approximated rendering",
    strengths: "perspective-correct interpolation; light per pixel",
    limits: "blurred picture; with a cap on faces a pixel it drops contributions",
    citation: "Ravi et al. 2020; Liu, Li, Chen, Li, ICCV 2019",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  public var sigma = 1e-4
  public var gamma = 1e-4
  /// Squared screen distance within which a face outside the pixel counts; nil:
  /// σ·log(1/1e-4 - 1).
  public var blurRadius: Double?
  /// How many faces a pixel keeps, nearest first; nil: all.
  public var facesPerPixel: Int?
  public var perspectiveCorrect = true
  public var clipBarycentrics = true
  /// Depths that the softmax scales to [0, 1].
  public var depthRange = 1.0...100.0
  public var shader = Shader.phong

  public init() {}

  public func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    try validate()
    let scene = try scene.prepared(for: camera, method: Self.method.id)
    let projected = ProjectedMesh(scene.shape, from: camera)
    let shaded = ShadedMesh(scene, shader: shader, from: camera)
    let fragments = try findFragments(projected.corners, ScreenSpace(camera))
    let images = blend(fragments, background: scene.background) { weights in
      shaded.colors(of: fragments, on: projected, weights: weights)
    }
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width,
      images: [.color: images.color, .alpha: images.alpha])
  }

  private func validate() throws {
    try SoftRasterizer.requireSoftness(sigma, gamma, depthRange)
    try SoftRasterizer.require(
      blurRadius.map { $0 >= 0 && $0.isFinite } ?? true, "blurRadius", "at least 0",
      "\(blurRadius ?? 0)")
    try SoftRasterizer.require(
      facesPerPixel.map { $0 > 0 } ?? true, "facesPerPixel", "above 0", "\(facesPerPixel ?? 0)")
  }

  package func findFragments(_ corners: Tensor, _ screen: ScreenSpace) throws -> Fragments {
    var rules = FragmentSearch.Rules()
    rules.radiusSquared = blurRadius ?? sigma * log(1 / 1e-4 - 1)
    rules.minimumTwiceArea = 1e-8
    rules.minimumDepth = 1e-8
    rules.nearest = facesPerPixel
    rules.perspectiveCorrect = perspectiveCorrect
    rules.clipBarycentrics = clipBarycentrics
    return try FragmentSearch.find(
      corners, screen: screen, rules: rules, method: Self.method.id)
  }

  /// Weights of the corners at each fragment [fragments, 3].
  func weights(_ fragments: Fragments) -> Tensor {
    var weights = fragments.barycentrics
    if perspectiveCorrect {
      let z = (0..<3).map(fragments.depth)
      let opposite = Tensor.stack([z[1] * z[2], z[0] * z[2], z[0] * z[1]], axis: 1)
      let scaled = weights * opposite
      weights = scaled / scaled.sum(axis: 1, keepDims: true).clamped(min: 1e-8)
    }
    guard clipBarycentrics else { return weights }
    let positive = weights.clamped(min: 0)
    return positive / positive.sum(axis: 1, keepDims: true).clamped(min: 1e-5)
  }

  /// [height, width, C] and [height, width].
  package func blend(
    _ fragments: Fragments, background: Tensor, shade: (Tensor) -> Tensor
  ) -> (color: Tensor, alpha: Tensor) {
    let weights = weights(fragments)
    let inside = fragments.barycentrics.stoppingGradient().min(axis: 1) .> 0
    let squared = fragments.squaredDistanceToBoundary()
    let logits = Tensor.where(inside, squared, -squared) / sigma
    let z = fragments.depths(weights, perspective: false)
    let (near, far) = (depthRange.lowerBound, depthRange.upperBound)
    let closeness = (far - z) / (far - near)
    return (
      softmax(shade(weights), closeness, logits, fragments, background),
      Blending.unionOfProbabilities(logits: logits, fragments)
    )
  }

  /// The background counts as exp((ε - ζmax)/γ), at least ε, relative to the nearest face; ε is
  /// 1e-10.
  private func softmax(
    _ colors: Tensor, _ closeness: Tensor, _ logits: Tensor, _ fragments: Fragments,
    _ background: Tensor
  ) -> Tensor {
    let epsilon = 1e-10
    let nearest = fragments.maximumPerPixel(closeness, atLeast: epsilon)
    let weights =
      (logits.sigmoid() * ((closeness - nearest.gather(fragments.pixels)) / gamma).exp())
      .expandingDims(at: 1)
    let rest = ((epsilon - nearest) / gamma).exp().clamped(min: epsilon).expandingDims(at: 1)
    let total = fragments.sumPerPixel(weights) + rest
    let image = (fragments.sumPerPixel(weights * colors) + rest * background) / total
    return image.reshaped([fragments.screen.height, fragments.screen.width, colors.shape[1]])
  }
}
