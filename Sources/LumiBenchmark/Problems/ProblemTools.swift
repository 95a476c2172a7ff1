import Foundation
import LumiScene
import LumiTensor

/// What the standard problems share: views, colours, starts and units.
enum ProblemTools {
  /// How far the standard cameras stand from the origin.
  static let distance = 4.0
  static let fieldOfView = radians(degrees: 40)

  /// A camera on a sphere around the origin, slightly rolled so that no edge is in line with the
  /// pixels by accident. Azimuth 0 looks along -z from the +z side.
  static func camera(
    azimuth: Double = 0.4, elevation: Double = 0.35, width: Int = 32, height: Int = 24
  ) -> Camera {
    .perspective(
      from: [
        distance * cos(elevation) * sin(azimuth), distance * sin(elevation),
        distance * cos(elevation) * cos(azimuth),
      ], up: [0.13, 1, 0.07], verticalFieldOfView: fieldOfView, width: width, height: height,
      dtype: .float64)
  }

  /// Views from all sides.
  static func cameras(_ count: Int) -> [Camera] {
    (0..<count).map { index in
      camera(
        azimuth: 0.4 + 2 * .pi * Double(index) / Double(count),
        elevation: index % 2 == 0 ? 0.35 : -0.25)
    }
  }

  /// Pixels that a world unit at the origin spans in the standard views.
  static let pixelsPerUnit = 24 / (2 * distance * tan(fieldOfView / 2))

  /// Eight corner colours without any symmetry.
  static let cornerColors = Tensor(
    [
      [0.9, 0.1, 0.1], [0.1, 0.8, 0.2], [0.2, 0.3, 0.9], [0.9, 0.8, 0.1],
      [0.1, 0.7, 0.8], [0.8, 0.2, 0.7], [0.95, 0.95, 0.9], [0.15, 0.1, 0.2],
    ] as [[Double]])

  static let white = Tensor.ones([3], dtype: .float64)
  static let background = Tensor([0.1, 0.15, 0.2])

  /// Entries `range` of a vector.
  static func part(_ theta: Tensor, _ range: Range<Int>) -> Tensor {
    theta.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
  }

  /// One entry of a vector as a scalar.
  static func entry(_ theta: Tensor, _ index: Int) -> Tensor {
    part(theta, index..<index + 1).reshaped([])
  }

  /// A start around a centre, uniform within ±`reach` an entry.
  static func around(
    _ centre: [Double], _ reach: Double
  ) -> @Sendable (inout RandomGenerator) -> [Double] {
    { random in
      let offsets = random.uniform([centre.count], low: -reach, high: reach, dtype: .float64)
      return zip(centre, offsets.scalars(as: Double.self)).map { $0 + $1 }
    }
  }

  /// The length of the difference from a target, times a factor.
  static func distance(
    from target: [Double], times factor: Double = 1
  ) -> @Sendable ([Double]) -> Double {
    { theta in
      factor * zip(theta, target).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }
  }

  /// The mean magnitude of the difference from a target.
  static func meanDifference(from target: [Double]) -> @Sendable ([Double]) -> Double {
    { theta in
      zip(theta, target).reduce(0) { $0 + ($1.0 - $1.1).magnitude } / Double(target.count)
    }
  }

  /// The angle between two rotation vectors' rotations, in degrees.
  static func degrees(from target: [Double]) -> @Sendable ([Double]) -> Double {
    { theta in
      let a = Rotation.exponential(Tensor(theta))
      let b = Rotation.exponential(Tensor(target))
      let difference = Rotation.logarithm(a.transposed().matmul(b))
      return difference.norm().value * 180 / .pi
    }
  }

  /// A rotation vector, uniform over all rotations.
  static func randomRotation(_ random: inout RandomGenerator) -> [Double] {
    let quaternion = random.normal([4], dtype: .float64)
    return Rotation.logarithm(Rotation.matrix(quaternion: quaternion)).scalars(as: Double.self)
  }
}
