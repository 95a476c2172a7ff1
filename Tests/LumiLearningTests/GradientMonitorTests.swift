import LumiLearning
import LumiTensor
import Testing

struct GradientMonitorTests {
  /// Two vectors by name.
  struct Model: Parameterized {
    var a = Tensor([1.0, 2])
    var b = Tensor([3.0, 4])
    func mapParameters(
      _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
    ) rethrows -> Model {
      Model(a: try transform("a", a), b: try transform("b", b))
    }
  }

  struct Empty: Parameterized {
    func mapParameters(
      _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
    ) rethrows -> Empty { self }
  }

  static func step(
    _ monitor: inout GradientMonitor, _ model: Model = Model(), _ loss: (Model) throws -> Tensor
  ) rethrows -> [String: Tensor] {
    try! monitor.valueAndGradient(of: model) { model in try! loss(model) }.gradients
  }

  @Test func healthyTrainingIsQuiet() throws {
    var monitor = GradientMonitor()
    var model = Model()
    var optimizer = Adam(learningRate: 0.1)
    for _ in 0..<100 {
      let (value, gradients) = try monitor.valueAndGradient(of: model) {
        (($0.a - 5) * ($0.a - 5)).sum() + ($0.b * $0.b).sum()
      }
      let free = try valueAndGradient(of: model) {
        (($0.a - 5) * ($0.a - 5)).sum() + ($0.b * $0.b).sum()
      }
      #expect(value.value == free.value.value)
      #expect(
        gradients["a"]!.scalars(as: Double.self) == free.gradients["a"]!.scalars(as: Double.self))
      try optimizer.update(&model, gradients: gradients)
    }
    #expect(monitor.findings.isEmpty, "\(monitor.report)")
    #expect(monitor.step == 100 && monitor.report.contains("nothing found"))
  }

  @Test func unreachedParameterIsNamedOnce() {
    var monitor = GradientMonitor()
    for _ in 0..<3 {
      let gradients = Self.step(&monitor) { $0.a.sum() + $0.b.stoppingGradient().sum() }
      #expect(gradients["b"]!.scalars(as: Double.self) == [0, 0])
    }
    #expect(monitor.findings.count == 1)
    let finding = monitor.findings[0]
    #expect(finding.kind == .unreached && finding.parameter == "b")
    #expect(finding.step == 0 && finding.count == 3)
    #expect(finding.description.contains("does not depend"))
  }

  @Test func deadUnitsAreReportedAfterSomeSteps() {
    var monitor = GradientMonitor()
    monitor.zeroSteps = 5
    for index in 0..<7 {
      _ = Self.step(&monitor) { ($0.a - 10).relu().sum() + $0.b.sum() }
      #expect(monitor.findings.isEmpty == (index < 4))
    }
    #expect(monitor.findings.map(\.parameter) == ["a"])
    #expect(monitor.findings[0].kind == .zeroGradient(steps: 5))
  }

  @Test(arguments: [GradientMonitor.Watching.onDemand, .always])
  func badOperationsForwardAndBackwardAreNamed(_ watching: GradientMonitor.Watching) throws {
    var forward = GradientMonitor()
    forward.watching = watching
    _ = Self.step(&forward) { ($0.a - 5).log().sum() + $0.b.sum() }
    let first = try #require(forward.findings.first)
    #expect(first.parameter == "value" && first.description.contains("log"))
    guard case .nonFinite(let source?) = first.kind else {
      Issue.record("\(first)")
      return
    }
    #expect(source.operation == "log" && source.gradientOf == nil)

    var backward = GradientMonitor()
    backward.watching = watching
    _ = Self.step(&backward) { ($0.a - 1).sqrt().sum() + $0.b.sum() }
    #expect(backward.findings.map(\.parameter) == ["a"])
    #expect(backward.findings[0].description.contains("gradient of squareRoot"))
  }

  @Test func badParametersAreReported() {
    var monitor = GradientMonitor()
    _ = Self.step(&monitor, Model(a: Tensor([1.0, .nan]))) { $0.a.sum() + $0.b.sum() }
    #expect(monitor.findings.contains { $0.kind == .nonFiniteParameter && $0.parameter == "a" })
    #expect(!monitor.findings.contains { $0.parameter == "b" })
  }

  @Test func explosionsStandOutOfTheMedian() {
    var monitor = GradientMonitor()
    func gradients(_ size: Double) -> [String: Tensor] { ["w": Tensor([size, 0])] }
    for _ in 0..<20 { monitor.record(value: Tensor([1.0]), gradients: gradients(1)) }
    monitor.record(value: Tensor([1.0]), gradients: gradients(50))
    #expect(monitor.findings.isEmpty)
    monitor.record(value: Tensor([1.0]), gradients: gradients(1000))
    #expect(monitor.findings.count == 1)
    #expect(monitor.findings[0].kind == .exploding(norm: 1000, median: 1))
    #expect(monitor.findings[0].step == 21)
    // Too early to tell.
    var young = GradientMonitor()
    for size in [1.0, 1, 1000] { young.record(value: Tensor([1.0]), gradients: gradients(size)) }
    #expect(young.findings.isEmpty)
  }

  @Test func hugeFiniteGradientsDoNotOverflow() {
    var monitor = GradientMonitor()
    for _ in 0..<12 {
      monitor.record(value: Tensor([1.0]), gradients: ["w": Tensor([1e300, 1e300, -1e300])])
    }
    monitor.record(
      value: Tensor([1.0]),
      gradients: ["f": Tensor([3e38, 3e38] as [Float]), "w": Tensor([1e300, 0, 0])])
    #expect(monitor.findings.isEmpty, "\(monitor.report)")
    #expect(!monitor.report.contains("inf"))
  }

  @Test func emptyModelsAndChangingParameters() throws {
    var monitor = GradientMonitor()
    _ = try monitor.valueAndGradient(of: Empty()) { _ in Tensor(1, dtype: .float64) }
    monitor.record(value: Tensor([1.0]), gradients: ["new": Tensor([1.0])])
    monitor.record(value: Tensor([1.0]), gradients: [:])
    monitor.record(value: Tensor([Double.infinity]), gradients: ["new": Tensor([1.0])])
    #expect(monitor.step == 4)
    #expect(monitor.findings.map(\.parameter) == ["value"])
    #expect(monitor.findings[0].kind == .nonFinite(source: nil))
  }

  @Test func errorsOfTheFunctionPass() {
    struct Stop: Error {}
    var monitor = GradientMonitor()
    #expect(throws: Stop.self) { try monitor.valueAndGradient(of: Model()) { _ in throw Stop() } }
    #expect(throws: ParameterError.self) {
      try monitor.valueAndGradient(of: Model(), withRespectTo: ["c"]) { $0.a.sum() }
    }
    #expect(monitor.step == 0)
  }
}
