import Foundation
import Lumigrad

/// A set of plausible lights, as nine spherical harmonics of the light that a surface receives.
///
/// The first coefficient is the mean over all directions and never changes: no light is brighter
/// than another. The three of order 1 are a lamp in one direction, the five of order 2 shape it.
struct LightRange: Sendable {
  /// How far the lamp strays from the usual place, in degrees.
  let strayDegrees: Double
  /// Spread of the coefficients of order 2.
  let shaping: Double

  /// A photographer's studio: the key light is always up on the left.
  static let studio = LightRange(strayDegrees: 25, shaping: 0.05)
  /// Anything: the lamp is wherever it pleases.
  static let anywhere = LightRange(strayDegrees: 180, shaping: 0.15)

  /// What a surface receives on average; the first harmonic is 0.282.
  static let mean = 0.5 / 0.28209479
  /// What no surface receives less than, and more than.
  static let bounds = 0.06...1.1

  func draw(_ random: inout RandomGenerator) -> Tensor {
    let usual = Tensor([Float(-0.55), 0.6, 0.58]).normalized()
    let stray = radians(degrees: strayDegrees) * Double.random(in: 0...1, using: &random)
    let axis = Tensor.cross(usual, random.normal([3]).normalized()).normalized()
    let d = Rotation.exponential(axis * stray).matmul(usual.expandingDims(at: 1)).flattened()
    let strength = Double.random(in: 0.5...0.7, using: &random)
    // Order 1 holds y, z, x.
    let lamp = Tensor.concatenate([d[1..<3], d[0..<1]]) * strength
    let shape = random.normal([5], deviation: shaping)
    let light = Tensor.concatenate([Tensor([Float(Self.mean)]), lamp, shape])
    return Self.limited(
      light, around: Tensor([Float(Self.mean), 0, 0, 0, 0, 0, 0, 0, 0]), by: .infinity)
  }

  /// The nearest plausible light on the way back to `centre`, which is plausible itself: within
  /// `radius` of it, with the same mean, and within ``bounds`` in every direction.
  static func limited(_ light: Tensor, around centre: Tensor, by radius: Double) -> Tensor {
    let mask = Tensor([Float(0), 1, 1, 1, 1, 1, 1, 1, 1])
    let step = (light - centre) * mask
    let length = step.norm().value
    let start = directions.matmul(centre.expandingDims(at: 1)).flattened().scalars(as: Float.self)
    let change = directions.matmul(step.expandingDims(at: 1)).flattened().scalars(as: Float.self)
    var share = length > radius ? radius / length : 1
    for (from, by) in zip(start, change) where by != 0 {
      let bound = by > 0 ? bounds.upperBound : bounds.lowerBound
      share = min(share, max(0, (bound - Double(from)) / Double(by)))
    }
    return centre + step * share
  }

  /// Harmonics in 642 directions.
  private static let directions = sphericalHarmonics(Mesh.icosphere(subdivisions: 3).vertices)
}
