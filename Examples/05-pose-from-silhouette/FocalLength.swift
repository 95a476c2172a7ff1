import Foundation
import Lumigrad

/// Camera pose and focal length from one silhouette of a known object.
///
/// How large the object is seen tells focal length / distance. Only the perspective within the object
/// tells the two apart: what is nearer looks larger.
struct FocalLength {
  let mesh: Mesh
  /// Distances in radii of the object.
  let distance: Double

  struct Result {
    let distance: Double
    /// Medians over the targets: errors of the rotation, of f, of z, and of f/z.
    let degrees, focalLength, depth, ratio: Double
    /// How many have their rotation within 5° and their focal length within 10%.
    let found, count: Int

    static let header =
      "distance    found     median error: degrees     f %     z %   f/z %"
    var line: String {
      String(
        format: "%6.1f R %5d of %-2d %22.2f %9.1f %7.1f %7.2f", distance, found, count, degrees,
        focalLength, depth, ratio)
    }
  }

  /// All targets side by side: seeded poses, from starts that are up to 20° and a third of the focal
  /// length off.
  func run(_ count: Int, seed: UInt64, isQuick: Bool) throws -> Result {
    let truths = targets(count, seed: seed)
    let seen = try Observation(of: truths, mesh)
    var poses = starts(truths, seed: seed)
    let stages = [
      Search.Stage(
        pixels: 32, steps: isQuick ? 40 : 100, rate: 0.05, sigma: (1e-3, 1e-4), keeps: count),
      Search.Stage(
        pixels: 64, steps: isQuick ? 60 : 200, rate: 0.03, sigma: (1e-4, 1e-5), keeps: count),
    ]
    let search = Search(mesh: mesh, observation: seen, method: .soft)
    for stage in stages { try search.run(&poses, stage) }
    return measure(poses, truths)
  }

  private func targets(_ count: Int, seed: UInt64) -> Poses {
    var random = RandomGenerator(seed: seed, stream: 6)
    let rotations = Rotation.matrix(quaternion: random.normal([count, 4]))
    let z = random.uniform([count, 1], low: 0.9 * distance, high: 1.1 * distance)
    let xy = random.uniform([count, 2], low: -0.02, high: 0.02) * z
    // The object fills about 70% of the picture from any distance.
    return Poses(rotations: rotations, translations: Tensor.concatenate([xy, z], axis: 1))
      .withFocalLengths((z * 0.36).squeezed(axis: 1))
  }

  private func starts(_ truths: Poses, seed: UInt64) -> Poses {
    var random = RandomGenerator(seed: seed, stream: 7)
    let axes = random.normal([truths.count, 3]).unitVectors()
    let turns = axes * random.uniform([truths.count, 1], low: 0, high: radians(degrees: 20))
    // A wrong focal length with the distance that makes the object as large.
    let factors = random.uniform([truths.count, 1], low: -0.3, high: 0.3).exp()
    return Poses(
      rotations: Rotation.exponential(turns).matmul(truths.rotations),
      translations: truths.translations * factors
    ).withFocalLengths(truths.focalLengths * factors.squeezed(axis: 1))
  }

  private func measure(_ poses: Poses, _ truths: Poses) -> Result {
    func relative(_ a: Tensor, _ b: Tensor) -> [Float] {
      ((a / b - 1).abs() * 100).scalars(as: Float.self)
    }
    func median(_ values: [Float]) -> Double { Double(values.sorted()[values.count / 2]) }
    let degrees = PoseError.errors(of: poses, truth: truths).map { Float($0.degrees) }
    let focal = relative(poses.focalLengths, truths.focalLengths)
    return Result(
      distance: distance, degrees: median(degrees), focalLength: median(focal),
      depth: median(relative(poses.depths, truths.depths)),
      ratio: median(
        relative(poses.focalLengths / poses.depths, truths.focalLengths / truths.depths)),
      found: zip(degrees, focal).filter { $0 < 5 && $1 < 10 }.count, count: poses.count)
  }
}
