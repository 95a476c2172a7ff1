import LumiTensor
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Value, first and second derivative of every differentiable operation in float64.
@Suite struct OperatorTableTests {
  @Test(arguments: elementwiseTable) func elementwise(_ line: OperatorCase) throws {
    try check(line)
  }
  @Test(arguments: broadcastTable) func broadcasting(_ line: OperatorCase) throws {
    try check(line)
  }
  @Test(arguments: reductionTable) func reductions(_ line: OperatorCase) throws { try check(line) }
  @Test(arguments: shapeTable) func shapes(_ line: OperatorCase) throws { try check(line) }
  @Test(arguments: indexingTable) func indexing(_ line: OperatorCase) throws { try check(line) }
  @Test(arguments: linearAlgebraTable) func linearAlgebra(_ line: OperatorCase) throws {
    try check(line)
  }
  @Test(arguments: compositeTable) func composites(_ line: OperatorCase) throws { try check(line) }
}

/// The largest deviations of the whole table, printed with LUMIGRAD_TABLE_REPORT=1.
final class WorstErrors: Sendable {
  static let shared = WorstErrors()
  private let worst = Mutex<(lines: Int, first: Double, second: Double)>((0, 0, 0))

  func note(_ name: String, _ first: GradientReport, _ second: GradientReport) {
    let errors = (first.worst?.relativeError ?? 0, second.worst?.relativeError ?? 0)
    let now = worst.withLock { state in
      state.lines += 1
      state.first = max(state.first, errors.0)
      state.second = max(state.second, errors.1)
      return state
    }
    if getenv("LUMIGRAD_TABLE_REPORT") != nil {
      print("\(name): \(errors.0), \(errors.1); of \(now.lines): \(now.first), \(now.second)")
    }
  }
}
