import LumiRendering
import LumiScene
import LumiTensor

/// How DIST looks for the surface: sphere tracing that goes too far on purpose, of fewer and fewer
/// rays, from coarse to fine.
///
/// Every step is the value, limited and times a ratio above 1: long steps save evaluations, and where
/// one ends inside, the next value is negative and leads back. Rays that are done rest. A pyramid has
/// one ray for every block of pixels first and hands its depth to the pixels.
///
/// S. Liu et al., "DIST", CVPR 2020.
public struct DISTMarching: Sendable {
  /// A stage of the pyramid.
  public struct Stage: Sendable, Hashable {
    /// Pixels along each side of a block.
    public var scale: Int
    public var steps: Int

    public init(scale: Int, steps: Int) {
      self.scale = scale
      self.steps = steps
    }
  }

  /// Steps of a ray, the pyramid's included.
  public var steps: Int
  /// What a step is multiplied by.
  public var ratio: Double
  /// Values count as no larger than this, in magnitude, for steps.
  public var limit: Double
  /// A ray whose value is nearer to 0 has arrived.
  public var threshold: Double
  /// How many steps with the smallest values are kept: those that the derivative is made of.
  public var records: Int
  /// Stages before single pixels, coarsest first; empty for none.
  public var pyramid: [Stage]

  public init(
    steps: Int = 50, ratio: Double = 1.5, limit: Double = 0.1, threshold: Double = 5e-5,
    records: Int = 5, pyramid: [Stage] = [Stage(scale: 4, steps: 3), Stage(scale: 2, steps: 3)]
  ) {
    self.steps = steps
    self.ratio = ratio
    self.limit = limit
    self.threshold = threshold
    self.records = records
    self.pyramid = pyramid
  }

  /// What a step said.
  struct Record: Sendable {
    var value: Double
    /// How far behind the entry before the step, and after it.
    var before: Double
    var after: Double
    /// Which of the ray's steps.
    var step: Int
  }

  /// What is known of some rays after a march. Constant to every derivative.
  struct Marched: Sendable {
    /// How far along the rays the ball begins, and where it ends; entry ≥ exit for rays that miss it.
    var entry: [Double]
    var exit: [Double]
    /// How far behind the entry a ray got.
    var marched: [Double]
    /// The steps with the smallest values of every ray, best first; none for a ray that misses the
    /// ball.
    var records: [[Record]]
    var isHit: [Bool]
    var evaluations: Int
  }

  func limited(_ value: Double) -> Double { max(-limit, min(limit, value)) }

  /// Marches along rays.
  ///
  /// - Parameters:
  ///   - rays: unit directions, [R, 3].
  ///   - interval: [R].
  ///   - surface: of signed distances.
  ///   - start: how far along the rays to begin, if beyond the entry.
  ///   - steps: at most so many.
  ///   - needsOutside: whether a hit must have been seen from outside at first.
  func march(
    _ rays: CameraRays, in interval: RayInterval, to surface: LevelSet, from start: [Double]?,
    steps: Int, needsOutside: Bool
  ) -> Marched {
    var lines = TracingLines(rays, surface)
    func numbers(_ ends: Tensor) -> [Double] {
      ends.stoppingGradient().cast(to: .float64).scalars(as: Double.self)
    }
    let (near, far) = (numbers(interval.near), numbers(interval.far))
    var result = Marched(
      entry: near.map { max($0, 0) }, exit: far, marched: [Double](repeating: 0, count: near.count),
      records: [[Record]](repeating: [], count: near.count),
      isHit: [Bool](repeating: false, count: near.count), evaluations: 0)
    if let start {
      for row in near.indices where start[row] < far[row] {
        result.marched[row] = max(start[row] - result.entry[row], 0)
      }
    }
    var unfinished = near.indices.filter { result.entry[$0] < far[$0] && far[$0].isFinite }
    for step in 0..<steps where !unfinished.isEmpty {
      let values = lines.values(
        unfinished, at: unfinished.map { result.entry[$0] + result.marched[$0] })
      var left: [Int] = []
      for (row, value) in zip(unfinished, values) {
        let before = result.marched[row]
        // A value that is not a number ends the ray.
        guard value.isFinite else { continue }
        let after = before + ratio * limited(value)
        result.marched[row] = after
        note(
          Record(value: value, before: before, after: after, step: step), in: &result.records[row])
        if step == 0 { result.isHit[row] = !needsOutside || value > threshold }
        let goesOn = value.magnitude >= threshold && result.entry[row] + after < far[row]
        if goesOn { left.append(row) }
      }
      unfinished = left
    }
    for row in near.indices {
      let isThere = result.records[row].first.map { $0.value.magnitude <= threshold } ?? false
      result.isHit[row] =
        result.isHit[row] && isThere && result.entry[row] + result.marched[row] < far[row]
    }
    result.evaluations = lines.evaluations
    return result
  }

  /// Keeps a record if it is among the best; of equals the first stays in front.
  private func note(_ record: Record, in best: inout [Record]) {
    let place =
      best.firstIndex { record.value.magnitude < $0.value.magnitude } ?? best.count
    guard place < max(records, 1) else { return }
    best.insert(record, at: place)
    if best.count > max(records, 1) { best.removeLast() }
  }

  /// Marches along the rays of all pixels, from coarse to fine.
  ///
  /// - Parameters:
  ///   - camera: whose pixels; constant.
  ///   - interval: where rays are in the ball.
  ///   - surface: of signed distances.
  func march(
    _ camera: Camera, to surface: LevelSet, in interval: (PixelRays) -> RayInterval
  ) -> Marched {
    var (start, scale, evaluations): ([Double]?, Int, Int) = (nil, 1, 0)
    var left = steps
    for stage in pyramid + [Stage(scale: 1, steps: steps)] {
      let isLast = stage.scale == 1
      let blocks = Self.blockCentres(camera, scale: stage.scale)
      let rays = PixelRays(of: camera, through: blocks.centres)
      let parents = start.map { parents in
        blocks.positions.map { position in
          let row = position.row * stage.scale / scale
          let column = position.column * stage.scale / scale
          return parents[row * ((camera.width + scale - 1) / scale) + column]
        }
      }
      var marched = march(
        rays.rays, in: interval(rays), to: surface, from: parents,
        steps: isLast ? left : min(stage.steps, left),
        needsOutside: isLast && pyramid.isEmpty)
      evaluations += marched.evaluations
      left = max(left - stage.steps, 0)
      if isLast {
        marched.evaluations = evaluations
        return marched
      }
      start = marched.marched.indices.map { marched.entry[$0] + marched.marched[$0] }
      // A block that misses the ball knows nothing: its pixels begin at their own entries.
      for row in start!.indices where !(marched.entry[row] < marched.exit[row]) { start![row] = 0 }
      scale = stage.scale
    }
    fatalError("DISTMarching: the last stage returns")
  }

  /// The middles of blocks of pixels, [N, 2], row by row, and which blocks they are.
  private static func blockCentres(
    _ camera: Camera, scale: Int
  ) -> (centres: Tensor, positions: [(row: Int, column: Int)]) {
    let (rows, columns) = (
      (camera.height + scale - 1) / scale, (camera.width + scale - 1) / scale
    )
    let positions = (0..<rows).flatMap { row in
      (0..<columns).map { (row: row, column: $0) }
    }
    let centres = positions.flatMap {
      [(Double($0.column) + 0.5) * Double(scale), (Double($0.row) + 0.5) * Double(scale)]
    }
    return (
      Tensor(centres, shape: [positions.count, 2]).cast(to: camera.dtype), positions
    )
  }
}
