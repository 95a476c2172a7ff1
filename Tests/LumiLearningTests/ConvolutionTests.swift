import LumiLearning
import LumiTensor
import Testing

/// One case of extents and steps.
struct ConvolutionCase: Sendable, CustomStringConvertible {
  var batch = 2
  var size = (5, 7)
  var channels = 3
  var outputs = 4
  var kernel = (3, 3)
  var stride = 1
  var padding = 0
  var dilation = 1

  var description: String {
    "\(batch)×\(size)×\(channels) to \(outputs), kernel \(kernel), stride \(stride), padding "
      + "\(padding), dilation \(dilation)"
  }

  func operands(_ dtype: DType = .float64) -> (x: Tensor, weight: Tensor) {
    var random = RandomGenerator(seed: 61)
    return (
      random.normal([batch, size.0, size.1, channels], dtype: dtype),
      random.normal([outputs, kernel.0, kernel.1, channels], dtype: dtype)
    )
  }

  func run(_ x: Tensor, _ weight: Tensor) -> Tensor {
    convolution(x, weight: weight, stride: stride, padding: padding, dilation: dilation)
  }

  /// The definition, number by number.
  func naive(_ x: Tensor, _ weight: Tensor) -> Tensor {
    let (a, w) = (x.scalars(as: Double.self), weight.scalars(as: Double.self))
    let extents = [(size.0, kernel.0), (size.1, kernel.1)].map { extent, kernel in
      (extent + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1
    }
    var result: [Double] = []
    for n in 0..<batch {
      for i in 0..<extents[0] {
        for j in 0..<extents[1] {
          for o in 0..<outputs {
            var sum = 0.0
            for k in 0..<kernel.0 {
              for l in 0..<kernel.1 {
                let y = stride * i + dilation * k - padding
                let z = stride * j + dilation * l - padding
                guard (0..<size.0).contains(y) && (0..<size.1).contains(z) else { continue }
                for c in 0..<channels {
                  sum +=
                    a[((n * size.0 + y) * size.1 + z) * channels + c]
                    * w[((o * kernel.0 + k) * kernel.1 + l) * channels + c]
                }
              }
            }
            result.append(sum)
          }
        }
      }
    }
    return Tensor(result, shape: [batch, extents[0], extents[1], outputs])
  }
}

@Suite struct ConvolutionTests {
  static let cases: [ConvolutionCase] = [
    .init(), .init(stride: 2, padding: 1), .init(kernel: (1, 1)), .init(kernel: (1, 1), stride: 2),
    .init(padding: 2, dilation: 2), .init(kernel: (2, 4), stride: 3, padding: 1, dilation: 1),
    .init(batch: 1, size: (1, 1), kernel: (1, 1)), .init(size: (1, 1), padding: 1),
    .init(size: (4, 6), channels: 1, outputs: 1, kernel: (2, 2), stride: 9),
    .init(batch: 0), .init(kernel: (2, 3), stride: 4, padding: 3, dilation: 3),
    .init(batch: 1, size: (40, 45), channels: 2, outputs: 5, padding: 1),
  ]

  @Test(arguments: cases)
  func agreesWithTheDefinition(_ each: ConvolutionCase) {
    let (x, weight) = each.operands()
    #expect(each.run(x, weight).relativeDistance(to: each.naive(x, weight)) < 1e-13)
    let single = each.run(x.cast(to: .float32), weight.cast(to: .float32))
    #expect(single.relativeDistance(to: each.naive(x, weight).cast(to: .float32)) < 1e-5)
  }

