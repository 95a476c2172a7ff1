import LumiLearning
import LumiTensor
import Testing

@Suite struct AdamUniformTests {
  /// Two steps by the formula in plain numbers.
  @Test func stepsByHand() throws {
    var optimizer = AdamUniform(learningRate: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 0)
    var p = ["x": Tensor([1.0, 2.0])]
    p = try optimizer.updated(p, gradients: ["x": Tensor([3.0, 4.0])])
    // m̂ = g and max v̂ = 16: steps of 0.1·3/4 and 0.1.
    #expect(difference(p["x"]!, [0.925, 1.9]) < 1e-15)
    p = try optimizer.updated(p, gradients: ["x": Tensor([-1.0, 0.0])])
    let m = [0.8 * 0.6 - 0.2, 0.8 * 0.8]
    let v = [0.9 * 0.9 + 0.1, 0.9 * 1.6]
    let scale = (max(v[0], v[1]) / (1 - 0.81)).squareRoot()
    let moved = [0, 1].map { [0.925, 1.9][$0] - 0.1 * m[$0] / (1 - 0.64) / scale }
    #expect(difference(p["x"]!, moved) < 1e-14)
    #expect(optimizer.step == 2)
  }

  private func difference(_ x: Tensor, _ expected: [Double]) -> Double {
    zip(x.scalars(as: Double.self), expected).map { abs($0 - $1) }.max()!
  }

  @Test func theDirectionIsTheGradients() throws {
    var random = RandomGenerator(seed: 111)
    let (x, g) = (random.normal([20, 3]), random.normal([20, 3]))
    var optimizer = AdamUniform(learningRate: 0.5)
    let moved = try optimizer.updated(["x": x], gradients: ["x": g])["x"]!
    #expect((x - moved - g * (0.5 / g.abs().max().value)).abs().max().value < 1e-6)
  }

  @Test func continuesFromItsState() throws {
    var random = RandomGenerator(seed: 112)
    var (a, p) = (AdamUniform(), ["x": random.normal([5])])
    func step(_ o: inout AdamUniform, _ p: [String: Tensor]) throws -> [String: Tensor] {
      try o.updated(p, gradients: ["x": p["x"]!.square()])
    }
    for _ in 0..<3 { p = try step(&a, p) }
    var b = AdamUniform()
    try b.restore(a.state)
    let (fromA, fromB) = (try step(&a, p), try step(&b, p))
    #expect(fromA["x"]!.bits == fromB["x"]!.bits)
    #expect(throws: OptimizerError.self) {
      try b.restore(["step": Tensor([Int64(1)]), "firstMoment.x": Tensor([1.0])])
    }
  }

  @Test func zeroAndEmptyGradientsStayPut() throws {
    var optimizer = AdamUniform(epsilon: 0)
    let p = ["x": Tensor([1.0, 2]), "none": Tensor.zeros([0, 3])]
    let moved = try optimizer.updated(
      p, gradients: ["x": Tensor([0.0, 0]), "none": .zeros([0, 3])])
    #expect(moved["x"]!.scalars(as: Double.self) == [1, 2])
    #expect(throws: OptimizerError.self) {
      try optimizer.updated(p, gradients: ["x": Tensor([.nan, 0.0])])
    }
    #expect(optimizer.step == 1)
  }
}

@Suite struct LargeStepsTests {
  /// A path of 30 vertices and one alone.
  static let edges = Tensor((0..<Int32(29)).flatMap { [$0, $0 + 1] }, shape: [29, 2])

