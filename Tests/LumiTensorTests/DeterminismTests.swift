import LumiTensor
import Testing

/// The same bits whatever the number of threads, for inputs large enough to be split.
@Suite struct DeterminismTests {
  struct Line: Sendable, CustomTestStringConvertible {
    let name: String
    let run: @Sendable () -> Tensor
    var testDescription: String { name }
    init(_ name: String, _ run: @escaping @Sendable () -> Tensor) {
      self.name = name
      self.run = run
    }
  }

  private static func normal(_ shape: [Int], _ seed: UInt64 = 1) -> Tensor {
    var random = RandomGenerator(seed: seed)
    return random.normal(shape)
  }
  private static let line = normal([500_000])
  private static let threes = normal([150_000, 3])
  private static let cube = normal([40, 100, 110])
  private static let places: Tensor = {
    var random = RandomGenerator(seed: 2)
    return random.integers([400_000], below: 150_000)
  }()

  static let elementwise: [Line] = [
    Line("exp") { line.exp() },
    Line("tan, without a kernel") { line.tan() },
    Line("float64 sin") { line.cast(to: .float64).sin() },
    Line("add") { line + line.sin() },
    Line("number beside") { line * 3 },
    Line("row of the last axis") { threes * Tensor([1, 2, 3] as [Float]) },
    Line("column of the first axis") { threes / (threes[.all, 0..<1] + 9) },
    Line("three-way broadcast") { cube[0..<1] * cube[.all, 0..<1] },
    Line("compare and where") { Tensor.where(line .> 0.1, line, -line) },
    Line("clamped") { line.clamped(min: -0.5, max: 0.5) },
    Line("cross") { Tensor.cross(threes, threes.flipped(axis: 0)) },
    Line("normalized") { threes.normalized() },
    Line("random normal") { normal([300_001], 9) },
  ]

  static let reductions: [Line] = [
    Line("sum of all") { line.sum() },
    Line("sum of all in float64") { line.cast(to: .float64).sum() },
    Line("sum of short rows") { threes.sum(axis: 1) },
    Line("sum of short columns") { threes.sum(axis: 0) },
    Line("sum, first axis") { cube.sum(axis: 0) },
    Line("sum, middle axis") { cube.sum(axis: 1) },
    Line("sum, last axis") { cube.sum(axis: 2) },
    Line("sum, outer axes") { cube.sum(axes: [0, 2]) },
    Line("sum of wide rows") { line.reshaped([5, 100_000]).sum(axis: 0) },
    Line("sum of long rows") { line.reshaped([2, 250_000]).sum(axis: 1) },
    Line("sum of long middle axis") { line.reshaped([2, 50_000, 5]).sum(axis: 1) },
    Line("variance") { cube.variance(axis: 0) },
    Line("max of all") { line.max() },
    Line("argmax") { line.argmax(axis: 0) },
    Line("max, middle axis") { cube.max(axis: 1) },
    Line("softmax") { cube.softmax(axis: 2) },
    Line("cumsum") { cube.cumsum(axis: 1) },
    Line("cumprod") { cube.cumprod(axis: 2) },
  ]

  static let movements: [Line] = [
    Line("gather") { threes.gather(places) },
    Line("gather along a later axis") {
      cube.gather((places[0..<500] .> 70_000).cast(to: .int32), axis: 2)
    },
    Line("scatterAdd") {
      Tensor.scatterAdd(rows: threes.gather(places), at: places, count: 150_000)
    },
    Line("scatterAdd into few") {
      Tensor.scatterAdd(
        rows: line[0..<400_000], at: Tensor.arange(400_000, dtype: .int64) * 0, count: 3)
    },
    Line("gather's derivative in a middle axis") {
      gradient(at: cube) { $0.gather(Tensor([5, 5, 7] as [Int32]), axis: 1).square().sum() }
    },
    Line("takeAlong and back") {
      gradient(at: cube) { $0.sorted(axis: 1).values.square().sum() }
    },
    Line("transposed") { cube.transposed(2, 0, 1) },
    Line("flipped") { cube.flipped(axis: 1) },
    Line("concatenated") { Tensor.concatenate([threes, threes * 2], axis: 1) },
    Line("padded") { threes.padded(axis: 1, before: 1, after: 0) },
    Line("argsort") { line.reshaped([5_000, 100]).argsort(axis: 1) },
  ]

  static let products: [Line] = [
    Line("tall product") { threes.matmul(normal([3, 32])) },
    Line("square product") { normal([700, 700]).matmul(normal([700, 700], 2)) },
    Line("deep product") { threes.matmul(threes, transposingLeft: true) },
    Line("deep wide product") {
      normal([9_000, 70]).matmul(normal([9_000, 90], 2), transposingLeft: true)
    },
    Line("deep product, float64") {
      threes.cast(to: .float64).matmul(threes.cast(to: .float64), transposingLeft: true)
    },
    Line("batch of small products") { normal([20_000, 4, 4]).matmul(normal([20_000, 4, 4], 2)) },
    Line("gradient of a network") {
      let (first, second) = (normal([3, 64], 3), normal([64, 1], 4))
      let slopes = gradient(at: [first, second]) {
        threes[0..<20_000].matmul($0[0]).softplus(beta: 10).matmul($0[1]).square().mean()
      }
      return Tensor.concatenate(slopes.map { $0.flattened() })
    },
  ]

  @Test(arguments: elementwise + reductions + movements + products)
  func bitsDoNotDependOnThreads(_ line: Line) {
    func bits(_ threads: Int) -> [UInt64] {
      LumiRuntime.withThreads(threads) { line.run().scalars(as: Double.self).map(\.bitPattern) }
    }
    let alone = bits(1)
    for threads in [2, 4, 7] {
      #expect(bits(threads) == alone, "\(line.name), \(threads) threads")
    }
    #expect(Set(alone).count > 1 || alone.count == 1)
  }
}
