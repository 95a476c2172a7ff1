import LumiTensor
import Testing

/// What gradients mean: nesting, stopping, conventions at kinks, reuse.
@Suite struct GradientSemanticsTests {
  private let point = Tensor([0.7, -1.2, 2.0])

  @Test func thirdDerivativeOfAPolynomial() {
    // x⁵ has the third derivative 60x².
    let third = gradient(at: point) { x in
      gradient(at: x) { y in
        gradient(at: y) { z in z.pow(5.0).sum() }.sum()
      }.sum()
    }
    for (value, x) in zip(third.scalars(as: Double.self), point.scalars(as: Double.self)) {
      #expect((value - 60 * x * x).magnitude < 1e-11)
    }
  }

  @Test func hessianOfASmallFunction() {
    // f = x²y + exp(y): [[2y, 2x], [2x, exp y]].
    let at = Tensor([1.5, -0.4])
    let rows = (0..<2).map { row in
      gradient(at: at) { p in
        gradient(at: p) { q in q[0].square() * q[1] + q[1].exp() }[row]
      }
    }
    let hessian = Tensor.stack(rows).scalars(as: Double.self)
    let (x, y) = (1.5, -0.4)
    let expected = [2 * y, 2 * x, 2 * x, Tensor(y, dtype: .float64).exp().value]
    for (value, known) in zip(hessian, expected) { #expect((value - known).magnitude < 1e-14) }
  }

  /// The eikonal term: how the slope of a network's output varies with its weights.
  @Test func gradientPenaltyOfANetwork() throws {
    var random = RandomGenerator(seed: 11)
    let points = random.normal([4, 3], dtype: .float64)
    let weights = [
      random.normal([3, 5], deviation: 0.6, dtype: .float64),
      random.normal([5], deviation: 0.3, dtype: .float64),
      random.normal([5, 1], deviation: 0.6, dtype: .float64),
    ]
    func distance(_ x: Tensor, _ w: [Tensor]) -> Tensor {
      (x.matmul(w[0]) + w[1]).softplus(beta: 5).matmul(w[2])
    }
    func penalty(_ w: [Tensor]) -> Tensor {
      let slope = gradient(at: points) { distance($0, w).sum() }
      return (slope.norm(axis: 1) - 1).square().mean()
    }
    try checkGradients(
      at: weights, names: ["first", "bias", "second"], tolerance: 1e-6, of: penalty)
    // Inside a checkpoint as well.
    try checkGradients(at: weights, tolerance: 1e-6) { w in
      let slope = gradient(at: points) { x in
        checkpoint([x] + w) { [distance($0[0], Array($0[1...]))] }[0].sum()
      }
      return (slope.norm(axis: 1) - 1).square().mean()
    }
  }

  @Test func stoppingGradientMakesAConstant() {
    let slope = gradient(at: point) { x in (x * x.stoppingGradient()).sum() }
    #expect(slope.scalars(as: Double.self) == point.scalars(as: Double.self))
  }

  @Test func anInnerScopeDoesNotStopTheOuterOne() {
    // d/dx of x·(d/dy of x·y²) at y = 3 is 2·6x.
    let slope = gradient(at: Tensor(scalar: 2.0)) { x in
      x * gradient(at: Tensor(scalar: 3.0)) { y in x * y.square() }
    }
    #expect(slope.value == 24)
  }

  @Test func aParameterCanBeTheValue() {
    #expect(gradient(at: Tensor(scalar: 2.0)) { $0 }.value == 1)
    #expect(
      gradient(at: [Tensor(scalar: 2.0), Tensor(scalar: 3.0)]) { $0[0] * $0[1] }.map(\.value)
        == [3, 2])
  }

  @Test func unreachableParametersGiveZerosOnRequest() {
    let slopes = gradient(at: [point, Tensor.ones([2, 2])], unreachable: .zeros) { $0[0].sum() }
    #expect(slopes[1].shape == [2, 2] && slopes[1].dtype == .float32)
    #expect(slopes[1].scalars(as: Float.self) == [0, 0, 0, 0])
  }

