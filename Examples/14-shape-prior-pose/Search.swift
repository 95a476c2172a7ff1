import ExampleSupport
import Foundation
import Lumigrad

/// A pose and a shape to improve: rotation, translation and scale, and a code.
struct Guess: Parameterized, Sendable {
  /// [] for a turn around the vertical, in radians, or [4] for any rotation.
  var rotation: Tensor
  /// [3].
  var translation: Tensor
  /// []: the logarithm of the scale.
  var logScale: Tensor
  /// [L], whitened.
  var code: Tensor

  var pose: ObjectPose {
    guard rotation.rank == 0 else {
      return ObjectPose(rotation: rotation, translation: translation, scale: logScale.exp())
    }
    return ObjectPose(
      axis: Tensor([Float(0), 1, 0]), angle: rotation, translation: translation,
      scale: logScale.exp())
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Guess {
    Guess(
      rotation: try transform("rotation", rotation),
      translation: try transform("translation", translation),
      logScale: try transform("logScale", logScale), code: try transform("code", code))
  }
}

/// Improves guesses until the prior's shape, drawn at the pose, agrees with what was seen.
struct Search: Sendable {
  /// What the drawing is compared with.
  enum Evidence: Sendable {
    /// Depth and mask alone.
    case depthAndMask
    /// Depth and predicted object coordinates, as published.
    case objectCoordinates
  }

  /// What the loss is made of.
  enum Term: String, CaseIterable, Sendable {
    /// Points of the shape that face the sensor lie near measured ones.
    case surface
    /// Measured points have distance 0 to the shape.
    case distance
    /// Drawn depths are those measured.
    case depth
    /// Points of the shape lie within the mask.
    case mask
  }

  let prior: Prior
  let seen: Observation
  var evidence = Evidence.depthAndMask
  var terms = Set(Term.allCases)
  var steps = 120

  /// The published discs on a grid that the search can afford.
  static let renderer = AutolabelingRenderer(
    projection: SurfaceProjection(density: 26, band: 0.05), discRadius: 0.07,
    channels: [.color, .alpha, .depth])

  /// First guesses: headings all around, the mean shape, somewhat behind the measured points.
  func starts(_ count: Int, anyRotation: Bool) -> [Guess] {
    let eye = seen.camera.centre
    let middle = seen.points.mean(axis: 0)
    let away = (middle - eye) / (middle - eye).norm()
    return (0..<count).map { index in
      let angle = Float(2 * Double.pi * (Double(index) + 0.5) / Double(count))
      let turn = Rotation.quaternion(vector: Tensor([Float(0), angle, 0]))
      return Guess(
        rotation: anyRotation ? turn : Tensor(scalar: angle), translation: middle + away * 0.6,
        logScale: Tensor(scalar: Float(log(2.5))), code: .zeros(like: prior.mean))
    }
  }

  /// The guess that the published pipeline begins with: the motion that takes predicted object
  /// coordinates to the measured points best.
  func alignment() throws -> Guess {
    let motion = try SimilarityTransform.fitting(seen.coordinates, to: seen.points, scaled: true)
    return Guess(
      rotation: Rotation.quaternion(matrix: motion.rotation), translation: motion.translation,
      logScale: motion.scale.log(), code: .zeros(like: prior.mean))
  }

  /// Descends from a guess; the loss of the result tells good ends from bad ones.
  func improved(_ start: Guess) throws -> (guess: Guess, loss: Double) {
    var guess = start
    let rates = ["rotation": 0.03, "translation": 0.04, "logScale": 0.01, "code": 0.05]
    var adam = Adam(
      learningRate: 0.0,
      learningRates: rates.mapValues {
        .cosine(initial: $0, final: $0 / 20, steps: steps)
      })
    for step in 0..<steps {
      let progress = Double(step) / Double(steps)
      let (_, slopes) = try valueAndGradient(of: guess, unreachable: .zeros) {
        try loss($0, reach: 1 - 0.7 * progress)
      }
      try adam.update(&guess, gradients: slopes)
    }
    return (guess, try loss(guess, reach: 0.5).value)
  }

  /// - Parameter reach: how far apart points of surface and sensor may be to pull at each other.
  private func loss(_ guess: Guess, reach: Double) throws -> Tensor {
    let (field, pose, camera) = (prior.field(guess.code), guess.pose, seen.camera)
    let surface = Self.renderer.projection.points(on: field, in: Prior.space)
    let placed = pose.applied(to: surface)
    let facing = placed.facing(camera.centre)
    let scale = pose.scale
    var total = guess.code.square().sum() * 2e-3
    if terms.contains(.surface) {
      total += Loss.nearestPoints(facing.points, to: seen.points, within: reach)
    }
    if terms.contains(.distance) {
      total += (field.values(at: pose.inverse(of: seen.points)).abs() * scale).mean()
    }
    let drawn = try Self.renderer.draw(
      placed, colors: surface.objectCoordinates(in: Prior.space),
      radius: Self.renderer.discRadius * scale.value, background: .zeros([3]), from: camera)
    switch evidence {
    case .depthAndMask:
      let both = try drawn[.alpha] * seen.mask
      let apart = try (drawn[.depth] - seen.depth).abs().clamped(max: 1)
      if terms.contains(.depth) { total += (both * apart).sum() / max(both.sum().value, 1) * 0.5 }
      if terms.contains(.mask) { total += outside(placed.points) }
    case .objectCoordinates:
      total += try Loss.objectCoordinates(
        drawn[.color], mask: drawn[.alpha], target: coordinateImage, targetMask: seen.mask)
    }
    return total
  }

  /// How far points are outside of the mask on the image, in world units at the object's distance.
  /// The drawing's own silhouette has no derivative, so that the mask pulls at points.
  private func outside(_ points: Tensor) -> Tensor {
    guard points.shape[0] > 0 else { return points.sum() }
    let camera = seen.camera
    let (pixels, depth) = camera.project(points)
    let size = Tensor([Float(camera.width), Float(camera.height)])
    let flipped = pixels / size * Tensor([Float(1), -1]) + Tensor([Float(0), 1])
    let apart = sampleBilinear(seen.distanceToMask, at: flipped)
    return apart.mean() * (depth.stoppingGradient().mean().value / camera.focalLength[0].value)
  }

  /// [H, W, 3]: predicted object coordinates from 0 to 1.
  private var coordinateImage: Tensor {
    let (height, width) = (seen.camera.height, seen.camera.width)
    let flags = seen.mask.scalars(as: Float.self)
    let rows = Tensor(flags.indices.filter { flags[$0] > 0 }.map(Int64.init))
    return Tensor.scatterAdd(
      rows: (seen.coordinates + 1) / 2, at: rows, count: height * width
    ).reshaped([height, width, 3])
  }
}
