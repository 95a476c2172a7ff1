import LumiTensor

/// Minimisation by curvature: the direction is -H g, where H approximates the inverse of the second
/// derivatives from the last few moves and changes of the gradient, and the step length comes from a
/// ``LineSearch``.
///
/// For functions that give the same value every time they are asked, such as a loss over all data: a
/// new batch at every evaluation makes the changes of the gradient meaningless. Far fewer steps
/// than with gradient descent where the function is smooth; no advantage where it has many kinks.
///
/// - J. Nocedal, "Updating Quasi-Newton Matrices with Limited Storage", Mathematics of Computation
///   35(151), 1980 (the two-loop recursion).
/// - D. Liu, J. Nocedal, "On the Limited Memory BFGS Method for Large Scale Optimization",
///   Mathematical Programming 45, 1989.
public struct LBFGS: Restorable, Sendable {
  /// How many moves are remembered, 1 or more. Each takes 16 bytes per parameter element.
  public let memory: Int
  public var lineSearch: LineSearch
  /// Euclidean length of the first step that is tried while nothing is remembered, at most the
  /// gradient's own.
  public var firstStepLength: Double
  /// How many iterations have been made.
  public private(set) var step = 0
  private var moves: [Move] = []
  private var layout: ParameterLayout?

  /// A step and the change of the gradient along it, as vectors.
  private struct Move {
    let displacement, change: Tensor
  }

  public init(
    memory: Int = 10, lineSearch: LineSearch = LineSearch(), firstStepLength: Double = 1
  ) {
    require(
      memory >= 1 && firstStepLength > 0,
      "LBFGS: memory \(memory), firstStepLength \(firstStepLength); expected 1 or more, above 0")
    (self.memory, self.lineSearch) = (memory, lineSearch)
    self.firstStepLength = firstStepLength
  }

  /// What one iteration did.
  public struct Iteration: Sendable {
    /// The function before and after.
    public let valueBefore, value: Double
    /// The largest magnitude of an element of the gradient, after.
    public let largestGradient: Double
    /// α, in units of the direction; 0 if there was no step.
    public let stepLength: Double
    public let evaluations: Int
    /// Why there was no step, neither along -H g nor along the gradient; nil if there was one or
    /// the gradient is 0.
    public let failure: LineSearchFailure?
  }

  /// One iteration: moves the parameters that the function gives gradients of.
  ///
  /// - Parameters:
  ///   - parameters: unchanged after a failed line search.
  ///   - function: value and gradients at any parameters; called several times.
  /// - Throws: ``OptimizerError`` for a value or gradient that is not finite at the start or does
  ///   not fit, or a memory of other parameters; what `function` throws. The parameters have not
  ///   changed then.
  @discardableResult
  public mutating func update(
    _ parameters: inout [String: Tensor],
    _ function: ([String: Tensor]) throws -> (value: Tensor, gradients: [String: Tensor])
  ) throws -> Iteration {
    var point = try evaluateStart(parameters, function)
    return try iterate(&parameters, &point, function)
  }

  /// One iteration on the floating-point parameters of a model, or those of some names.
  @discardableResult
  public mutating func update<Model: Parameterized>(
    _ model: inout Model, withRespectTo names: [String]? = nil, _ loss: (Model) throws -> Tensor
  ) throws -> Iteration {
    try model.changing { parameters, start in
      try update(&parameters) { moved in
        try valueAndGradient(of: start.settingParameters(moved), withRespectTo: names, loss)
      }
    }
  }

  // MARK: One iteration

  struct Point {
    let parameters: [String: Tensor]
    let value: Double
    let gradient: Tensor
  }

  mutating func evaluateStart(
    _ parameters: [String: Tensor],
    _ function: ([String: Tensor]) throws -> (value: Tensor, gradients: [String: Tensor])
  ) throws -> Point {
    let (value, gradients) = try function(parameters)
    try validateGradients(parameters, gradients)
    guard value.value.isFinite else { throw OptimizerError.nonFiniteValue(value.value) }
    let found = ParameterLayout(gradients)
    guard moves.isEmpty || layout == found else {
      throw OptimizerError.invalidState(
        "memory of \(layout!.names) \(layout!.shapes), gradients of \(found.names) \(found.shapes)")
    }
    layout = found
    return Point(parameters: parameters, value: value.value, gradient: found.vector(gradients))
  }

  mutating func iterate(
    _ parameters: inout [String: Tensor], _ point: inout Point,
    _ function: ([String: Tensor]) throws -> (value: Tensor, gradients: [String: Tensor])
  ) throws -> Iteration {
    let start = point
    var evaluations = 0
    var failure: LineSearchFailure?
    // A failure may be the memory's fault: the gradient itself gets a second chance.
    for _ in 0..<(moves.isEmpty ? 1 : 2) where start.gradient.largestMagnitude > 0 {
      do {
        let found = try search(from: start, &evaluations, function)
        remember(from: start, to: found.payload)
        point = found.payload
        parameters = point.parameters
        step += 1
        return Iteration(
          valueBefore: start.value, value: point.value,
          largestGradient: point.gradient.largestMagnitude, stepLength: found.length,
          evaluations: evaluations, failure: nil)
      } catch let error as LineSearchFailure {
        failure = error
        moves = []
      }
    }
    return Iteration(
      valueBefore: start.value, value: start.value,
      largestGradient: start.gradient.largestMagnitude, stepLength: 0, evaluations: evaluations,
      failure: failure)
  }

