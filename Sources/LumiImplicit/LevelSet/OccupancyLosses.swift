import LumiRendering
import LumiScene
import LumiTensor

/// The losses that train an occupancy network from pictures and masks (Niemeyer et al., CVPR 2020):
/// colour and depth where a ray hits what the mask shows; free space where it hits beside the mask,
/// and occupancy where it misses what the mask shows. The last two move outlines, which the picture
/// itself cannot.
///
/// Sums over rays are divided by the number of rays.
public struct OccupancyLosses: Sendable {
  /// Weights of the terms; published 1, 0 or 1, 1, 1, 0.05.
  public var color: Double
  public var depth: Double
  public var freeSpace: Double
  public var occupancy: Double
  public var normal: Double
  /// Whether free space also pushes at a random point of rays that rightly miss, as published.
  public var pushesMisses: Bool
  /// How far away the neighbour is whose normal is compared, at most along each axis; published
  /// 0.0005 in a cube of 1.
  public var normalRadius: Double
  /// The step of the differences that normals are made of; published 0.001.
  public var normalStep: Double

  public init(
    color: Double = 1, depth: Double = 0, freeSpace: Double = 1, occupancy: Double = 1,
    normal: Double = 0.05, pushesMisses: Bool = true, normalRadius: Double = 5e-4,
    normalStep: Double = 1e-3
  ) {
    self.color = color
    self.depth = depth
    self.freeSpace = freeSpace
    self.occupancy = occupancy
    self.normal = normal
    self.pushesMisses = pushesMisses
    self.normalRadius = normalRadius
    self.normalStep = normalStep
  }

  /// What pictures say about rays.
  public struct Target: Sendable {
    /// [R, C].
    public var colors: Tensor
    /// bool [R]: whether the ray shows the body.
    public var isBody: Tensor
    /// [R], distances in units of the rays' directions; a value that is not above 0 is unknown.
    public var distances: Tensor?

    public init(colors: Tensor, isBody: Tensor, distances: Tensor? = nil) {
      self.colors = colors
      self.isBody = isBody
      self.distances = distances
    }
  }

  /// The weighted sum of all terms, [].
  ///
  /// - Parameters:
  ///   - shape: of logits of occupancy.
  ///   - rays: to train on.
  ///   - target: what they show.
  ///   - renderer: finds the surface.
  ///   - random: for points on rays and neighbours of points.
  public func callAsFunction(
    of shape: ImplicitShape, along rays: PixelRays, target: Target,
    renderer: DifferentiableVolumetricRendering, using random: inout RandomGenerator
  ) -> Tensor {
    require(
      shape.field.quantity == .occupancyLogit,
      "OccupancyLosses: a field of \(shape.field.quantity), expected logits of occupancy")
    let interval = RayInterval(of: rays.rays, in: shape.bounds).intersection(rays.visible)
    let surface = renderer.surface(of: shape, along: rays.rays, in: interval)
    let count = surface.statuses.count
    let level = renderer.levelSet(of: shape)
    let places = random.uniform([count], low: 0, high: 1, dtype: shape.dtype)
    let points = Points(
      surface: surface, isBody: target.isBody.scalars(as: Bool.self),
      isOpen: interval.isHit.scalars(as: Bool.self))
    var total = Tensor(0, dtype: shape.dtype)

    let matched = points.matched(surface)
    if color != 0, !matched.rays.isEmpty {
      let shown = target.colors.gather(Tensor(matched.rays))
      total = total + (surface.colors.gather(Tensor(matched.hits)) - shown).abs().sum() * color
    }
    if depth != 0, let distances = target.distances, !matched.rays.isEmpty {
      let known = distances.gather(Tensor(matched.rays))
      let error = (surface.distances.gather(Tensor(matched.hits)) - known).abs()
      total = total + Tensor.where(known .> 0, error, 0).sum() * depth
    }
    /// Values at random points of some rays.
    func values(onRays rows: [Int32]) -> Tensor {
      let rows = Tensor(rows)
      let near = interval.near.stoppingGradient().clamped(min: 0).gather(rows)
      let far = interval.far.stoppingGradient().gather(rows)
      let some = CameraRays(
        origins: rays.rays.origins.stoppingGradient().gather(rows),
        directions: rays.rays.directions.stoppingGradient().gather(rows))
      return level.values(
        at: ImplicitDistance.points(some, near + (far - near) * places.gather(rows)))
    }
    if freeSpace != 0, !points.wrongHits.isEmpty {
      let hits = surface.positions.stoppingGradient().gather(Tensor(points.wrongHits))
      total = total + Self.freeSpace(level.values(at: hits)) * freeSpace
    }
    if freeSpace != 0, pushesMisses, !points.rightMisses.isEmpty {
      total = total + Self.freeSpace(values(onRays: points.rightMisses)) * freeSpace
    }
    if occupancy != 0, !points.wrongMisses.isEmpty {
      total = total + Self.occupancy(values(onRays: points.wrongMisses)) * occupancy
    }
    if normal != 0, surface.rays.count > 0 {
      let places = surface.positions.stoppingGradient()
      let shift = random.uniform(
        places.shape, low: -normalRadius, high: normalRadius, dtype: shape.dtype)
      let difference = normals(of: level, at: places) - normals(of: level, at: places + shift)
      total = total + difference.norm(axis: 1).sum() * normal
    }
    return total / Double(max(count, 1))
  }

