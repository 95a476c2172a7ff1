import LumiTensor

/// Registration of two clouds without known correspondences.
///
/// P. Besl and N. McKay, "A Method for Registration of 3-D Shapes", 1992 (point to point); Y. Chen and
/// G. Medioni, "Object Modelling by Registration of Multiple Range Images", 1992 (point to plane): each
/// point of the source is paired with the nearest of the target, the best motion for the pairs is
/// taken, and so on.
///
/// It cannot: find its way from a start that is far off; it ends in the nearest of many optima. With
/// scale, a source that covers more than the target shrinks. The result has no derivative: the pairs
/// are a choice. `SimilarityTransform.fitting` with the result's pairs has one.
public struct IterativeClosestPoint: Sendable {
  public enum Metric: Sendable {
    case pointToPoint
    /// Along the target's normals, which it must have. Converges in fewer steps on smooth surfaces.
    case pointToPlane
  }

  public var metric: Metric
  /// Whether to find a scale too.
  public var scaled: Bool
  /// Pairs that are farther apart do not count; in world units.
  public var maximumDistance: Double
  public var maximumIterations: Int
  /// Converged when no moved point of the source moves farther in a step than this, times the extent
  /// of the target.
  public var tolerance: Double

  /// - Parameters:
  ///   - metric: point to point by default.
  ///   - scaled: false by default.
  ///   - maximumDistance: above 0; infinite by default.
  ///   - maximumIterations: default 100.
  ///   - tolerance: default 1e-9.
  public init(
    metric: Metric = .pointToPoint, scaled: Bool = false, maximumDistance: Double = .infinity,
    maximumIterations: Int = 100, tolerance: Double = 1e-9
  ) {
    self.metric = metric
    self.scaled = scaled
    self.maximumDistance = maximumDistance
    self.maximumIterations = maximumIterations
    self.tolerance = tolerance
  }

  /// How a registration went.
  public struct Report: Sendable {
    /// Takes the source onto the target; in the source's dtype.
    public let transform: SimilarityTransform
    /// int32 [N]: for every point of the source its partner in the target, -1 if rejected.
    public let partners: Tensor
    /// Pairs that count, of all points of the source.
    public let overlap: Double
    /// The root of the mean squared distance of the pairs that count (along normals for planes), at
    /// the start of every iteration and at the end.
    public let errors: [Double]
    public let iterations: Int
    /// False if the iterations ran out, or fewer than three pairs were left.
    public let converged: Bool
  }

  /// - Parameters:
  ///   - source: what moves.
  ///   - target: stays.
  ///   - start: where the source is believed to lie; where it is by default.
  /// - Throws: ``SceneError`` for clouds or options that cannot be used.
  /// - Complexity: an iteration O((N + M) log M) for well spread points.
  public func align(
    _ source: PointCloud, to target: PointCloud, start: SimilarityTransform? = nil
  ) throws -> Report {
    try check(source, target)
    let problem = Problem(
      source: source.points.stoppingGradient().cast(to: .float64),
      target: target.points.stoppingGradient().cast(to: .float64),
      normals: target.normals?.stoppingGradient().cast(to: .float64).normalized())
    var transform =
      start?.mapParameters { $1.stoppingGradient().cast(to: .float64) }
      ?? .identity(dtype: .float64)
    let extent = (problem.target.max(axis: 0) - problem.target.min(axis: 0)).norm().value
    var errors: [Double] = []
    var converged = false
    var iterations = 0
    var moved = transform.applied(to: problem.source)
    while true {
      let pairs = pairs(problem, moved)
      errors.append(pairs.error)
      // Three pairs fix a motion.
      if converged || iterations == maximumIterations || pairs.rows.count < 3 {
        return Report(
          transform: transform.mapParameters { $1.cast(to: source.dtype) },
          partners: pairs.partners, overlap: Double(pairs.rows.count) / Double(source.count),
          errors: errors, iterations: iterations, converged: converged && pairs.rows.count >= 3)
      }
      transform = transform.followed(by: try step(pairs))
      let next = transform.applied(to: problem.source)
      let motion = (next - moved).square().sum(axis: 1).max().value.squareRoot()
      converged = motion <= tolerance * max(extent, .leastNormalMagnitude)
      moved = next
      iterations += 1
    }
  }

  private struct Problem {
    let source: Tensor
    let target: Tensor
    let normals: Tensor?
  }

