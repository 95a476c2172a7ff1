import LumiRendering
import LumiScene
import LumiTensor

/// What is known of a ray after a search for the surface.
public enum RayStatus: UInt8, Sendable, CaseIterable {
  /// It does not meet the surface, as far as was looked.
  case miss
  /// It enters the surface.
  case hit
  /// It begins inside: the surface ahead is seen from within.
  case startsInside
  /// The steps ran out before anything was known.
  case notConverged
}

/// Rays and where they meet a surface. Constant to every derivative.
public struct TracedRays: Sendable {
  /// One for every ray.
  public let status: [RayStatus]
  /// [R]: how far along its direction a ray meets the surface, a multiple of the direction's length;
  /// 0 for rays that do not.
  public let distances: Tensor
  /// [R]: the value there, below 0 inside: how far off the surface the search ended.
  public let residuals: Tensor
  /// How often the field was evaluated for all of this.
  public let evaluations: Int

  /// int32 [N]: the rays that hit, in their order.
  public var hits: Tensor { rows(.hit) }

  /// int32 [N]: the rays of a status, in their order.
  public func rows(_ wanted: RayStatus) -> Tensor {
    Tensor(status.indices.filter { status[$0] == wanted }.map { Int32($0) })
  }
}

/// Looks for the first place where rays enter a surface, without derivatives.
///
/// Three stages, each for the rays that the one before left over: sphere tracing from both ends of
/// the interval at once, a ray going on by the value that it reads and taking back half, a quarter, …
/// of the step where that led inside; equally spaced samples between the two ends that are left,
/// until the first one inside; and root finding between it and the one before. Rays that are done are
/// not evaluated again, and of the samples no more than are needed.
///
/// Cannot: find what lies between two samples of a field that is no distance function; a bound of
/// its slope other than 1 is for an ``EmptySpace`` alone.
///
/// The defaults are those of L. Yariv et al., "Multiview Neural Surface Reconstruction by Disentangling
/// Geometry and Appearance", NeurIPS 2020, appendix A.3 and the authors' program, which marches on from
/// the far end and takes all samples even where the near end has arrived, and keeps a point inside that
/// cannot be taken back; here it is a bracket. Sphere tracing: J. C. Hart, The Visual Computer 1996.
public struct SurfaceTracer: Sendable {
  /// How a sign change between two distances becomes one distance.
  public enum RootFinding: Sendable, Hashable {
    /// Straight lines between the ends of the bracket, at most so often.
    case secant(steps: Int)
    /// Halves of the bracket, at most so often.
    case bisection(steps: Int)

    var steps: Int {
      switch self {
      case .secant(let steps), .bisection(let steps): steps
      }
    }
  }

  /// Steps of sphere tracing, at most; 0 for samples alone.
  public var steps: Int
  /// A value that is not farther from 0 is on the surface.
  public var threshold: Double
  /// How often a step that led inside is taken back in part.
  public var backOffs: Int
  /// Samples between the ends, both included, of rays that sphere tracing does not decide; fewer
  /// than 2 for none.
  public var samples: Int
  public var rootFinding: RootFinding
  /// Steps by a straight line through the last two values that bring a hit nearer to the surface than
  /// the threshold. 3 bring it to rounding error where the field is smooth.
  public var polishing: Int
  /// Where it is known that nothing is; nil for nowhere.
  public var emptySpace: EmptySpace?

  public init(
    steps: Int = 10, threshold: Double = 5e-5, backOffs: Int = 3, samples: Int = 100,
    rootFinding: RootFinding = .secant(steps: 8), polishing: Int = 0,
    emptySpace: EmptySpace? = nil
  ) {
    self.steps = steps
    self.threshold = threshold
    self.backOffs = backOffs
    self.samples = samples
    self.rootFinding = rootFinding
    self.polishing = polishing
    self.emptySpace = emptySpace
  }

  /// - Parameters:
  ///   - rays: origins and directions [R, 3], directions of unit length if there is sphere tracing.
  ///   - interval: where to look, [R]; what is behind the origin is left out.
  ///   - surface: of the rays' dtype.
  public func trace(
    _ rays: CameraRays, in interval: RayInterval, to surface: LevelSet
  ) -> TracedRays {
    var search = SurfaceSearch(self, rays, interval, surface)
    search.march()
    search.sample()
    search.findRoots()
    search.polish()
    return search.result
  }
}
