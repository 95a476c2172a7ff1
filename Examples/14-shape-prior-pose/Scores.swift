import Foundation
import Lumigrad

/// How far a guess is from the truth.
struct Scores: Sendable {
  /// The angle between the rotations, in degrees.
  let rotation: Double
  /// Between the centres of the boxes around, as a share of the true box's diagonal.
  let translation: Double
  /// The largest relative error of the box's three sizes.
  let size: Double
  /// Intersection over union of the two solids.
  let overlap: Double
  /// Mean distance between the surfaces, both ways, as a share of the true box's diagonal.
  let chamfer: Double

  /// Whether the object is found: turned by at most 6°, and solids that overlap by 70%.
  var isFound: Bool { rotation <= 6 && overlap >= 0.7 }

  init(_ guess: Guess, _ prior: Prior, _ truth: Truth) throws {
    let field = prior.field(guess.code)
    let (ours, theirs) = (Box(of: field, guess.pose), Box(of: truth.car, truth.pose))
    let diagonal = (theirs.size * theirs.size).sum().squareRoot()
    rotation = Self.angle(guess.pose, truth.pose)
    let apart = ours.centre - theirs.centre
    translation = (apart * apart).sum().squareRoot() / diagonal
    let errors = ours.size / theirs.size - 1
    size = max(errors.max(), -errors.min())
    overlap = Self.overlap(field, guess.pose, truth, around: theirs)
    chamfer =
      Loss.chamfer(ours.surface, theirs.surface, distance: .euclidean).value / 2 / diagonal
  }

  private static func angle(_ a: ObjectPose, _ b: ObjectPose) -> Double {
    let apart =
      Rotation.matrix(quaternion: a.rotation) - Rotation.matrix(quaternion: b.rotation)
    // |A - B| = 2√2 sin(θ/2).
    return 2 * asin(min(1, apart.norm().value / 8.0.squareRoot())) * 180 / .pi
  }

  private static func overlap(
    _ field: LatentField, _ pose: ObjectPose, _ truth: Truth, around box: Box
  ) -> Double {
    var random = RandomGenerator(seed: 1)
    let unit = random.uniform([20_000, 3], low: -0.75, high: 0.75)
    let size = Tensor([box.size.x, box.size.y, box.size.z]).cast(to: .float32)
    let turned = truth.pose.rotation
    let frame = ObjectPose(rotation: turned, translation: box.middle, scale: size)
    let places = frame.applied(to: unit)
    let ours = field.values(at: pose.inverse(of: places)) .< 0
    let theirs = truth.car.values(at: truth.pose.inverse(of: places)) .< 0
    let both = (ours .&& theirs).cast(to: .float32).sum().value
    return both / max((ours .|| theirs).cast(to: .float32).sum().value, 1)
  }

  static let header = "  rotation  translation  sizes   overlap  surface"

  var line: String {
    String(
      format: "  %6.2f°  %9.2f%%  %6.1f%%  %7.3f  %6.2f%%", rotation, translation * 100,
      size * 100, overlap, chamfer * 100)
  }
}

/// The box around a shape along its own axes: the nine numbers of a 9D pose are the rotation, this
/// centre and these sizes.
struct Box {
  let centre: SIMD3<Double>
  let size: SIMD3<Double>
  /// [3]: the centre.
  let middle: Tensor
  /// [N, 3] in the world.
  let surface: Tensor

  init(of field: any ImplicitField, _ pose: ObjectPose) {
    let projection = SurfaceProjection(density: 40, band: 0.05, steps: 2)
    let own = projection.points(on: field, in: Prior.space).points
    let (low, high) = (own.min(axis: 0), own.max(axis: 0))
    let extent = ((high - low) * pose.scale).scalars(as: Double.self)
    size = SIMD3(extent[0], extent[1], extent[2])
    middle = pose.applied(to: ((low + high) / 2).expandingDims(at: 0))[0]
    let place = middle.scalars(as: Double.self)
    centre = SIMD3(place[0], place[1], place[2])
    surface = pose.applied(to: own)
  }
}
