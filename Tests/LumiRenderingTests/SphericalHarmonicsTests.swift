import LumiRendering
import LumiScene
import LumiTensor
import Testing

struct SphericalHarmonicsTests {
  /// Nodes and weights of Gauss and Legendre's rule on [-1, 1], by Newton's method.
  static func gauss(_ count: Int) -> [(node: Double, weight: Double)] {
    (0..<count).map { index in
      var x = Tensor(.pi * (Double(index) + 0.75) / (Double(count) + 0.5), dtype: .float64)
        .cos().value
      var slope = 1.0
      for _ in 0..<50 {
        var (before, now) = (1.0, x)
        for l in 2...count {
          (before, now) = (now, (Double(2 * l - 1) * x * now - Double(l - 1) * before) / Double(l))
        }
        slope = Double(count) * (x * now - before) / (x * x - 1)
        x -= now / slope
      }
      return (x, 2 / ((1 - x * x) * slope * slope))
    }
  }

  /// A rule over the sphere that is exact for products of harmonics up to `order`.
  static func sphere(order: Int) -> (directions: Tensor, weights: Tensor) {
    let steps = 2 * order + 2
    var directions: [[Double]] = []
    var weights: [Double] = []
    for (z, weight) in gauss(order + 1) {
      for step in 0..<steps {
        let turn = Tensor(2 * .pi * (Double(step) + 0.3) / Double(steps), dtype: .float64)
        let out = (1 - z * z).squareRoot()
        directions.append([out * turn.cos().value, out * turn.sin().value, z])
        weights.append(weight * 2 * .pi / Double(steps))
      }
    }
    return (Tensor(directions), Tensor(weights))
  }

  @Test(arguments: [3, 4, 9, 20])
  func orthonormal(_ order: Int) {
    let (directions, weights) = Self.sphere(order: order)
    let y = sphericalHarmonics(directions, order: order)
    let count = (order + 1) * (order + 1)
    #expect(y.shape == [directions.shape[0], count])
    let gram = (y * weights.expandingDims(at: 1)).matmul(y, transposingLeft: true)
    #expect((gram - .eye(count, dtype: .float64)).abs().max().value < 1e-11)
  }

  static func randomDirections(_ count: Int, _ dtype: DType = .float64) -> Tensor {
    var random = RandomGenerator(seed: 8)
    return random.uniform([count, 3], low: -1, high: 1, dtype: .float64).unitVectors()
      .cast(to: dtype)
  }

  /// The closed forms of degree 3, and some of degree 4.
  @Test func closedForms() {
    let directions = Self.randomDirections(20)
    let found = sphericalHarmonics(directions, order: 4).scalars(as: Double.self)
    let d = directions.scalars(as: Double.self)
    func root(_ value: Double) -> Double { (value / .pi).squareRoot() }
    for n in 0..<20 {
      let (x, y, z) = (d[3 * n], d[3 * n + 1], d[3 * n + 2])
      func expect(_ column: Int, _ value: Double) {
        #expect(abs(found[25 * n + column] - value) < 1e-13, "column \(column)")
      }
      let (xx, yy, zz) = (x * x, y * y, z * z)
      expect(9, 0.25 * root(17.5) * y * (3 * xx - yy))
      expect(10, 0.5 * root(105) * x * y * z)
      expect(11, 0.25 * root(10.5) * y * (5 * zz - 1))
      expect(12, 0.25 * root(7) * z * (5 * zz - 3))
      expect(13, 0.25 * root(10.5) * x * (5 * zz - 1))
      expect(14, 0.25 * root(105) * (xx - yy) * z)
      expect(15, 0.25 * root(17.5) * x * (xx - 3 * yy))
      expect(16, 0.75 * root(35) * x * y * (xx - yy))
      expect(20, 0.1875 * root(1) * (35 * zz * zz - 30 * zz + 3))
      expect(24, 0.1875 * root(35) * (xx * (xx - 3 * yy) - yy * (3 * xx - yy)))
    }
  }

  /// Σ Y² over a degree is (2l + 1)/4π in every direction, at the poles too, up to a high order.
  @Test func additionTheorem() {
    let directions = Tensor.concatenate(
      [Self.randomDirections(10), Tensor([[0.0, 0, 1], [0, 0, -1], [0, 1, 0]])])
    let order = 60
    let y = sphericalHarmonics(directions, order: order).square()
    for l in 0...order {
      let sums = y.slice(axis: 1, from: l * l, to: (l + 1) * (l + 1)).sum(axis: 1)
      #expect((sums * (4 * .pi / Double(2 * l + 1)) - 1).abs().max().value < 1e-10)
    }
  }

  @Test(arguments: [DType.float32, .float64])
  func lowOrdersAreThoseOfOrderTwo(_ dtype: DType) {
    let directions = Self.randomDirections(30, dtype)
    let nine = sphericalHarmonics(directions)
    for order in [0, 1, 2, 3, 6] {
      let count = min(9, (order + 1) * (order + 1))
      let found = sphericalHarmonics(directions, order: order).slice(axis: 1, from: 0, to: count)
      let expected = nine.slice(axis: 1, from: 0, to: count)
      #expect(found.scalars(as: Double.self) == expected.scalars(as: Double.self))
    }
  }

  @Test func gradients() throws {
    try checkGradients(at: [Self.randomDirections(4), Tensor([[0.0, 0, 1], [0, 0, -1]])]) {
      sphericalHarmonics(.concatenate([$0[0], $0[1]]), order: 6)
    }
  }

  /// A_l = 2π ∫ u P_l(u) du over [0, 1].
  @Test func lambertFactorsAreIntegrals() {
    let factors = lambertFactors(order: 10)
    for l in 0...10 {
      let column = l * l + l
      let integral = Self.gauss(12).reduce(0.0) { sum, rule in
        let u = (rule.node + 1) / 2
        let direction = Tensor([[(1 - u * u).squareRoot(), 0, u]])
        let legendre =
          sphericalHarmonics(direction, order: 10).scalars(as: Double.self)[column]
          * (4 * .pi / Double(2 * l + 1)).squareRoot()
        return sum + rule.weight / 2 * u * legendre
      }
      #expect(abs(factors[l] - 2 * .pi * integral) < 1e-12)
    }
  }

  /// Light of a high order, and its derivative with respect to coefficients and normals.
  @Test func lightOfOrderFour() throws {
    var random = RandomGenerator(seed: 3)
    let coefficients = Tensor.concatenate([
      .full([1, 3], 3, dtype: .float64),
      random.uniform([24, 3], low: -0.2, high: 0.2, dtype: .float64),
    ])
    func light(_ coefficients: Tensor, _ normals: Tensor) -> Tensor {
      Illumination(
        positions: .zeros(like: normals.stoppingGradient()), normals: normals.unitVectors(),
        toEye: normals.stoppingGradient(),
        lights: [.sphericalHarmonics(coefficients: coefficients)],
        material: Material(dtype: .float64), reflection: .lambert
      ).diffuse
    }
    let normals = Self.randomDirections(6)
    let expected = sphericalHarmonics(normals, order: 4).matmul(coefficients)
    #expect((light(coefficients, normals) - expected).abs().max().value < 1e-12)
    try checkGradients(at: [coefficients, normals]) { light($0[0], $0[1]) }
  }
}