  /// ⟨conv x, y⟩ = ⟨x, convᵀ y⟩, the transpose having the size that its output padding asks for.
  @Test(arguments: cases)
  func transposeIsTheAdjoint(_ each: ConvolutionCase) {
    let (x, weight) = each.operands()
    let forward = each.run(x, weight)
    var random = RandomGenerator(seed: 62)
    let y = random.normal(forward.shape, dtype: .float64)
    let adjoint = gradient(at: x) { (each.run($0, weight) * y).sum() }
    let distance = ((forward * y).sum() - (x * adjoint).sum()).abs().value
    #expect(distance < 1e-11)
    let rests = [each.size.0, each.size.1].enumerated().map { axis, extent in
      let kernel = axis == 0 ? each.kernel.0 : each.kernel.1
      return (extent + 2 * each.padding - each.dilation * (kernel - 1) - 1) % each.stride
    }
    guard rests[0] == rests[1] else { return }
    let spread = transposedConvolution(
      y, weight: weight, stride: each.stride, padding: each.padding, outputPadding: rests[0],
      dilation: each.dilation)
    #expect(spread.shape == x.shape)
    #expect(spread.relativeDistance(to: adjoint) < 1e-14)
  }

  static let small: [ConvolutionCase] = [
    .init(batch: 2, size: (4, 3), channels: 2, outputs: 2, kernel: (3, 2), stride: 2, padding: 1),
    .init(batch: 1, size: (1, 1), channels: 2, outputs: 3, kernel: (1, 1)),
    .init(batch: 1, size: (3, 4), channels: 1, outputs: 2, kernel: (2, 2), padding: 1, dilation: 2),
  ]

  @Test(arguments: small)
  func gradientsMatchDifferences(_ each: ConvolutionCase) throws {
    let (x, weight) = each.operands()
    var random = RandomGenerator(seed: 63)
    let bias = random.normal([each.outputs], dtype: .float64)
    try checkGradients(at: [x, weight, bias], names: ["x", "weight", "bias"]) {
      convolution(
        $0[0], weight: $0[1], bias: $0[2], stride: each.stride, padding: each.padding,
        dilation: each.dilation
      ).tanh()
    }
    let y = each.run(x, weight)
    try checkGradients(at: [y, weight], names: ["x", "weight"]) {
      transposedConvolution(
        $0[0], weight: $0[1], stride: each.stride, padding: each.padding, dilation: each.dilation
      ).tanh()
    }
  }

  @Test(arguments: small)
  func secondDerivativesMatchDifferences(_ each: ConvolutionCase) throws {
    let (x, weight) = each.operands()
    try checkGradients(at: [x, weight], names: ["x", "weight"]) { outer in
      let slopes = gradient(at: [outer[0], outer[1]]) { inner in
        each.run(inner[0], inner[1]).tanh().square().sum()
      }
      return Tensor.concatenate(slopes.map { $0.flattened() })
    }
  }

  @Test func transposeByHand() {
    let x = Tensor([1.0, 2], shape: [1, 1, 2, 1])
    let weight = Tensor([1.0, 10, 100, 2, 20, 200, 3, 30, 300], shape: [1, 3, 3, 1])
    let value = transposedConvolution(x, weight: weight, stride: 2, padding: 1, outputPadding: 1)
    #expect(value.shape == [1, 2, 4, 1])
    #expect(value.scalars(as: Double.self) == [20, 204, 40, 400, 30, 306, 60, 600])
  }

  @Test func bitsDoNotDependOnThreads() {
    let each = ConvolutionCase(
      batch: 3, size: (33, 31), channels: 16, outputs: 130, stride: 2, padding: 1)
    let (x, weight) = each.operands(.float32)
    func results(_ threads: Int) -> [[UInt32]] {
      LumiRuntime.withThreads(threads) {
        let slopes = gradient(at: [x, weight]) { each.run($0[0], $0[1]).square().sum() }
        return [each.run(x, weight).bits] + slopes.map(\.bits)
      }
    }
    let alone = results(1)
    #expect(results(5) == alone)
  }

  /// Windows of 2304 numbers for 16,384 places would be 151 MB; scratch memory stays below 10 MB a
  /// thread.
  @Test func scratchMemoryIsBounded() {
    let each = ConvolutionCase(
      batch: 1, size: (128, 128), channels: 256, outputs: 8, padding: 1)
    let (x, weight) = each.operands(.float32)
    LumiRuntime.withThreads(2) {
      MemoryStatistics.resetPeak()
      let before = MemoryStatistics.now.current
      let result = each.run(x, weight)
      #expect(MemoryStatistics.now.peak - before < result.count * 4 + 20 << 20)
    }
  }