  @Test func parametersAndVerticesAreInverse() throws {
    var random = RandomGenerator(seed: 113)
    let x = random.normal([31, 3], dtype: .float64)
    for lambda in [0, 1, 19, 1e4] {
      let steps = try LargeSteps(edges: Self.edges, vertexCount: 31, lambda: lambda)
      let back = steps.vertices(ofParameters: steps.parameters(ofVertices: x))
      #expect(back.relativeDistance(to: x) < 1e-10)
    }
    let steps = try LargeSteps(edges: Self.edges, vertexCount: 31)
    let u = steps.parameters(ofVertices: x)
    // The lone vertex is its own parameter; constants are kept.
    #expect((u[30] - x[30]).abs().max().value == 0)
    let ones = Tensor.ones([31, 1], dtype: .float64)
    #expect((steps.vertices(ofParameters: ones) - 1).abs().max().value < 1e-13)
    try checkGradients(at: [u]) { steps.vertices(ofParameters: $0[0]).square() }
    try checkGradients(at: [u]) { u in
      gradient(at: u[0]) { steps.vertices(ofParameters: $0).square().square().sum() }
    }
  }

  /// One vertex's gradient moves its surroundings, less with distance, and all the same way.
  @Test func stepsAreSmooth() throws {
    let steps = try LargeSteps(edges: Self.edges, vertexCount: 31)
    var optimizer = LargeStepsOptimizer(AdamUniform(learningRate: 0.1), operators: ["x": steps])
    let x = Tensor.zeros([31, 3], dtype: .float64)
    var push = [Double](repeating: 0, count: 93)
    push[45] = -1
    let moved = try optimizer.updated(
      ["x": x, "y": Tensor([1.0])],
      gradients: ["x": Tensor(push, shape: [31, 3]), "y": Tensor([2.0])])
    let path = moved["x"]![.all, 0].scalars(as: Double.self)
    #expect(path[15] == path.max() && path[..<30].allSatisfy { $0 > 0 } && path[30] == 0)
    for vertex in 0..<15 { #expect(path[vertex] < path[vertex + 1]) }
    #expect(abs(moved["y"]!.value - 0.9) < 1e-8)
  }

  /// The optimizer's view of vertices is descent on u by hand.
  @Test func optimizerIsDescentInParameters() throws {
    var random = RandomGenerator(seed: 114)
    let target = random.normal([31, 3], dtype: .float64)
    let steps = try LargeSteps(edges: Self.edges, vertexCount: 31, lambda: 5)
    var wrapped = LargeStepsOptimizer(AdamUniform(learningRate: 0.05), operators: ["x": steps])
    var plain = AdamUniform(learningRate: 0.05)
    var x = ["x": Tensor.zeros([31, 3], dtype: .float64)]
    var u = x
    for _ in 0..<10 {
      let atX = gradient(at: x["x"]!) { ($0 - target).square().sum() }
      x = try wrapped.updated(x, gradients: ["x": atX])
      let atU = gradient(at: u["x"]!) { u in
        (steps.vertices(ofParameters: u) - target).square().sum()
      }
      u = try plain.updated(u, gradients: ["x": atU])
    }
    #expect(steps.vertices(ofParameters: u["x"]!).relativeDistance(to: x["x"]!) < 1e-9)
    var other = LargeStepsOptimizer(AdamUniform(learningRate: 0.05), operators: ["x": steps])
    try other.restore(wrapped.state)
    #expect(other.step == 10)
  }

  @Test func whatCannotBeSolvedIsAnError() throws {
    for lambda in [-1, Double.nan, .infinity] {
      #expect(throws: SparseError.self) {
        try LargeSteps(edges: Self.edges, vertexCount: 31, lambda: lambda)
      }
    }
    let none = try LargeSteps(edges: .zeros([0, 2], dtype: .int32), vertexCount: 0)
    #expect(none.vertices(ofParameters: .zeros([0, 3])).count == 0)
    var optimizer = LargeStepsOptimizer(
      AdamUniform(), operators: ["x": try LargeSteps(edges: Self.edges, vertexCount: 31)])
    let x = ["x": Tensor.zeros([31, 3])]
    #expect(throws: OptimizerError.self) {
      try optimizer.updated(x, gradients: ["x": .full([31, 3], .nan)])
    }
    #expect(throws: ParameterError.self) {
      try optimizer.updated(x, gradients: ["x": .zeros([30, 3])])
    }
    #expect(optimizer.step == 0)
  }
}
