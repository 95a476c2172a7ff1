import ArgumentParser
import Foundation
import Lumigrad

/// The renderers to compare.
enum Method: String, CaseIterable, ExpressibleByArgument {
  case soft, nmr, antialiased

  /// Silhouettes [cameras, height, width].
  ///
  /// - Parameter sigma: the softness; only Soft Rasterizer has one.
  func silhouettes(_ mesh: Mesh, from cameras: [Camera], sigma: Double) throws -> Tensor {
    let outputs: [RenderOutput]
    switch self {
    case .soft:
      var renderer = SoftRasterizer.silhouettes
      renderer.sigma = sigma
      outputs = try renderer.render(Scene(mesh), from: cameras)
    case .nmr:
      outputs = try NeuralMeshRenderer(channels: [.alpha]).render(Scene(mesh), from: cameras)
    case .antialiased:
      outputs = try AntialiasedRasterizer(channels: [.alpha]).render(Scene(mesh), from: cameras)
    }
    return Tensor.stack(try outputs.map { try $0[.alpha] })
  }
}

/// What is seen of one or more targets: one silhouette each, or two from cameras whose places to each
/// other are known.
struct Observation {
  /// [views, targets, 64, 64], coverage.
  let silhouettes: Tensor
  /// Where the second camera is relative to the first, if there is one.
  let second: RigidTransform?

  static let pixels = 64

  /// Draws the truth sharply, 16 samples a pixel.
  ///
  /// - Parameters:
  ///   - truth: the poses.
  ///   - mesh: the object.
  ///   - second: where a second camera is.
  ///   - noise: 0 for exact coverage. Otherwise a segmentation's yes or no: coverage above a threshold
  ///     that is ½ with this standard deviation, another one at every pixel.
  ///   - seed: of the noise.
  init(
    of truth: Poses, _ mesh: Mesh, second: RigidTransform? = nil, noise: Double = 0,
    seed: UInt64 = 0
  ) throws {
    let cameras = truth.cameras(pixels: Self.pixels * 4, second: second)
    let renderer = HardRasterizer(channels: [.alpha])
    let drawn = try cameras.map { try renderer.render(Scene(mesh), from: $0)[.alpha].pooled(4) }
    var coverage = Tensor.stack(drawn).reshaped([-1, truth.count, Self.pixels, Self.pixels])
    if noise > 0 {
      var random = RandomGenerator(seed: seed, stream: 8)
      let threshold = random.normal(coverage.shape, mean: 0.5, deviation: noise)
      // Pixels away from the border are certain.
      coverage = (coverage .> threshold.clamped(min: 0.01, max: 0.99)).cast(to: .float32)
    }
    silhouettes = coverage
    self.second = second
  }

  var views: Int { silhouettes.shape[0] }

  /// [views, targets, pixels, pixels].
  func silhouettes(pixels: Int) -> Tensor { silhouettes.pooled(Self.pixels / pixels) }

  /// A camera at a right angle to the first that looks at the same place, `distance` before both.
  static func side(distance: Double) -> RigidTransform {
    let turn = Rotation.exponential(Tensor([Float(0), .pi / 2, 0]))
    let place = Tensor([Float(0), 0, Float(distance)])
    return RigidTransform(
      rotation: turn,
      translation: place
        - place.expandingDims(at: 0).matmul(turn, transposingRight: true)
        .squeezed(axis: 0))
  }
}

/// Gradient descent from many starts at once, from coarse and soft to fine and sharp.
struct Search {
  struct Stage {
    let pixels: Int
    let steps: Int
    let rate: Double
    /// The softness falls from the first to the second value, evenly in its logarithm.
    let sigma: (from: Double, to: Double)
    /// How many of the best poses go on.
    let keeps: Int
  }

  let mesh: Mesh
  let observation: Observation
  let method: Method