  @Test func aPullbackMayBeUsedAgain() {
    let product = vectorJacobianProduct(at: [point]) { [$0[0].square(), $0[0].sum()] }
    #expect(product.values[1].value == point.sum().value)
    let ones = Tensor.ones(like: point)
    let zero = Tensor(0, dtype: .float64)
    let first = product.pullback([ones, zero])[0].scalars(as: Double.self)
    let second = product.pullback([ones * 10, zero + 1])[0].scalars(as: Double.self)
    #expect(first == point.scalars(as: Double.self).map { 2 * $0 })
    #expect(second == point.scalars(as: Double.self).map { 20 * $0 + 1 })
    #expect(product.pullback([ones, zero])[0].scalars(as: Double.self) == first)
  }

  @Test func aPullbackMadeOutsideIsDifferentiableInItsCotangent() {
    let product = vectorJacobianProduct(at: [point]) { [$0[0].exp()] }
    let slope = gradient(at: Tensor.ones(like: point)) { product.pullback([$0])[0].sum() }
    #expect(slope.scalars(as: Double.self) == point.exp().scalars(as: Double.self))
  }

  /// At kinks one value is chosen and documented.
  @Test func conventionsAtKinks() {
    func slope(_ at: Double, _ function: (Tensor) -> Tensor) -> Double {
      gradient(at: Tensor(scalar: at), of: function).value
    }
    #expect(slope(0) { $0.abs() } == 0)
    #expect(slope(0) { $0.relu() } == 0)
    #expect(slope(0) { $0.norm() } == 0)
    #expect(slope(1) { $0.clamped(min: 1) } == 1)
    #expect(slope(1) { $0.clamped(max: 1) } == 1)
    #expect(slope(2) { Tensor.maximum($0, 2) } == 0.5)
    #expect(slope(2) { Tensor.minimum($0, 2) } == 0.5)
    #expect(slope(0) { Tensor.atan2($0, $0) } == 0)
    #expect(slope(0) { $0.pow(2.0) } == 0)
    let zero = Tensor(scalar: 0.0)
    #expect(gradient(at: [zero, zero]) { $0[0].pow($0[1]) }.map(\.value) == [0, 0])
    let ties = gradient(at: Tensor([1.0, 3, 3])) { $0.max() }
    #expect(ties.scalars(as: Double.self) == [0, 1, 0])
    let flat = gradient(at: Tensor.zeros([2, 3], dtype: .float64)) { $0.normalized().sum() }
    #expect(flat.isFinite().all().item(as: Bool.self))
  }

  @Test func whereHidesNothingFromTheChosenSide() {
    // The side not chosen is NaN; its derivative is 0 and not NaN where the inner guard is used.
    let x = Tensor([-1.0, 4.0])
    let slope = gradient(at: x) { x in
      let inside = x .> 0
      return Tensor.where(inside, Tensor.where(inside, x, 1).sqrt(), 0).sum()
    }
    #expect(slope.scalars(as: Double.self) == [0, 0.25])
  }

  @Test func functionsMayThrow() {
    struct Stop: Error {}
    #expect(throws: Stop.self) { try gradient(at: point) { _ in throw Stop() } }
    // A scope left by an error is closed.
    let product = vectorJacobianProduct(at: [point]) { [$0[0] * 2] }
    #expect(product.pullback([point])[0].sum().value == point.sum().value * 2)
  }

  @Test func singularMatricesThrowWithTheirPlace() {
    let matrices = Tensor([1.0, 0, 0, 1, 1, 2, 2, 4], shape: [2, 2, 2])
    let first = #expect(throws: SingularMatrixError.self) { try matrices.inverse() }
    #expect(first?.operation == "inverse" && first?.batchIndex == 1)
    let second = #expect(throws: SingularMatrixError.self) {
      try Tensor.solve(Tensor.full([2, 2], .nan), Tensor.ones([2, 1]))
    }
    #expect(second?.operation == "solve" && second?.batchIndex == 0)
  }
}
