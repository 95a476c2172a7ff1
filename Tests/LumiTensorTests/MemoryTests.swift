import LumiTensor
import Testing

/// The tape's memory. Other suites allocate at the same time, so these run in their own process.
@Suite struct MemoryTests {
  /// A tape that outlives its gradient, or a cycle, keeps these bytes.
  @Test func tapesAreReleased() async {
    await #expect(processExitsWith: .success) {
      let x = Tensor.ones([1000])
      func step() -> Double {
        gradient(at: x) { x in
          let y = checkpoint([x]) { [$0[0].sin() * $0[0]] }[0]
          let inner = gradient(at: y) { $0.exp().softmax(axis: 0).cumprod(axis: 0).sum() }
          let custom = customOperation(
            "twice", inputs: [inner], outputs: [inner.stoppingGradient() * 2],
            differentiableTwice: true
          ) { cotangents, _ in [cotangents[0]! * 2] }[0]
          return (custom.norm() + y.max()).log()
        }.sum().value
      }
      let before = MemoryStatistics.now.current
      _ = step()
      precondition(MemoryStatistics.now.current == before)
      for _ in 0..<20 { _ = step() }
      precondition(MemoryStatistics.now.current == before)
      // A pullback holds its tape, and lets go of it.
      do {
        let product = vectorJacobianProduct(at: [x]) { [$0[0].exp()] }
        precondition(MemoryStatistics.now.current > before)
        _ = product.pullback([x])
      }
      precondition(MemoryStatistics.now.current == before)
    }
  }

  @Test func trainingDoesNotGrow() async {
    await #expect(processExitsWith: .success) {
      var random = RandomGenerator(seed: 1)
      let points = random.normal([64, 8])
      var weights = [random.normal([8, 16]), random.normal([16, 1])]
      func step() {
        let slopes = gradient(at: weights) { w in
          points.matmul(w[0]).tanh().matmul(w[1]).square().mean()
        }
        weights = zip(weights, slopes).map { $0 - $1 * 0.1 }
      }
      step()
      let current = MemoryStatistics.now.current
      step()
      let cached = MemoryStatistics.now.cached
      for _ in 0..<200 { step() }
      precondition(MemoryStatistics.now.current == current)
      precondition(MemoryStatistics.now.cached == cached)
    }
  }

  @Test func statisticsCountBytes() async {
    await #expect(processExitsWith: .success) {
      let before = MemoryStatistics.now
      var kept: Tensor? = Tensor.ones([1 << 20])
      precondition(MemoryStatistics.now.current == before.current + 4 << 20)
      kept = nil
      precondition(kept == nil)
      let after = MemoryStatistics.now
      precondition(after.current == before.current)
      precondition(after.peak >= before.current + 4 << 20)
      precondition(after.cached >= before.cached + 4 << 20)
      MemoryStatistics.resetPeak()
      precondition(MemoryStatistics.now.peak == after.current)
      MemoryStatistics.clearCache()
      precondition(MemoryStatistics.now.cached == 0)
      // A freed block is used again, so nothing new is cached.
      for _ in 0..<10 { _ = Tensor.ones([1 << 20]) }
      precondition(MemoryStatistics.now.cached <= 4 << 20 + 4096)
    }
  }

  @Test func checkpointsLowerThePeak() async {
    await #expect(processExitsWith: .success) {
      func peak(_ layer: (Tensor) -> Tensor) -> Int {
        let x = Tensor.full([1 << 16], 0.5)
        let before = MemoryStatistics.now.current
        MemoryStatistics.resetPeak()
        _ = gradient(at: x) { x in (0..<6).reduce(x) { y, _ in layer(y) }.sum() }
        return MemoryStatistics.now.peak - before
      }
      func body(_ x: Tensor) -> Tensor { (0..<8).reduce(x) { y, _ in (y.sin() * 1.1).exp().log() } }
      let plain = peak(body)
      let saving = peak { checkpoint([$0]) { [body($0[0])] }[0] }
      precondition(saving * 2 < plain, "\(saving) against \(plain)")
    }
  }

  /// Neither the forward pass, the backward pass nor the release may use the stack per node.
  @Test func aMillionNodesFitTheStack() {
    let slope = gradient(at: Tensor(scalar: 1.0)) { x in
      var y = x
      for _ in 0..<1_000_000 { y = y + x }
      return y
    }
    #expect(slope.value == 1_000_001)
    // Released without a backward pass.
    let product = vectorJacobianProduct(at: [Tensor(scalar: 1.0)]) { inputs in
      var y = inputs[0]
      for _ in 0..<300_000 { y = -y }
      return [y]
    }
    #expect(product.values[0].value == 1)
  }
}
