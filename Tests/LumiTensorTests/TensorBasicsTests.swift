import LumiTensor
import Testing

/// Creation, conversion, integers and bools.
@Suite struct TensorBasicsTests {
  private func numbers(_ x: Tensor) -> [Double] { x.scalars(as: Double.self) }

  @Test func creation() {
    #expect(Tensor([[1.0, 2], [3, 4], [5, 6]]).shape == [3, 2])
    #expect(numbers(Tensor.eye(2)) == [1, 0, 0, 1] && Tensor.eye(2).dtype == .float32)
    #expect(numbers(Tensor.arange(3)) == [0, 1, 2] && Tensor.arange(3).dtype == .int32)
    #expect(numbers(Tensor.arange(1, 2, 0.25, dtype: .float64)) == [1, 1.25, 1.5, 1.75])
    #expect(numbers(Tensor.arange(3, 0, -1)) == [3, 2, 1])
    #expect(numbers(Tensor.linspace(0, 1, 5)) == [0, 0.25, 0.5, 0.75, 1])
    #expect(numbers(Tensor.linspace(2, 9, 1)) == [2])
    #expect(numbers(Tensor.linspace(0, 0.3, 4, dtype: .float64)).last == 0.3)
    #expect(numbers(Tensor.full([2], 7, dtype: .int64)) == [7, 7])
    #expect(Tensor(scalar: 4 as Int32).rank == 0 && Tensor(2.5, dtype: .float64).value == 2.5)
    #expect(Tensor.ones(like: Tensor.zeros([2, 2], dtype: .float64)).dtype == .float64)
  }

  @Test func conversion() {
    let x = Tensor([2.9, -2.9, .nan, 1e20, -1e20, 0])
    #expect(
      x.cast(to: .int32).scalars(as: Int32.self) == [2, -2, 0, .max, .min, 0])
    #expect(
      x.cast(to: .int64).scalars(as: Int64.self) == [2, -2, 0, .max, .min, 0])
    #expect(
      x.cast(to: .bool).scalars(as: Bool.self) == [true, true, true, true, true, false])
    #expect(Tensor([Int64.max, -5]).cast(to: .int32).scalars(as: Int32.self) == [.max, -5])
    #expect(numbers(Tensor([true, false])) == [1, 0])
    for dtype in DType.allCases {
      #expect(Tensor([1, 0] as [Int32]).cast(to: dtype).scalars(as: Int32.self) == [1, 0])
    }
  }

  @Test func integers() {
    let (a, b) = (Tensor([7, -7, 9] as [Int32]), Tensor([2, 2, -4] as [Int32]))
    #expect(numbers(a / b) == [3, -3, -2] && numbers(a * b - 1) == [13, -15, -37])
    #expect(numbers(Tensor.maximum(a, b)) == [7, 2, 9] && numbers(a.abs()) == [7, 7, 9])
    #expect(numbers(a.clamped(min: 0, max: 8)) == [7, 0, 8])
    #expect(a.sum().dtype == .int32 && a.sum().value == 9 && a.mean().value == 3)
    #expect(numbers(a.cumsum(axis: 0)) == [7, 0, 9] && a.max().value == 9)
    #expect(numbers(a.sorted().values) == [-7, 7, 9])
    #expect(numbers(Tensor.where(a .> b, a, b)) == [7, 2, 9])
  }

  @Test func bools() {
    let (p, q) = (Tensor([true, true, false, false]), Tensor([true, false, true, false]))
    #expect((p .&& q).scalars(as: Bool.self) == [true, false, false, false])
    #expect((p .|| q).scalars(as: Bool.self) == [true, true, true, false])
    #expect(p.not().scalars(as: Bool.self) == [false, false, true, true])
    #expect((p .== q).scalars(as: Bool.self) == [true, false, false, true])
    #expect(p.sum().value == 2 && p.mean().value == 0.5)
    let table = p.reshaped([2, 2])
    #expect(table.any(axis: 1, keepDims: true).shape == [2, 1])
    #expect(table.all(axis: 1).scalars(as: Bool.self) == [true, false])
    #expect(table.any(axis: 0).scalars(as: Bool.self) == [true, true])
    #expect(Tensor.where(p, q, p).scalars(as: Bool.self) == [true, false, false, false])
    #expect(p[1..<3].scalars(as: Bool.self) == [true, false])
  }

  @Test func comparisonsBroadcast() {
    let x = Tensor([[1.0, 2, 3], [3, 2, 1]])
    #expect((x .>= Tensor([2.0, 2, 2])).cast(to: .int32).sum().value == 4)
    #expect((x .<= 1).scalars(as: Bool.self) == [true, false, false, false, false, true])
    #expect((Tensor([[2.0], [3]]) .== x).scalars(as: Bool.self)[1])
    let large = Tensor.arange(100_000, dtype: .float32)
    #expect((large .< 50_000).sum().value == 50_000)
  }

  @Test func updatesInPlaceReplaceTheValue() {
    var x = Tensor([1.0, 2])
    let before = x
    x += Tensor([1.0, 1])
    x *= Tensor([3.0, 3])
    x -= Tensor([1.0, 0])
    x /= Tensor([5.0, 3])
    #expect(numbers(x) == [1, 3] && numbers(before) == [1, 2])
  }

  @Test func orderIsStable() {
    let x = Tensor([2, 1, 2, 1, 2] as [Int64])
    #expect(numbers(x.argsort()) == [1, 3, 0, 2, 4])
    #expect(numbers(x.argsort(descending: true)) == [0, 2, 4, 1, 3])
    #expect(numbers(Tensor([-1.5, 0.5, -2, 3] as [Float]).sorted().values) == [-2, -1.5, 0.5, 3])
    let (values, indices) = Tensor([1.0, 5, 3]).topK(2)
    #expect(numbers(values) == [5, 3] && numbers(indices) == [1, 2])
  }
}
