import Lumigrad

/// A car of this example's family as a signed distance in closed form: a body, a cabin on it and four
/// wheels, joined smoothly. x to the front, y up; it fits in the unit ball. Without parameters that
/// could be optimised: the search never sees it.
struct Car: ImplicitField {
  /// Half the length, height and width of the body.
  var body: SIMD3<Double>
  /// Half the length and height of the cabin, and how far it is from the middle.
  var cabin: SIMD3<Double>
  var wheelRadius: Double

  var quantity: FieldQuantity { .signedDistance }
  var dtype: DType { .float32 }

  /// Where the body's lower side is.
  private static let floor = -0.16

  /// Saloons, estates, pick-ups and whatever is between.
  static func random(using random: inout RandomGenerator) -> Car {
    func number(_ low: Double, _ high: Double) -> Double {
      .random(in: low...high, using: &random)
    }
    let length = number(0.62, 0.78)
    return Car(
      body: [length, number(0.11, 0.16), number(0.26, 0.34)],
      cabin: [length * number(0.3, 0.6), number(0.09, 0.16), -length * number(0.0, 0.3)],
      wheelRadius: number(0.11, 0.15))
  }

  static func family(_ count: Int, seed: UInt64) -> [Car] {
    var random = RandomGenerator(seed: seed)
    return (0..<count).map { _ in Car.random(using: &random) }
  }

  func values(at points: Tensor) -> Tensor {
    let middle = Self.floor + body.y
    let lower = Self.box(points, centre: [0, middle, 0], half: body, edge: 0.05)
    let upper = Self.box(
      points, centre: [cabin.z, middle + body.y + cabin.y * 0.8, 0],
      half: [cabin.x, cabin.y, body.z * 0.86], edge: 0.06)
    var result = Self.smoothMinimum(lower, upper, width: 0.08)
    for x in [-0.62, 0.62] {
      for z in [-1.0, 1] {
        let wheel = Self.wheel(
          points, centre: [x * body.x, Self.floor, z * (body.z - 0.03)], radius: wheelRadius)
        result = Self.smoothMinimum(result, wheel, width: 0.02)
      }
    }
    return result
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Car { self }

  /// A box with round edges.
  private static func box(
    _ points: Tensor, centre: SIMD3<Double>, half: SIMD3<Double>, edge: Double
  ) -> Tensor {
    let inner = half - edge
    let outside = (points - vector(centre)).abs() - vector(inner)
    return outside.relu().norm(axis: 1) + outside.max(axis: 1).clamped(max: 0) - edge
  }

  /// A cylinder along z.
  private static func wheel(_ points: Tensor, centre: SIMD3<Double>, radius: Double) -> Tensor {
    let own = points - vector(centre)
    let around = own.slice(axis: 1, from: 0, to: 2).norm(axis: 1) - radius
    let along = own.slice(axis: 1, from: 2, to: 3).squeezed(axis: 1).abs() - 0.06
    let outside = Tensor.stack([around, along], axis: 1)
    return outside.relu().norm(axis: 1) + outside.max(axis: 1).clamped(max: 0)
  }

  /// The smaller of two distances, rounded where they differ by less than `width`.
  private static func smoothMinimum(_ a: Tensor, _ b: Tensor, width: Double) -> Tensor {
    let overlap = (width - (a - b).abs()).relu() / width
    return Tensor.minimum(a, b) - overlap.square() * (width / 4)
  }

  private static func vector(_ value: SIMD3<Double>) -> Tensor {
    Tensor([value.x, value.y, value.z]).cast(to: .float32)
  }
}