  @Test func modulesAndTheirParameters() throws {
    var random = RandomGenerator(seed: 64)
    let layer = Convolution(
      channels: 3, outputs: 8, kernel: 3, stride: 2, padding: 1, activation: .relu,
      using: &random)
    #expect(layer.parameters.map(\.path) == ["weight", "bias"])
    #expect(layer.weight.shape == [8, 3, 3, 3])
    let x = random.uniform([1, 8, 6, 3])
    let y = layer(x)
    #expect(y.shape == [1, 4, 3, 8])
    #expect(y.min().value >= 0)
    let back = TransposedConvolution(
      channels: 8, outputs: 3, kernel: 4, stride: 2, padding: 1, using: &random)
    #expect(back.weight.shape == [8, 4, 4, 3])
    #expect(back(y).shape == [1, 8, 6, 3])
    let wide = TransposedConvolution(
      channels: 64, outputs: 16, kernel: 4, stride: 2, padding: 1,
      initializer: .kaimingNormal(gain: 1), using: &random)
    let spread = wide(random.normal([1, 12, 12, 64]))
    #expect((spread[.all, 2..<22, 2..<22].variance().value - 1).magnitude < 0.15)
  }
}

@Suite struct PoolingTests {
  static func images(_ shape: [Int]) -> Tensor {
    var random = RandomGenerator(seed: 65)
    return random.normal(shape, dtype: .float64)
  }

  @Test func byHand() {
    let x = Tensor([1.0, 5, 2, -1, -3, 0, 4, 4, 8], shape: [1, 3, 3, 1])
    #expect(maximumPooling(x, kernel: 2, stride: 1).scalars(as: Double.self) == [5, 5, 4, 8])
    #expect(maximumPooling(x, kernel: 2).scalars(as: Double.self) == [5])
    #expect(
      maximumPooling(x - 100, kernel: 3, stride: 2, padding: 1).scalars(as: Double.self)
        == [-95, -95, -96, -92])
    #expect(averagePooling(x, kernel: 2, stride: 1).scalars(as: Double.self) == [0.5, 1, 1, 2.25])
    let padded = averagePooling(x, kernel: 2, stride: 3, padding: 1)
    #expect(padded.scalars(as: Double.self) == [0.25, 0.5, 1, 2])
    let inside = averagePooling(x, kernel: 2, stride: 3, padding: 1, countsPadding: false)
    #expect(inside.scalars(as: Double.self) == [1, 2, 4, 8])
    #expect(globalAveragePooling(x).scalars(as: Double.self) == [20.0 / 9])
    let one = Tensor.full([1, 1, 1, 2], 3, dtype: .float64)
    #expect(maximumPooling(one, kernel: 1).scalars(as: Double.self) == [3, 3])
    #expect(globalAveragePooling(one).shape == [1, 2])
  }

  @Test func notANumberWins() {
    let x = Tensor([1, .nan, 2, 3] as [Float], shape: [1, 2, 2, 1])
    #expect(maximumPooling(x, kernel: 2).item(as: Float.self).isNaN)
  }

  @Test func gradientsMatchDifferences() throws {
    let x = Self.images([2, 5, 4, 3])
    try checkGradients(at: [x]) { maximumPooling($0[0], kernel: 3, stride: 2, padding: 1).sin() }
    try checkGradients(at: [x]) { averagePooling($0[0], kernel: 2, stride: 1, padding: 1).sin() }
    try checkGradients(at: [x]) { globalAveragePooling($0[0]).sin() }
    try checkGradients(at: [x]) { outer in
      gradient(at: outer[0]) { maximumPooling($0, kernel: 2).square().square().sum() }
    }
  }
}