  private func search(
    from start: Point, _ evaluations: inout Int,
    _ function: ([String: Tensor]) throws -> (value: Tensor, gradients: [String: Tensor])
  ) throws -> LinePoint<Point> {
    let layout = layout!
    let direction = -product(start.gradient)
    let slope = inner(direction, start.gradient)
    let isFloat32 = layout.names.contains { start.parameters[$0]!.dtype == .float32 }
    let first =
      moves.isEmpty ? min(1, firstStepLength / inner(direction, direction).squareRoot()) : 1
    return try lineSearch.run(
      from: LinePoint(length: 0, value: start.value, slope: slope, payload: start), first: first,
      rounding: isFloat32 ? 1e-7 : 1e-15
    ) { length in
      let moved = layout.moved(start.parameters, by: direction * length)
      let (value, gradients) = try function(moved)
      evaluations += 1
      guard ParameterLayout(gradients) == layout else {
        throw OptimizerError.invalidState(
          "the function gave gradients of other parameters than at the start")
      }
      let gradient = layout.vector(gradients)
      return LinePoint(
        length: length, value: value.value, slope: inner(gradient, direction),
        payload: Point(parameters: moved, value: value.value, gradient: gradient))
    }.point
  }

  /// H g by the two-loop recursion, starting from sᵀy / yᵀy times the identity.
  private func product(_ gradient: Tensor) -> Tensor {
    guard let last = moves.last else { return gradient }
    var q = gradient
    var weights: [Double] = []
    for move in moves.reversed() {
      let weight = inner(move.displacement, q) / inner(move.displacement, move.change)
      weights.append(weight)
      q -= move.change * weight
    }
    q = q * (inner(last.displacement, last.change) / inner(last.change, last.change))
    for (move, weight) in zip(moves, weights.reversed()) {
      let other = inner(move.change, q) / inner(move.displacement, move.change)
      q += move.displacement * (weight - other)
    }
    return q
  }

  /// Keeps a move with positive curvature, as H must stay positive.
  private mutating func remember(from start: Point, to end: Point) {
    // The difference of the parameters as stored: float32 rounds them.
    let displacement = layout!.vector(end.parameters) - layout!.vector(start.parameters)
    let change = end.gradient - start.gradient
    let curvature = inner(displacement, change)
    let size = (inner(displacement, displacement) * inner(change, change)).squareRoot()
    guard curvature > 1e-10 * size else { return }
    moves.append(Move(displacement: displacement, change: change))
    if moves.count > memory { moves.removeFirst() }
  }

  // MARK: State

  /// "step", and per parameter "displacement.name" and "change.name", float64 [moves] + shape, the
  /// oldest first.
  public var state: [String: Tensor] {
    guard let layout, !moves.isEmpty else { return OptimizerState.flatten(step: step, [:]) }
    func stacked(_ part: (Move) -> Tensor) -> [String: Tensor] {
      let parts = moves.map { layout.tensors(part($0)) }
      return Dictionary(
        uniqueKeysWithValues: layout.names.map { name in (name, .stack(parts.map { $0[name]! })) })
    }
    return OptimizerState.flatten(
      step: step,
      ["displacement": stacked { $0.displacement }, "change": stacked { $0.change }])
  }

  /// - Throws: ``OptimizerError/invalidState(_:)``. Nothing has changed then.
  public mutating func restore(_ state: [String: Tensor]) throws {
    let (step, memories) = try OptimizerState.parse(state, kinds: ["displacement", "change"])
    let (displacements, changes) = (memories["displacement"]!, memories["change"]!)
    let counts = Set(displacements.values.map { $0.shape.first ?? 0 })
    guard
      displacements.mapValues(\.shape) == changes.mapValues(\.shape),
      [displacements, changes].flatMap(\.values).allSatisfy({ $0.dtype == .float64 }),
      counts.count <= 1, (counts.first ?? 1) >= 1
    else {
      throw OptimizerError.invalidState(
        "displacements and changes, expected float64 with the same rows for all")
    }
    var found: [Move] = []
    var shapes: ParameterLayout?
    for index in 0..<(counts.first ?? 0) {
      let rows = [displacements, changes].map { $0.mapValues { $0[.index(index)] } }
      shapes = ParameterLayout(rows[0])
      found.append(
        Move(displacement: shapes!.vector(rows[0]), change: shapes!.vector(rows[1])))
    }
    (self.step, layout, moves) = (step, shapes, found.suffix(memory))
  }
}

private func inner(_ a: Tensor, _ b: Tensor) -> Double { (a * b).sum().value }

extension Tensor {
  /// Of all elements; 0 without any.
  var largestMagnitude: Double { count == 0 ? 0 : abs().max().value }
}

extension Parameterized {
  /// The same value with parameters from a dictionary that has them all.
  func settingParameters(_ values: [String: Tensor]) -> Self {
    mapParameters { path, value in values[path] ?? value }
  }

  /// Lets `body` change the parameters by name; it also gets the value as it was.
  mutating func changing<Result>(
    _ body: (inout [String: Tensor], Self) throws -> Result
  ) throws -> Result {
    var values = Dictionary(uniqueKeysWithValues: parameters.map { ($0.path, $0.value) })
    let result = try body(&values, self)
    self = settingParameters(values)
    return result
  }
}
