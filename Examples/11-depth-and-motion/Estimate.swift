import Lumigrad

/// What is unknown: the depth of the middle frame and how the camera moved to each of the others.
struct Estimate: Parameterized {
  /// [h, w]: the depth is 1/(10 σ(x) + 0.01), as Zhou et al. bound it.
  var logits: Tensor
  /// [S, 6]: velocities and rotation vectors from the middle camera, in units of 0.1, so that one
  /// learning rate suits them and the depth.
  var twists: Tensor

  /// Flat at a depth of about three, nothing moves.
  init(sources: Int, height: Int, width: Int) {
    logits = .full([height, width], -3.4)
    twists = .zeros([sources, 6])
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Estimate {
    var result = self
    result.logits = try transform("logits", logits)
    result.twists = try transform("twists", twists)
    return result
  }

  var disparity: Tensor { logits.sigmoid() * 10 + 0.01 }

  func motion(_ source: Int) -> RigidTransform { .exponential(twists[source] * 0.1) }

  /// With the motion to one source as that to another goes on: `ratio` times as far.
  func extrapolated(to source: Int, from other: Int, ratio: Double) -> Estimate {
    var rows = (0..<twists.shape[0]).map { twists[$0] }
    rows[source] = rows[other] * ratio
    var result = self
    result.twists = .stack(rows)
    return result
  }

  /// The same at a finer resolution.
  func refined(height: Int, width: Int) -> Estimate {
    var result = self
    result.logits = logits.resized(height: height, width: width)
    return result
  }
}