  /// Moves all poses for a stage. The poses do not know of each other: the loss is a sum, and Adam
  /// treats every number apart.
  func run(_ poses: inout Poses, _ stage: Stage) throws {
    var adam = Adam(
      learningRate: .cosine(initial: stage.rate, final: stage.rate / 10, steps: stage.steps),
      beta2: 0.98)
    for step in 0..<stage.steps {
      let progress = Double(step) / Double(max(stage.steps - 1, 1))
      let sigma = stage.sigma.from * pow(stage.sigma.to / stage.sigma.from, progress)
      let (_, gradients) = try valueAndGradient(of: poses) {
        try self.losses($0, pixels: stage.pixels, sigma: sigma).sum()
      }
      try adam.update(&poses, gradients: gradients)
    }
  }

  /// 1 - IoU of every pose, mean over the views: [N]. All poses are held against one target, or each
  /// against its own.
  func losses(_ poses: Poses, pixels: Int, sigma: Double) throws -> Tensor {
    let cameras = poses.cameras(pixels: pixels, second: observation.second)
    let seen = try method.silhouettes(mesh, from: cameras, sigma: sigma)
      .reshaped([observation.views, poses.count, pixels, pixels])
    let target = observation.silhouettes(pixels: pixels).broadcast(to: seen.shape)
    return (1 - softIntersectionOverUnion(seen, target)).mean(axis: 0)
  }

  /// The poses with the smallest loss first.
  func sorted(_ poses: Poses, _ stage: Stage) throws -> Poses {
    let losses = try losses(poses, pixels: stage.pixels, sigma: stage.sigma.to).scalars(
      as: Float.self)
    let order = losses.indices.sorted { losses[$0] < losses[$1] }
    return poses.choose(Array(order.prefix(stage.keeps)))
  }

  /// Poses with the given rotations, moved so that centre and area of their silhouettes are those of
  /// the first view: moments say where an object is before any gradient does.
  func aligned(_ rotations: Tensor, distance: Double, focalLength: Double) throws -> Poses {
    let count = rotations.shape[0]
    let middle = Tensor([Float(0), 0, Float(distance)]).broadcast(to: [count, 3])
    let guess = Poses(rotations: rotations, translations: middle, focalLength: focalLength)
    let seen = try Method.soft.silhouettes(
      mesh, from: guess.cameras(pixels: 32), sigma: 1e-4)
    let (area, centre) = Self.moments(seen)
    let (wantedArea, wantedCentre) = Self.moments(
      observation.silhouettes(pixels: 32)[.index(0)])
    let scale = (wantedArea / area).sqrt()
    let xy = (wantedCentre - centre * scale) / focalLength
    let z = distance / scale
    return Poses(
      rotations: rotations, translations: Tensor.concatenate([xy * z, z], axis: 1),
      focalLength: focalLength)
  }

  /// Areas [N, 1] and centres [N, 2] from the middle of the picture, in its height.
  private static func moments(_ silhouettes: Tensor) -> (area: Tensor, centre: Tensor) {
    let (height, width) = (silhouettes.shape[1], silhouettes.shape[2])
    let rows = (Tensor.arange(height, dtype: .float32) + 0.5) / Double(height) - 0.5
    let columns = (Tensor.arange(width, dtype: .float32) + 0.5) / Double(height) - 0.5
    let area = silhouettes.sum(axes: [1, 2]).expandingDims(at: 1).clamped(min: 1e-6)
    let x = (silhouettes.sum(axis: 1) * columns).sum(axis: 1, keepDims: true) / area
    let y = (silhouettes.sum(axis: 2) * rows).sum(axis: 1, keepDims: true) / area
    return (area, Tensor.concatenate([x, y], axis: 1))
  }
}

extension Tensor {
  /// Means of blocks of `factor` × `factor` pixels of [..., height, width].
  func pooled(_ factor: Int) -> Tensor {
    let (height, width) = (shape[rank - 2], shape[rank - 1])
    return reshaped(shape.dropLast(2) + [height / factor, factor, width / factor, factor])
      .mean(axes: [-3, -1])
  }
}
