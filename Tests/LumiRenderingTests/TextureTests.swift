import LumiRendering
import LumiTensor
import Testing

struct TextureTests {
  /// 2 rows, 3 columns, one channel: 1 2 3 / 4 5 6.
  static let image = Tensor([1.0, 2, 3, 4, 5, 6], shape: [2, 3, 1])

  static func sample(_ u: Double, _ v: Double) -> Double {
    sampleBilinear(image, at: Tensor([[u, v]])).value
  }

  @Test func texelCentres() {
    for row in 0..<2 {
      for column in 0..<3 {
        let value = Self.sample((Double(column) + 0.5) / 3, 1 - (Double(row) + 0.5) / 2)
        #expect(abs(value - Double(row * 3 + column + 1)) < 1e-12)
      }
    }
  }

  @Test func betweenTexels() {
    // Column 1, row ½: between 2 and 5.
    #expect(abs(Self.sample(0.5, 0.5) - 3.5) < 1e-12)
    // A quarter from column 0 to column 1, three quarters down.
    #expect(abs(Self.sample(0.75 / 3, 1 - 1.25 / 2) - (1.25 * 0.25 + 4.25 * 0.75)) < 1e-12)
  }

  @Test func borderRepeats() {
    #expect(Self.sample(0, 1) == 1)
    #expect(Self.sample(1, 0) == 6)
    #expect(Self.sample(-5, 9) == 1)
    #expect(Self.sample(7, -3) == 6)
    #expect(abs(Self.sample(0.5, 4) - 2) < 1e-12)
  }

  /// ∂C/∂u = W ((1 - t)(T10 - T00) + t (T11 - T01)), and so on; texels get their weights.
  @Test func gradientsAreTheClosedForm() {
    let (u, v) = (0.75 / 3, 1 - 1.25 / 2)
    let slope = gradient(at: Tensor([[u, v]])) { sampleBilinear(Self.image, at: $0).sum() }
      .scalars(as: Double.self)
    #expect(abs(slope[0] - 3 * 1) < 1e-12)
    #expect(abs(slope[1] - -2 * 3) < 1e-12)
    let weights = gradient(at: Self.image) { sampleBilinear($0, at: Tensor([[u, v]])).sum() }
      .scalars(as: Double.self)
    for (found, expected) in zip(weights, [0.1875, 0.0625, 0, 0.5625, 0.1875, 0]) {
      #expect(abs(found - expected) < 1e-12)
    }
  }

  /// Outside of the texel centres both neighbours are one texel: no slope.
  @Test func borderHasNoSlope() {
    let slope = gradient(at: Tensor([[-0.3, 1.4], [0.05, 0.95]])) {
      sampleBilinear(Self.image, at: $0).sum()
    }
    #expect(slope.scalars(as: Double.self) == [0, 0, 0, 0])
  }

  @Test func centralDifferences() throws {
    var random = RandomGenerator(seed: 14)
    try checkGradients(
      at: [
        random.uniform([5, 4, 3], dtype: .float64),
        random.uniform([40, 2], low: -0.2, high: 1.2, dtype: .float64),
      ], steps: [1e-6]
    ) { sampleBilinear($0[0], at: $0[1]) }
  }

  @Test func oneTexelIsConstant() {
    let value = sampleBilinear(
      Tensor([7.0], shape: [1, 1, 1]), at: Tensor([[0.2, 0.9], [-4, 4]]))
    #expect(value.scalars(as: Double.self) == [7, 7])
  }

  @Test func noCoordinatesAndWildOnes() {
    #expect(sampleBilinear(Self.image, at: .zeros([0, 2], dtype: .float64)).shape == [0, 1])
    let wild = sampleBilinear(Self.image, at: Tensor([[1e30, -1e30], [-1e300, 1e300]]))
    #expect(wild.isAllFinite)
  }
}
