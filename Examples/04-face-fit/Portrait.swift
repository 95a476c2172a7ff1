import Foundation
import Lumigrad

/// Everything that a picture of a head depends on: what is fitted, and what the truth is.
struct Portrait: Parameterized, Sendable {
  /// Coefficients of the model's axes, of N(0, 1).
  var identity, expression, skin: Tensor
  /// Second-order spherical harmonics, [9, 3].
  var light: Tensor
  /// The head's rotation vector in units of 0.2 radians, and its place in units of 0.2: one step of
  /// Adam has the same length in every parameter, and these are the lengths that are alike.
  var rotation, translation: Tensor

  private static let poseUnit = 0.2

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Portrait {
    var result = self
    result.identity = try transform("identity", identity)
    result.expression = try transform("expression", expression)
    result.skin = try transform("skin", skin)
    result.light = try transform("light", light)
    result.rotation = try transform("rotation", rotation)
    result.translation = try transform("translation", translation)
    return result
  }

  /// The average head seen from the front in grey light from ahead: where the fit starts.
  init(average model: FaceModel) {
    identity = .zeros([model.identityCount])
    expression = .zeros([model.expressionCount])
    skin = .zeros([model.skinCount])
    light = Portrait.light(ambient: 0.4, from: [[0, 0.3, 1]], colors: [[0.6, 0.6, 0.6]])
    rotation = .zeros([3])
    translation = .zeros([3])
  }

  /// A head that nobody knows.
  init(random model: FaceModel, seed: UInt64) {
    self.init(average: model)
    var random = RandomGenerator(seed: seed)
    // Beyond two standard deviations faces of this crude model stop looking like any.
    func draw(_ count: Int) -> Tensor { random.normal([count]).clamped(min: -2, max: 2) }
    identity = draw(model.identityCount)
    expression = draw(model.expressionCount)
    skin = draw(model.skinCount)
    let range = Tensor([Float(0.2), 0.5, 0.15]) / Self.poseUnit
    rotation = random.uniform([3], low: -1, high: 1) * range
    translation = random.uniform([3], low: -1, high: 1)
    let place = random.uniform([2], low: -1, high: 1, dtype: .float64).scalars(as: Double.self)
    light = Portrait.light(
      ambient: 0.35,
      from: [[place[0] < 0 ? -1 : 1, 0.3 + 0.3 * place[1], 1], [-2 * place[0], 0.2, 0.3]],
      colors: [[0.75, 0.68, 0.6], [0.18, 0.22, 0.3]])
  }

  /// Turns with the head.
  var headRotation: Tensor { Rotation.exponential(rotation * Self.poseUnit) }
  var headPlace: Tensor { translation * Self.poseUnit }

  /// The head's vertices in the world, [V, 3].
  func vertices(_ model: FaceModel) -> Tensor {
    RigidTransform(rotation: headRotation, translation: headPlace)
      .applied(to: model.vertices(identity: identity, expression: expression))
  }

  /// - Parameter level: subdivisions of the sphere that the head is drawn with.
  func scene(_ model: FaceModel, level: Int = FaceModel.finest) -> Scene<Mesh> {
    let mesh = model.mesh(vertices(model), model.albedo(skin: skin), level: level)
    return Scene(mesh, lights: [.sphericalHarmonics(coefficients: light)])
  }

  /// Distant lamps as nine harmonics: the lobe max(0, cos) has the factors π, 2π/3 and π/4 in
  /// orders 0, 1 and 2 (Ramamoorthi and Hanrahan, SIGGRAPH 2001).
  static func light(
    ambient: Double, from directions: [SIMD3<Double>], colors: [SIMD3<Double>]
  ) -> Tensor {
    let lobe =
      [Double.pi] + Array(repeating: 2 * .pi / 3, count: 3)
      + Array(repeating: .pi / 4, count: 5)
    let factors = Tensor(lobe, shape: [9, 1])
    var result = Tensor(
      [ambient / 0.28209479177387814] + Array(repeating: 0, count: 8), shape: [9, 1]
    )
    .broadcast(to: [9, 3])
    for (direction, color) in zip(directions, colors) {
      let unit = Tensor([direction.x, direction.y, direction.z], shape: [1, 3]).unitVectors()
      let lamp = sphericalHarmonics(unit).reshaped([9, 1]) * factors
      result = result + lamp * Tensor([color.x, color.y, color.z], shape: [1, 3])
    }
    return result.cast(to: .float32)
  }
}
