import LumiRendering
import LumiScene
import LumiTensor

/// The state of all rays while ``SurfaceTracer`` looks for a surface.
struct SurfaceSearch {
  private let settings: SurfaceTracer
  private var lines: TracingLines
  private var near: [End]
  private var far: [End]
  private var states: [State]
  /// Where the interval ends.
  private let limits: [Double]

  /// One end of the part of a ray that is left.
  private struct End {
    var distance: Double
    var value = 0.0
    /// Before the last step.
    var before: (distance: Double, value: Double)?
  }

  private enum State {
    case undecided
    case decided(RayStatus)
    /// The surface is between a place outside and one inside.
    case bracketed(outside: (distance: Double, value: Double))
  }

  init(
    _ settings: SurfaceTracer, _ rays: CameraRays, _ interval: RayInterval, _ surface: LevelSet
  ) {
    self.settings = settings
    lines = TracingLines(rays, surface)
    let ends = [interval.near, interval.far].map {
      $0.stoppingGradient().cast(to: .float64).scalars(as: Double.self)
    }
    let (near, far) = (ends[0].map { End(distance: max($0, 0)) }, ends[1].map { End(distance: $0) })
    states = near.indices.map { row in
      let isThere = near[row].distance < far[row].distance && far[row].distance.isFinite
      return isThere ? .undecided : .decided(.miss)
    }
    (self.near, self.far, limits) = (near, far, ends[1])
    start()
  }

  private var undecided: [Int] {
    states.indices.filter { if case .undecided = states[$0] { true } else { false } }
  }

  /// Evaluates the near ends.
  private mutating func start() {
    // Samples stay where they are without the grid.
    if settings.steps > 0 { skipEmptySpace(undecided) }
    let rows = undecided
    let values = lines.values(rows, at: rows.map { near[$0].distance })
    for (row, value) in zip(rows, values) {
      near[row].value = value
      if value < -settings.threshold {
        states[row] = .decided(.startsInside)
      } else if !(value > settings.threshold) {
        // A value that is not finite leads nowhere.
        states[row] = .decided(value.isFinite ? .hit : .notConverged)
      }
    }
  }

  // MARK: Sphere tracing

  mutating func march() {
    guard settings.steps > 0 else { return }
    var farRows = undecided
    let values = lines.values(farRows, at: farRows.map { far[$0].distance })
    for (row, value) in zip(farRows, values) { far[row].value = value }
    for _ in 0..<settings.steps {
      let nearRows = undecided
      guard !nearRows.isEmpty else { return }
      // From inside there is nothing to be found backwards that counts.
      farRows = nearRows.filter { far[$0].value > settings.threshold }
      step(nearRows, farRows)
      takeBack(nearRows, farRows)
      for row in nearRows { judge(row) }
    }
  }

  /// Goes on by the values.
  private mutating func step(_ nearRows: [Int], _ farRows: [Int]) {
    for row in nearRows {
      near[row].before = (near[row].distance, near[row].value)
      near[row].distance = min(near[row].distance + near[row].value, limits[row])
    }
    for row in farRows {
      far[row].before = (far[row].distance, far[row].value)
      far[row].distance -= far[row].value
    }
    skipEmptySpace(nearRows)
    evaluate(nearRows, farRows)
  }

  private mutating func evaluate(_ nearRows: [Int], _ farRows: [Int]) {
    // Where the ends have passed each other one tells enough: if the values are too large they may
    // have met inside.
    let farRows = farRows.filter { near[$0].distance < far[$0].distance }
    let values = lines.values(
      nearRows + farRows,
      at: nearRows.map { near[$0].distance } + farRows.map { far[$0].distance })
    for (index, row) in nearRows.enumerated() { near[row].value = values[index] }
    for (index, row) in farRows.enumerated() { far[row].value = values[nearRows.count + index] }
  }

  /// Takes back half, a quarter, … of the steps that led inside.
  private mutating func takeBack(_ nearRows: [Int], _ farRows: [Int]) {
    var share = 0.5
    for _ in 0..<settings.backOffs {
      func isInside(_ end: End) -> Bool { end.value < -settings.threshold }
      let nearRows = nearRows.filter { isInside(near[$0]) }
      let farRows = farRows.filter { isInside(far[$0]) }
      guard !nearRows.isEmpty || !farRows.isEmpty else { return }
      // What was skipped as empty does not count as a step.
      for row in nearRows { near[row].distance -= share * near[row].before!.value }
      for row in farRows { far[row].distance += share * far[row].before!.value }
      evaluate(nearRows, farRows)
      share /= 2
    }
  }

  private mutating func judge(_ row: Int) {
    let end = near[row]
    if end.value < -settings.threshold {
      states[row] = .bracketed(outside: end.before!)
    } else if end.value <= settings.threshold {
      states[row] = .decided(.hit)
    } else if end.distance < far[row].distance {
      let isFinite = end.value.isFinite && far[row].value.isFinite
      if !isFinite { states[row] = .decided(.notConverged) }
    } else if far[row].value < -settings.threshold {
      // The step led over a wall whose inside the far end has seen.
      near[row] = End(
        distance: far[row].distance, value: far[row].value, before: end.before)
      states[row] = .bracketed(outside: end.before!)
    } else {
      states[row] = .decided(end.value.isFinite ? .miss : .notConverged)
    }
  }

  private mutating func skipEmptySpace(_ rows: [Int]) {
    guard let space = settings.emptySpace else { return }
    for row in rows {
      let end = far[row].distance
      near[row].distance = space.exit(from: near[row].distance, before: end) {
        lines.point(row, at: $0)
      }
      if !(near[row].distance < end) { states[row] = .decided(.miss) }
    }
  }