  /// What belongs together at one moment.
  private struct Pairs {
    /// Rows of the source that count.
    let rows: [Int32]
    let partners: Tensor
    let from: Tensor
    let to: Tensor
    let normals: Tensor?
    let error: Double
  }

  private func pairs(_ problem: Problem, _ moved: Tensor) -> Pairs {
    let found = nearestNeighbours(of: moved, in: problem.target, count: 1)
    let squared = found.squaredDistances.scalars(as: Double.self)
    var partners = found.indices.scalars(as: Int32.self)
    var rows: [Int32] = []
    for row in partners.indices {
      if squared[row] <= maximumDistance * maximumDistance && squared[row] < .infinity {
        rows.append(Int32(row))
      } else {
        partners[row] = -1
      }
    }
    let chosen = Tensor(rows.map { partners[Int($0)] })
    let (from, to) = (moved.gather(Tensor(rows)), problem.target.gather(chosen))
    let normals = metric == .pointToPlane ? problem.normals!.gather(chosen) : nil
    let residual = normals.map { ((from - to) * $0).sum(axis: 1) } ?? (from - to).norm(axis: 1)
    let error = rows.isEmpty ? .nan : residual.square().mean().value.squareRoot()
    return Pairs(
      rows: rows, partners: Tensor(partners), from: from, to: to, normals: normals, error: error)
  }

  private func step(_ pairs: Pairs) throws -> SimilarityTransform {
    guard let normals = pairs.normals else {
      let isPoint = (pairs.from - pairs.from.slice(axis: 0, from: 0, to: 1)).abs().max().value == 0
      return try .fitting(pairs.from, to: pairs.to, scaled: scaled && !isPoint)
    }
    return planeStep(pairs.from, pairs.to, normals)
  }

  /// Least squares of n·(p + ω × p + v + σ p - q) around the middle of the points, damped by 1e-12 of
  /// the mean diagonal, so that motions which the planes leave free do not happen.
  private func planeStep(_ from: Tensor, _ to: Tensor, _ normals: Tensor) -> SimilarityTransform {
    let middle = from.mean(axis: 0)
    let arms = from - middle
    // Turns and scales in units of the cloud's size, so that one damping fits all.
    let size = max(arms.square().sum(axis: 1).mean().value.squareRoot(), 1e-300)
    var columns = [Tensor.cross(arms, normals) / size, normals]
    if scaled { columns.append((arms * normals).sum(axis: 1, keepDims: true) / size) }
    let rows = Tensor.concatenate(columns, axis: 1)
    let residual = ((to - from) * normals).sum(axis: 1, keepDims: true)
    let unknowns = rows.shape[1]
    let normal = rows.transposed().matmul(rows)
    let damping = 1e-12 * (normal * Tensor.eye(unknowns, dtype: .float64)).sum() / Double(unknowns)
    let damped = normal + damping * Tensor.eye(unknowns, dtype: .float64)
    guard
      let solution = try? Tensor.solve(damped, rows.transposed().matmul(residual))
        .reshaped([unknowns])
    else { return .identity(dtype: .float64) }
    let rotation = Rotation.exponential(solution.slice(axis: 0, from: 0, to: 3) / size)
    // exp keeps the scale above 0, and agrees to first order.
    let scale = scaled ? (solution[6] / size).exp() : Tensor(1, dtype: .float64)
    let shift = solution.slice(axis: 0, from: 3, to: 6)
    return SimilarityTransform(
      scale: scale, rotation: rotation,
      translation: middle + shift - scale * middle.transformed(by: rotation))
  }

  private func check(_ source: PointCloud, _ target: PointCloud) throws {
    for (name, cloud) in [("source", source), ("target", target)] {
      try cloud.checkStructure()
      try checkFinite("\(name).points", cloud.points)
      guard cloud.count >= 3 else {
        throw SceneError(
          field: "\(name).points", expected: "3 points or more", actual: "\(cloud.count)")
      }
    }
    guard metric == .pointToPoint || target.normals != nil else {
      throw SceneError(field: "target.normals", expected: "normals", actual: "none")
    }
    if let normals = target.normals, metric == .pointToPlane {
      try checkFinite("target.normals", normals)
    }
    guard maximumDistance > 0, maximumIterations >= 0, tolerance >= 0 else {
      throw SceneError(
        field: "IterativeClosestPoint",
        expected: "a distance above 0, counts and tolerance from 0 on",
        actual: "\(maximumDistance), \(maximumIterations), \(tolerance)")
    }
  }
}
