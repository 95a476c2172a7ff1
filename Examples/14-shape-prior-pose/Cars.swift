import Lumigrad

/// A car of this example's family as a signed distance in closed form: a body, a cabin on it and four
/// wheels, joined smoothly. x to the front, y up; it fits in the unit ball. Without parameters that
/// could be optimised: the search never sees it.
struct Car: ImplicitField {
  private let solid: any ImplicitField

  /// - Parameters:
  ///   - body: half the length, height and width of the body.
  ///   - cabin: half the length and height of the cabin, and how far to the front it is.
  ///   - wheelRadius: of all four.
  init(body: SIMD3<Double>, cabin: SIMD3<Double>, wheelRadius: Double) {
    // Where the body's lower side and the axles are.
    let floor = -0.16
    let middle = floor + body.y
    let lower = Rounded(BoxField(centre: [0, middle, 0], halfSize: body - 0.05), edge: 0.05)
    let upper = Rounded(
      BoxField(
        centre: [cabin.z, middle + body.y + cabin.y * 0.8, 0],
        halfSize: SIMD3(cabin.x, cabin.y, body.z * 0.86) - 0.06), edge: 0.06)
    var solid = Self.joined(lower, upper, width: 0.08)
    let quarterTurn = Rotation.exponential(Tensor([Float.pi / 2, 0, 0]))
    for x in [-0.62, 0.62] {
      for z in [-1.0, 1] {
        let place = Tensor([x * body.x, floor, z * (body.z - 0.03)]).cast(to: .float32)
        let wheel = TransformedField(
          CylinderField(radius: wheelRadius, halfHeight: 0.06),
          by: SimilarityTransform(
            scale: Tensor(scalar: Float(1)), rotation: quarterTurn, translation: place))
        solid = Self.joined(solid, wheel, width: 0.02)
      }
    }
    self.solid = solid
  }

  private static func joined(
    _ first: any ImplicitField, _ second: any ImplicitField, width: Double
  ) -> CombinedField {
    CombinedField(.smoothUnion(width: Tensor(scalar: Float(width))), first, second)
  }

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

  var quantity: FieldQuantity { .signedDistance }
  var dtype: DType { .float32 }

  func values(at points: Tensor) -> Tensor { solid.values(at: points) }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Car { self }
}

/// A solid that is larger by `edge` all around, which rounds its edges.
private struct Rounded: ImplicitField {
  var base: BoxField
  let edge: Double

  init(_ base: BoxField, edge: Double) {
    self.base = base
    self.edge = edge
  }

  var quantity: FieldQuantity { .signedDistance }
  var dtype: DType { base.dtype }

  func values(at points: Tensor) -> Tensor { base.values(at: points) - edge }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Rounded { Rounded(try base.mapParameters(transform), edge: edge) }
}