  // MARK: Samples

  /// Samples the undecided rays until the first place inside.
  mutating func sample() {
    var rows = undecided
    let intervals = settings.samples - 1
    guard intervals > 0 else {
      for row in rows { states[row] = .decided(.notConverged) }
      return
    }
    let starts = near.map(\.distance)
    var last = near.map { ($0.distance, $0.value) }
    // The samples of a block are evaluated together, so that products stay large.
    let block = 8
    for first in stride(from: 1, through: intervals, by: block) {
      let indices = first...min(first + block - 1, intervals)
      var (owners, distances): ([Int], [Double]) = ([], [])
      for row in rows {
        for index in indices {
          let share = Double(index) / Double(intervals)
          owners.append(row)
          distances.append(starts[row] + share * (far[row].distance - starts[row]))
        }
      }
      let values = sampleValues(owners, distances)
      for (index, row) in owners.enumerated() {
        guard case .undecided = states[row] else { continue }
        if values[index] <= 0 {
          near[row].distance = distances[index]
          near[row].value = values[index]
          states[row] = .bracketed(outside: last[row])
        }
        last[row] = (distances[index], values[index])
      }
      rows = undecided
    }
    for row in rows { states[row] = .decided(.miss) }
  }

  /// Values, infinite where it is known that the surface is not.
  private mutating func sampleValues(_ rows: [Int], _ distances: [Double]) -> [Double] {
    guard let space = settings.emptySpace else { return lines.values(rows, at: distances) }
    let isEmpty = rows.indices.map {
      space.bound(at: lines.point(rows[$0], at: distances[$0])) > 0
    }
    let left = rows.indices.filter { !isEmpty[$0] }
    let values = lines.values(left.map { rows[$0] }, at: left.map { distances[$0] })
    var result = [Double](repeating: .infinity, count: rows.count)
    for (index, value) in zip(left, values) { result[index] = value }
    return result
  }

  // MARK: Roots

  /// Narrows brackets until a value is below the threshold or the steps are used up.
  mutating func findRoots() {
    var brackets: [Bracket] = states.indices.compactMap { row in
      guard case .bracketed(let outside) = states[row] else { return nil }
      return Bracket(row: row, outside: outside, inside: (near[row].distance, near[row].value))
    }
    // Where empty space was skipped, the value outside is not known yet.
    let unknown = brackets.indices.filter { !brackets[$0].outside.value.isFinite }
    let values = lines.values(
      unknown.map { brackets[$0].row }, at: unknown.map { brackets[$0].outside.distance })
    for (index, value) in zip(unknown, values) { brackets[index].outside.value = value }
    for row in brackets.map(\.row) { states[row] = .decided(.hit) }
    for _ in 0..<settings.rootFinding.steps where !brackets.isEmpty {
      let middles = brackets.map { $0.middle(settings.rootFinding) }
      let values = lines.values(brackets.map(\.row), at: middles)
      for index in brackets.indices {
        brackets[index].narrow(to: (middles[index], values[index]))
        note(brackets[index])
      }
      brackets.removeAll { near[$0.row].value.magnitude <= settings.threshold }
    }
  }

  /// Keeps the better end of a bracket.
  private mutating func note(_ bracket: Bracket) {
    let isOutside = bracket.outside.value.magnitude < bracket.inside.value.magnitude
    let (best, other) =
      isOutside ? (bracket.outside, bracket.inside) : (bracket.inside, bracket.outside)
    near[bracket.row] = End(distance: best.distance, value: best.value, before: other)
  }

  private struct Bracket {
    let row: Int
    var outside: (distance: Double, value: Double)
    var inside: (distance: Double, value: Double)

    func middle(_ method: SurfaceTracer.RootFinding) -> Double {
      let (a, b) = (outside, inside)
      let half = (a.distance + b.distance) / 2
      guard case .secant = method else { return half }
      let place = a.distance - a.value * (b.distance - a.distance) / (b.value - a.value)
      return place.isFinite ? place : half
    }

    mutating func narrow(to place: (distance: Double, value: Double)) {
      if place.value > 0 { outside = place } else { inside = place }
    }
  }

  /// Steps by the straight line through the last two values, as long as they get better.
  mutating func polish() {
    var rows = states.indices.filter { row in
      guard case .decided(.hit) = states[row] else { return false }
      return near[row].before != nil && near[row].value != 0
    }
    for _ in 0..<settings.polishing {
      let places = rows.map { row -> Double in
        let (end, before) = (near[row], near[row].before!)
        return end.distance
          - end.value * (end.distance - before.distance) / (end.value - before.value)
      }
      let kept = rows.indices.filter { places[$0].isFinite }
      let values = lines.values(kept.map { rows[$0] }, at: kept.map { places[$0] })
      rows = zip(kept, values).compactMap { index, value -> Int? in
        let row = rows[index]
        guard value.magnitude < near[row].value.magnitude else { return nil }
        near[row] = End(
          distance: places[index], value: value, before: (near[row].distance, near[row].value))
        return value == 0 ? nil : row
      }
      guard !rows.isEmpty else { return }
    }
  }

  // MARK: -

  var result: TracedRays {
    let status = states.map { state -> RayStatus in
      if case .decided(let status) = state { status } else { .notConverged }
    }
    func column(_ number: (End) -> Double) -> Tensor {
      Tensor(
        near.indices.map { status[$0] == .hit ? number(near[$0]) : 0 }, shape: [near.count]
      ).cast(to: lines.surface.dtype)
    }
    return TracedRays(
      status: status, distances: column(\.distance), residuals: column(\.value),
      evaluations: lines.evaluations)
  }
}
