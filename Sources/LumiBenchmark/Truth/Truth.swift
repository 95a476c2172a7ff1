import LumiRendering
import LumiScene
import LumiTensor

/// The exact image of a mesh scene, every pixel the mean over its area, and its derivative.
public struct Truth: Sendable {
  /// float64 [H, W, C]; one channel for alpha, three for colour.
  public let image: Tensor
  /// One image of derivatives for every entry of the parameter vector; empty if not asked for.
  public let jacobian: [Tensor]
  /// Estimated |error| / |image|, Euclidean; 0 for a closed form.
  public let imageError: Double
  /// The largest over the parameters of the estimated |error| / |derivative|, or of the error over
  /// the largest derivative for parameters that hardly count.
  public let jacobianError: Double
  /// "closed form", or "line sampling" with its density.
  public let method: String
}

/// A scene that the truth cannot be computed for.
public enum TruthError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A part of the mesh is nearer than the near plane, beyond the far plane or not finite.
  case outsideOfDepthRange
  case unsupported(String)

  public var description: String {
    switch self {
    case .outsideOfDepthRange:
      "truth: a face is not between the camera's near and far planes, expected all to be"
    case .unsupported(let what): "truth: \(what)"
    }
  }
}

/// The exact area-sampled image of a scene and its derivative.
///
/// Silhouettes of single convex solids have a closed form. Everything else is integrated along scan
/// lines, whose number doubles until the estimated error is at most `tolerance` or 128 a
/// pixel are reached; the estimate is reported in either case.
///
/// - Parameters:
///   - build: the scene and the camera for a parameter vector, float64; all faces between the near
///     and the far plane. Both sides of faces are seen.
///   - point: the parameter vector.
///   - channel: `RenderChannel.alpha`, or `RenderChannel.color` in three channels.
///   - shader: evaluated at vertices or faces; textures only without lights.
///   - tolerance: the relative error to reach.
///   - withJacobian: whether derivatives are wanted.
public func exactTruth(
  of build: (Tensor) throws -> (Scene<Mesh>, Camera), at point: [Double], channel: RenderChannel,
  shader: Shader, tolerance: Double, withJacobian: Bool = true
) throws -> Truth {
  let family = try SnapshotFamily(
    of: build, at: point, channel: channel, shader: shader, withJacobian: withJacobian)
  if let closed = ConvexSilhouette(family) { return closed.truth() }
  var coarse = LineSampling(family, linesPerPixel: 4)
  while true {
    let fine = LineSampling(family, linesPerPixel: coarse.linesPerPixel * 2)
    let truth = fine.truth(comparedWith: coarse)
    let error = max(truth.imageError, truth.jacobianError)
    if error <= tolerance || fine.linesPerPixel >= maximumLines { return truth }
    coarse = fine
  }
}

/// The densest line sampling that ``exactTruth(of:at:channel:shader:tolerance:withJacobian:)`` tries,
/// in lines a pixel and direction.
let maximumLines = 128