  /// Which rays and hits the terms are about.
  private struct Points {
    let isBody: [Bool]
    /// Hits beside the body, as positions among the hits.
    var wrongHits: [Int32] = []
    /// Rays beside the body that hit nothing, and rays that show the body and hit nothing.
    var (rightMisses, wrongMisses): ([Int32], [Int32]) = ([], [])

    init(
      surface: DifferentiableVolumetricRendering.Surface, isBody: [Bool], isOpen: [Bool]
    ) {
      self.isBody = isBody
      for (hit, ray) in surface.rays.scalars(as: Int32.self).enumerated() where !isBody[Int(ray)] {
        wrongHits.append(Int32(hit))
      }
      for (ray, status) in surface.statuses.enumerated() where status != .hit && isOpen[ray] {
        if isBody[ray] { wrongMisses.append(Int32(ray)) } else { rightMisses.append(Int32(ray)) }
      }
    }

    /// Hits on the body: their rays, and their positions among the hits.
    func matched(
      _ surface: DifferentiableVolumetricRendering.Surface
    ) -> (rays: [Int32], hits: [Int32]) {
      let rays = surface.rays.scalars(as: Int32.self)
      let hits = rays.indices.filter { isBody[Int(rays[$0])] }
      return (hits.map { rays[$0] }, hits.map { Int32($0) })
    }
  }

  /// Unit normals by central differences, [N, 3]; 0 where there is no slope.
  private func normals(of field: LevelSetField, at points: Tensor) -> Tensor {
    let step = Tensor.eye(3, dtype: points.dtype) * (normalStep / 2)
    let around = Tensor.concatenate([step, -step]).expandingDims(at: 0)
    let values = field.values(
      at: (points.expandingDims(at: 1) + around).reshaped([-1, 3])
    ).reshaped([-1, 6])
    let slopes =
      values.slice(axis: 1, from: 3, to: 6) - values.slice(axis: 1, from: 0, to: 3)
    let length = slopes.norm(axis: 1, keepDims: true)
    return slopes / length.clamped(min: 1e-5)
  }

  /// Σ softplus(logit), []: how strongly places that are known to be free are held to be inside.
  public static func freeSpace(_ logits: Tensor) -> Tensor { logits.softplus().sum() }

  /// Σ softplus(-logit), []: how strongly places that are known to be inside are held to be free.
  public static func occupancy(_ logits: Tensor) -> Tensor { (-logits).softplus().sum() }

  /// Σ |difference of neighbours - that of the target| along rows and columns, [].
  ///
  /// - Parameters:
  ///   - patches: [P, H, W, C].
  ///   - target: of the same shape.
  public static func imageGradient(_ patches: Tensor, _ target: Tensor) -> Tensor {
    require(
      patches.rank == 4 && patches.shape == target.shape,
      "OccupancyLosses.imageGradient: patches \(patches.shape), target \(target.shape)")
    let error = patches - target
    return (1...2).reduce(Tensor(0, dtype: patches.dtype)) { sum, axis in
      let extent = error.shape[axis]
      let step =
        error.slice(axis: axis, from: 1, to: extent)
        - error.slice(axis: axis, from: 0, to: extent - 1)
      return sum + step.abs().sum()
    }
  }
}
