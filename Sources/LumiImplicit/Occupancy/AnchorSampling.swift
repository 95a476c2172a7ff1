import LumiScene
import LumiTensor

/// How anchors of field probing are drawn: some everywhere, some where the field is undecided.
///
/// Draw them anew at every step, or the field learns to be right at the anchors alone. What is drawn
/// has no derivative.
public struct AnchorSampling: Sendable {
  /// Anchors altogether, N. Published about 16,000.
  public var count: Int
  /// The share, from 0 to 1, that is to lie where the probability is near ½. The field is asked at
  /// points drawn uniformly; one with probability f stays with probability
  /// exp(-(f - ½)²/(2 width²)). Where too few stay, uniform points fill up.
  public var boundaryShare: Double
  /// Above 0, a difference of probabilities.
  public var boundaryWidth: Double
  /// How many points are asked for each that is to stay, at least 1.
  public var candidates: Int

  /// - Parameters:
  ///   - count: 16,000 by default.
  ///   - boundaryShare: half by default.
  ///   - boundaryWidth: 0.15 by default; at 0.2 one of 23 points stays where the field is certain.
  ///   - candidates: 2 by default.
  public init(
    count: Int = 16_000, boundaryShare: Double = 0.5, boundaryWidth: Double = 0.15,
    candidates: Int = 2
  ) {
    require(
      count >= 0 && (0...1).contains(boundaryShare) && boundaryWidth > 0 && candidates >= 1,
      """
      AnchorSampling: count \(count), boundaryShare \(boundaryShare), boundaryWidth \
      \(boundaryWidth), candidates \(candidates); expected 0 or more, 0...1, above 0, 1 or more
      """)
    self.count = count
    self.boundaryShare = boundaryShare
    self.boundaryWidth = boundaryWidth
    self.candidates = candidates
  }

  /// Fresh anchors [N, 3], those near the boundary first.
  ///
  /// - Parameters:
  ///   - field: of occupancy logits or signed distances.
  ///   - bounds: where.
  ///   - softness: of signed distances, see `occupancyLogits(at:softness:)`.
  ///   - random: draws them.
  public func anchors(
    of field: any ImplicitField, in bounds: FieldBounds, softness: Double = 1,
    using random: inout RandomGenerator
  ) -> Tensor {
    let wanted = Int((Double(count) * boundaryShare).rounded())
    let near =
      wanted == 0
      ? Tensor.zeros([0, 3], dtype: field.dtype)
      : undecided(wanted, field, bounds, softness, &random)
    let uniform = Self.uniform(
      count - near.shape[0], in: bounds, dtype: field.dtype, using: &random)
    return .concatenate([near, uniform])
  }

  private func undecided(
    _ wanted: Int, _ field: any ImplicitField, _ bounds: FieldBounds, _ softness: Double,
    _ random: inout RandomGenerator
  ) -> Tensor {
    let points = Self.uniform(
      wanted * candidates, in: bounds, dtype: field.dtype, using: &random)
    let fixed = field.frozen()
    let inside = fixed.occupancyLogits(at: points, softness: softness).sigmoid()
    let chance = ((inside - 0.5).square() * (-0.5 / (boundaryWidth * boundaryWidth))).exp()
    let draws = random.uniform([points.shape[0]], dtype: field.dtype)
    let stays = (draws .< chance).scalars(as: Bool.self)
    let rows = stays.indices.filter { stays[$0] }.prefix(wanted)
    return points.gather(Tensor(rows.map { Int32($0) }))
  }

  /// Points [N, 3], equally likely everywhere in bounds.
  public static func uniform(
    _ count: Int, in bounds: FieldBounds, dtype: DType, using random: inout RandomGenerator
  ) -> Tensor {
    switch bounds {
    case .box(let lower, let upper):
      return Tensor(lower, dtype: dtype)
        + random.uniform([count, 3], dtype: dtype) * Tensor(upper - lower, dtype: dtype)
    case .ball(let centre, let radius):
      let directions = random.normal([count, 3], dtype: dtype).unitVectors()
      let distances = random.uniform([count, 1], dtype: dtype).pow(1.0 / 3) * radius
      return Tensor(centre, dtype: dtype) + directions * distances
    }
  }

  /// Points [N, 3] that fill bounds evenly, always the same: Halton's sequence in the bases 2, 3 and 5
  /// in a box; of a ball, those of its box that are inside.
  public static func evenly(_ count: Int, in bounds: FieldBounds, dtype: DType) -> Tensor {
    let (lower, upper) = bounds.box
    var values: [Double] = []
    values.reserveCapacity(3 * count)
    var index = 0
    while values.count < 3 * count {
      index += 1
      let share = SIMD3(
        mirroredDigits(of: index, base: 2), mirroredDigits(of: index, base: 3),
        mirroredDigits(of: index, base: 5))
      if case .ball = bounds {
        let apart = share - 0.5
        guard (apart * apart).sum() <= 0.25 else { continue }
      }
      let point = lower + share * (upper - lower)
      values += [point.x, point.y, point.z]
    }
    return Tensor(values, shape: [count, 3]).cast(to: dtype)
  }

  /// A number's digits behind the point in turned order: 6 = 110₂ becomes 0.011₂.
  private static func mirroredDigits(of number: Int, base: Int) -> Double {
    var (rest, weight, sum) = (number, 1.0, 0.0)
    while rest > 0 {
      weight /= Double(base)
      sum += weight * Double(rest % base)
      rest /= base
    }
    return sum
  }
}
