import LumiRendering
import LumiScene
import LumiTensor

/// The least value of a surface's function along rays, and where: how near a ray comes, or how deep it
/// goes, which is what a silhouette tells of a shape.
///
/// Constant to every derivative. The value at the place found, evaluated with derivatives, has the
/// derivative of the least value by the envelope theorem: where a minimum is counts as constant, or
/// moves with the interval's ends if it is at one of them.
public struct LeastValues: Sendable {
  /// [R]: the place as a share of the interval, 0 at its near end. The same formula gives distances
  /// that follow the interval.
  public let shares: Tensor
  /// [R], below 0 inside.
  public let values: Tensor
  /// How often the field was evaluated for all of this.
  public let evaluations: Int
}

/// Looks for the least value along rays: samples, then parabolas through the best one and its
/// neighbours.
///
/// Cannot: find a minimum that lies between two samples and beside a lower one.
public struct LeastValueSearch: Sendable {
  /// Shares of the interval, ascending, from 0 to 1; at least one.
  public var shares: [Double]
  /// Parabolas per ray.
  public var parabolas: Int

  /// - Parameters:
  ///   - samples: equally spaced, both ends included; at least 2.
  ///   - parabolas: each one evaluation per ray; 0 for the samples as they are, as published.
  public init(samples: Int = 100, parabolas: Int = 3) {
    require(samples >= 2, "LeastValueSearch: \(samples) samples, expected at least 2")
    self.init(shares: (0..<samples).map { Double($0) / Double(samples - 1) }, parabolas: parabolas)
  }

  /// Samples at other shares of the interval, such as random ones that all rays have in common.
  public init(shares: [Double], parabolas: Int = 0) {
    require(
      !shares.isEmpty && shares.allSatisfy { 0 <= $0 && $0 <= 1 },
      "LeastValueSearch: \(shares.count) shares, expected at least 1, from 0 to 1")
    self.shares = shares.sorted()
    self.parabolas = parabolas
  }

  /// - Parameters:
  ///   - rays: origins and directions [R, 3].
  ///   - interval: where to look, [R], finite; what is behind the origin is left out by the caller.
  ///   - surface: of the rays' dtype.
  public func search(
    _ rays: CameraRays, in interval: RayInterval, of surface: LevelSet
  ) -> LeastValues {
    var lines = TracingLines(rays, surface)
    let near = interval.near.stoppingGradient().cast(to: .float64).scalars(as: Double.self)
    let far = interval.far.stoppingGradient().cast(to: .float64).scalars(as: Double.self)
    let rows = Array(0..<lines.count)
    func distances(_ shares: [Double]) -> [Double] {
      rows.map { near[$0] + shares[$0] * (far[$0] - near[$0]) }
    }
    var minima = [Minimum](repeating: Minimum(), count: lines.count)
    for share in shares {
      let all = [Double](repeating: share, count: lines.count)
      let values = lines.values(rows, at: distances(all))
      for row in rows { minima[row].see(share, values[row]) }
    }
    for _ in 0..<parabolas {
      let places = minima.map(\.lowestOfParabola)
      let values = lines.values(rows, at: distances(places))
      for row in rows { minima[row].narrow(places[row], values[row]) }
    }
    func column(_ number: (Minimum) -> Double) -> Tensor {
      Tensor(minima.map(number), shape: [lines.count]).cast(to: surface.dtype)
    }
    return LeastValues(
      shares: column(\.best.share), values: column(\.best.value), evaluations: lines.evaluations)
  }

  /// The lowest sample so far, with the samples on both sides.
  private struct Minimum {
    typealias Place = (share: Double, value: Double)
    var best: Place = (0.5, .infinity)
    private var last: Place?
    private var left: Place?
    private var right: Place?

    /// The next sample in ascending order.
    mutating func see(_ share: Double, _ value: Double) {
      if value < best.value {
        (best, left, right) = ((share, value), last, nil)
      } else if right == nil, best.value.isFinite {
        right = (share, value)
      }
      last = (share, value)
    }

    /// Where the parabola through the three places is lowest: the best place itself at an end of the
    /// interval, or if there is no parabola.
    var lowestOfParabola: Double {
      guard let left, let right else { return best.share }
      let (a, b) = (left.share - best.share, right.share - best.share)
      let (u, v) = (left.value - best.value, right.value - best.value)
      let place = best.share + (b * b * u - a * a * v) / (2 * (b * u - a * v))
      return place.isFinite && place > left.share && place < right.share ? place : best.share
    }

    mutating func narrow(_ share: Double, _ value: Double) {
      guard share != best.share else { return }
      let isLeft = share < best.share
      if value < best.value {
        if isLeft { right = best } else { left = best }
        best = (share, value)
      } else if isLeft {
        left = (share, value)
      } else {
        right = (share, value)
      }
    }
  }
}
