import Foundation
import Lumigrad

/// N poses of the object before a camera, to be moved side by side; x_camera = R x + t.
///
/// Every parameter is made such that a step of one length does about as much to the picture:
/// rotations turn around a start, R = exp(turn) · start, and the place is what the picture tells
/// apart: (x/z, y/z) is where the object is seen, log z how near it is.
struct Poses: Parameterized, Sendable {
  /// [N, 3, 3], constant.
  var starts: Tensor
  /// [N, 3], radians.
  var turn: Tensor
  /// [N, 3]: x/z, y/z and log z, in units of `placeUnit`.
  var place: Tensor
  /// [N]: the logarithm of focal length / z, which is the object's size in the picture, in units of
  /// `placeUnit`; nil where the focal length is known.
  var size: Tensor?
  /// In heights of the picture, where it is known.
  let focalLength: Double

  static let placeUnit = 0.2

  /// - Parameters:
  ///   - rotations: [N, 3, 3].
  ///   - translations: [N, 3].
  ///   - focalLength: in heights of the picture.
  init(rotations: Tensor, translations: Tensor, focalLength: Double = 1) {
    self.focalLength = focalLength
    starts = rotations
    turn = .zeros([rotations.shape[0], 3])
    let z = translations.slice(axis: 1, from: 2, to: 3)
    let xy = translations.slice(axis: 1, from: 0, to: 2) / z
    place = Tensor.concatenate([xy, z.log()], axis: 1) / Self.placeUnit
  }

  var count: Int { starts.shape[0] }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Poses {
    var result = self
    result.turn = try transform("turn", turn)
    result.place = try transform("place", place)
    if let size { result.size = try transform("size", size) }
    return result
  }

  /// Some of the poses.
  func choose(_ indices: [Int]) -> Poses {
    let rows = Tensor(indices.map { Int64($0) })
    var result = self
    result.starts = starts.gather(rows)
    result.turn = turn.gather(rows)
    result.place = place.gather(rows)
    result.size = size?.gather(rows)
    return result
  }

  /// [N, 3, 3].
  var rotations: Tensor { Rotation.exponential(turn).matmul(starts) }

  /// [N].
  var depths: Tensor {
    (place.slice(axis: 1, from: 2, to: 3) * Self.placeUnit).exp().squeezed(axis: 1)
  }

  /// [N, 3].
  var translations: Tensor {
    let xy = place.slice(axis: 1, from: 0, to: 2) * Self.placeUnit
    let z = depths.expandingDims(at: 1)
    return Tensor.concatenate([xy * z, z], axis: 1)
  }

  /// [N], in heights of the picture.
  var focalLengths: Tensor {
    size.map { ($0 * Self.placeUnit).exp() * depths } ?? .full([count], focalLength)
  }

  /// Lets the focal lengths [N] be found too.
  func withFocalLengths(_ focalLengths: Tensor) -> Poses {
    var result = self
    result.size = (focalLengths / depths).log() / Self.placeUnit
    return result
  }

  /// The cameras that see the object so.
  ///
  /// - Parameters:
  ///   - pixels: a side of the picture.
  ///   - second: a second camera's known place relative to the first, whose cameras then follow.
  func cameras(pixels: Int, second: RigidTransform? = nil) -> [Camera] {
    let (rotations, translations, focal) = (rotations, translations, focalLengths * Double(pixels))
    let first = (0..<count).map { index in
      Camera(
        rotation: rotations[.index(index)], translation: translations[.index(index)],
        focalLength: focal[.index(index)].broadcast(to: [2]), width: pixels, height: pixels)
    }
    guard let second else { return first }
    return first
      + first.map { camera in
        var camera = camera
        let pose = camera.pose.followed(by: second)
        (camera.rotation, camera.translation) = (pose.rotation, pose.translation)
        return camera
      }
  }

  /// Nearly even rotations, [count, 3, 3]: M. Alexa, "Super-Fibonacci Spirals: Fast, Low-Discrepancy
  /// Sampling of SO(3)", CVPR 2022.
  static func spread(_ count: Int) -> Tensor {
    let (phi, psi) = (2.0.squareRoot(), 1.533751168755204288)
    let quaternions = (0..<count).flatMap { index -> [Float] in
      let s = Double(index) + 0.5
      let (t, turn) = (s / Double(count), 2 * Double.pi * s)
      let (r, q) = (t.squareRoot(), (1 - t).squareRoot())
      return [r * sin(turn / phi), r * cos(turn / phi), q * sin(turn / psi), q * cos(turn / psi)]
        .map { Float($0) }
    }
    return Rotation.matrix(quaternion: Tensor(quaternions, shape: [count, 4]))
  }
}

/// How far poses are from the true one.
struct PoseError {
  /// Degrees of the rotation between the two.
  let degrees: Double
  /// Distance of the translations, in % of the true distance.
  let translation: Double

  static func errors(of poses: Poses, truth: Poses) -> [PoseError] {
    let turn = poses.rotations.matmul(truth.rotations, transposingRight: true)
    let angles = (Rotation.axisAngle(matrix: turn).angle * (180 / .pi)).scalars(as: Float.self)
    let gaps =
      (poses.translations - truth.translations).norm(axis: 1)
      / truth.translations.norm(axis: 1)
    return zip(angles, (gaps * 100).scalars(as: Float.self)).map {
      PoseError(degrees: Double($0), translation: Double($1))
    }
  }

  /// What counts as found.
  var isFound: Bool { degrees < 5 && translation < 5 }
}
