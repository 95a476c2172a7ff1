import LumiTensor
import Testing

/// Zeros of both signs, NaN, infinities and tensors without elements.
@Suite struct SpecialValueTests {
  private let nan = Tensor([1.0, .nan, -3, 7])

  private func numbers(_ x: Tensor) -> [Double] { x.scalars(as: Double.self) }
  private func isNaN(_ x: Tensor) -> Bool { x.isNaN().all().item(as: Bool.self) }
  private func bits(_ x: Tensor) -> [UInt64] { numbers(x).map(\.bitPattern) }

  @Test func nanSpreadsThroughReductions() {
    for reduced in [
      nan.sum(), nan.mean(), nan.prod(), nan.max(), nan.min(), nan.norm(), nan.variance(),
      nan.logSumExp(axis: 0), nan.softmax(axis: 0), nan.normalized(),
    ] { #expect(isNaN(reduced)) }
    #expect(nan.argmax(axis: 0).value == 1 && nan.argmin(axis: 0).value == 1)
    #expect(numbers(nan.cumsum(axis: 0).isNaN().cast(to: .float64)) == [0, 1, 1, 1])
    let (values, order) = nan.sorted()
    #expect(numbers(order) == [2, 0, 3, 1] && numbers(values)[3].isNaN)
    #expect(numbers(nan.sorted(descending: true).indices) == [3, 0, 2, 1])
    let long = Tensor.where(Tensor.arange(200_000) .== 150_000, .nan, Tensor.zeros([200_000]))
    #expect(long.argmax(axis: 0).value == 150_000)
  }

  @Test func nanSpreadsThroughElements() {
    let bad = Tensor([Double.nan])
    let one = Tensor([1.0])
    for result in [
      Tensor.minimum(bad, one), Tensor.minimum(one, bad), Tensor.maximum(bad, one),
      Tensor.maximum(one, bad), bad.clamped(min: 0, max: 1), bad.relu(), bad.sign(), bad.abs(),
      bad.floor(), bad.sigmoid(), bad.softplus(), bad.pow(2.0), (one + 1).pow(bad),
    ] {
      #expect(isNaN(result))
      #expect(isNaN(result.cast(to: .float32)))
    }
    for relation in [bad .< one, bad .> one, bad .== bad, bad .<= bad, bad .>= bad] {
      #expect(!relation.item(as: Bool.self))
    }
    #expect((bad .!= bad).item(as: Bool.self))
    #expect(numbers(Tensor([1, .nan, .infinity]).isFinite().cast(to: .float64)) == [1, 0, 0])
  }

  @Test func infinitiesStayInPlace() {
    let low = Tensor([-Double.infinity, -.infinity])
    #expect(low.logSumExp(axis: 0).value == -.infinity)
    #expect(Tensor([Double.infinity, 1]).logSumExp(axis: 0).value == .infinity)
    #expect(numbers(Tensor([-Double.infinity, 0, 0]).softmax(axis: 0)) == [0, 0.5, 0.5])
    #expect(numbers(Tensor([Double.infinity, 2]).cumprod(axis: 0)) == [.infinity, .infinity])
    #expect(Tensor([Double.infinity, 2]).prod().value == .infinity)
    #expect(Tensor([3, -Double.infinity]).norm().value == .infinity)
    #expect(numbers(low.softplus()) == [0, 0] && numbers(low.sigmoid()) == [0, 0])
    #expect(numbers(Tensor([1e300, -1e300]).softplus()) == [1e300, 0])
    #expect(Tensor([1000.0]).sigmoid().value == 1 && Tensor([-1000.0]).exp().value == 0)
  }

  @Test func zerosKeepTheirSign() {
    let zero = Tensor([-0.0])
    let negative = (-0.0).bitPattern
    for kept in [
      zero.sqrt(), zero.floor(), zero.round(), zero.sin(), zero.tanh(), zero.reshaped([1, 1]),
      zero.gather(Tensor([0] as [Int32])), Tensor.concatenate([zero, zero])[0], -Tensor([0.0]),
      Tensor.where(zero .== 0, zero, 1), zero * 1, zero.max(), zero.sorted().values,
    ] { #expect(bits(kept) == [negative]) }
    #expect(bits(zero.abs()) == [0] && bits(zero + 0) == [0])
    #expect((1 / zero).value == -.infinity)
    #expect(Tensor.atan2(Tensor([0.0]), zero).value == .pi)
    #expect(Tensor.atan2(zero, Tensor([-1.0])).value == -.pi)
    #expect(numbers(Tensor([0.0, -0.0, -1]).argsort()) == [2, 0, 1])
    let single = Tensor([-0.0] as [Float])
    #expect((single.abs().item() as Float).sign == .plus)
    #expect((single.sqrt().item() as Float).sign == .minus)
    #expect(((-single).item() as Float).sign == .plus)
  }

  @Test(arguments: [DType.float32, .float64]) func tensorsWithoutElements(_ dtype: DType) throws {
    let none = Tensor.zeros([0], dtype: dtype)
    let rows = Tensor.zeros([0, 3], dtype: dtype)
    let columns = Tensor.zeros([2, 0], dtype: dtype)
    #expect(none.sum().value == 0 && none.prod().value == 1 && none.norm().value == 0)
    #expect(isNaN(none.mean()) && isNaN(none.variance()))
    #expect(numbers(rows.sum(axis: 0)) == [0, 0, 0] && rows.sum(axis: 1).shape == [0])
    #expect(numbers(columns.sum(axis: 1)) == [0, 0] && numbers(columns.prod(axis: 1)) == [1, 1])
    #expect(rows.max(axis: 1).shape == [0] && rows.argmin(axis: 1).shape == [0])
    #expect(!(none .> 0).any().item(as: Bool.self) && (none .> 0).all().item(as: Bool.self))
    let same: [(Tensor) -> Tensor] = [
      { $0.exp() }, { $0 + 1 }, { $0 * $0 }, { $0.cumsum(axis: 0) }, { $0.cumprod(axis: 0) },
      { $0.flipped(axis: 0) }, { $0.sorted(axis: 0).values }, { $0.clamped(min: 0) },
      { Tensor.where($0 .> 0, $0, 1) }, { $0.softmax(axis: -1) }, { $0.normalized() },
      { $0.gather(Tensor.zeros([0], dtype: .int32)) }, { Tensor.concatenate([$0, $0]) },
      { $0.broadcast(to: $0.shape) }, { $0.cast(to: .int32).cast(to: $0.dtype) },
    ]
    for function in same { #expect(function(rows).shape == [0, 3]) }
    #expect(rows.transposed().shape == [3, 0] && rows.reshaped([-1, 3]).shape == [0, 3])
    #expect(rows.repeated(2, axis: 1).shape == [0, 6] && rows.tiled(2, axis: 0).shape == [0, 3])
    #expect((rows + Tensor.ones([3], dtype: dtype)).shape == [0, 3])
    #expect((rows + Tensor.ones([1, 1], dtype: dtype)).shape == [0, 3])
    #expect(Tensor.cross(rows, rows).shape == [0, 3] && rows.dot(rows).shape == [0])
    #expect(numbers(none.padded(axis: 0, before: 1, after: 1)) == [0, 0])
    #expect(rows.matmul(Tensor.ones([3, 2], dtype: dtype)).shape == [0, 2])
    #expect(numbers(columns.matmul(Tensor.zeros([0, 2], dtype: dtype))) == [0, 0, 0, 0])
    #expect(Tensor.zeros([0, 2, 3], dtype: dtype).matmul(rows.transposed()).shape == [0, 2, 0])
    #expect(try Tensor.zeros([0, 2, 2], dtype: dtype).inverse().shape == [0, 2, 2])
    #expect(Tensor.zeros([0, 0], dtype: dtype).determinant().value == 1)
    let counted = Tensor.scatterAdd(rows: rows, at: Tensor([Int32]()), count: 2)
    #expect(counted.shape == [2, 3] && counted.sum().value == 0)
    let slopes = gradient(at: [rows, Tensor.ones([3], dtype: dtype)]) { x in
      (x[0] * x[1]).norm(axis: 1).sum() + x[0].logSumExp(axis: 1).sum()
    }
    #expect(slopes[0].shape == [0, 3] && numbers(slopes[1]) == [0, 0, 0])
  }

  @Test func extremaOfNothingAreRefused() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { _ = Tensor.zeros([0, 3]).max(axis: 0) }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("axis 0 of shape [0, 3] is empty"))
  }
}
