import LumiRendering
import LumiScene
import LumiTensor
import Testing

struct OccupancyPyramidTests {
  /// Mostly below 0, with some dense places.
  static func density(_ shape: [Int], _ dtype: DType = .float64) -> Tensor {
    var random = RandomGenerator(seed: 21)
    let values = random.uniform(shape, dtype: .float64)
    return Tensor.where(values .> 0.995, values, values - 1).cast(to: dtype)
  }

  @Test(arguments: [[21, 18, 30], [4, 5, 6], [1, 7, 1], [300, 2, 3], [2, 2, 700]])
  func isConservativeAndNotTooMuchSo(_ shape: [Int]) {
    let density = Self.density(shape)
    let pyramid = OccupancyPyramid(of: density)
    var random = RandomGenerator(seed: 22)
    let unit = random.uniform([4000, 3], low: -0.1, high: 1.1, dtype: .float64)
    let points = unit * Tensor(shape.map(Double.init))
    let mask = pyramid.mayHaveDensity(at: points)
    let found = sampleTrilinear(density.expandingDims(at: 3), at: points).squeezed(axis: 1)
    #expect(Tensor.where(mask, 0, found).max().value <= 0)
    // Where every value is dense, every block is; where none is, none.
    #expect(OccupancyPyramid(of: density, threshold: -2).occupiedShare == 1)
    #expect(OccupancyPyramid(of: density, threshold: 2).occupiedShare == 0)
    #expect(OccupancyPyramid(of: density * .nan).occupiedShare == 1)
  }

  @Test func marksTheBlocksOfOneValue() {
    var values = [Float](repeating: 0, count: 17 * 17 * 17)
    values[(6 * 17 + 8) * 17 + 16] = 1
    let pyramid = OccupancyPyramid(of: Tensor(values, shape: [17, 17, 17]))
    // Along x within block 1; along y between 1 and 2; along z at the end of block 3.
    let dense = pyramid.mayHaveDensity(
      at: Tensor(
        [5, 7, 15, 5, 9, 15, 5, 9, 20, 3, 9, 15, 5, 3, 15, 5, 9, 11] as [Float], shape: [6, 3]))
    #expect(dense.scalars(as: Bool.self) == [true, true, true, false, false, false])
    #expect(pyramid.occupiedShare == 2.0 / 64)
  }

  @Test(arguments: [DType.float32, .float64], [VolumeMedium.emissionAbsorption, .saturating])
  func skippingChangesNoBitOfRectifiedDensities(_ dtype: DType, _ medium: VolumeMedium) {
    var scene = VolumeIntegrationTests.Scene(count: 200, rays: 300)
    var random = RandomGenerator(seed: 23)
    let shape = [33, 20, 41]
    scene.lattice = VolumeLattice(
      density: Self.density(shape) * 10,
      features: random.uniform(shape + [3], dtype: .float64), origin: [-1, -1, -1],
      spacing: [2.0 / 32, 2.0 / 19, 2.2 / 40])
    let settings = VolumeIntegration(medium, rectifiesDensity: true)
    func everything(_ occupancy: OccupancyPyramid?) -> [[UInt64]] {
      let product = vectorJacobianProduct(at: scene.parameters.map { $0.cast(to: dtype) }) {
        let moved = scene.replacing($0)
        let found = settings(moved.lattice, along: moved.samples, skipping: occupancy)
        return [found.color, found.weight, found.remainder, found.distance]
      }
      let gradients = product.pullback(product.values.map { Tensor.ones(like: $0) })
      return (product.values + gradients).map { $0.scalars(as: Double.self).map(\.bitPattern) }
    }
    let pyramid = OccupancyPyramid(of: scene.lattice.density.cast(to: dtype))
    #expect(pyramid.occupiedShare > 0.05 && pyramid.occupiedShare < 0.7)
    #expect(everything(pyramid) == everything(nil))
    // A pyramid that says nothing is there is obeyed.
    let none = OccupancyPyramid(of: Tensor.zeros(shape, dtype: dtype))
    #expect(everything(none) != everything(nil))
  }

  @Test func thresholdsChangeNoMoreThanTheirBound() {
    var scene = VolumeIntegrationTests.Scene(shape: [33, 20, 41], count: 200, low: 0, high: 0.02)
    scene.lattice.spacing = [2.0 / 32, 2.0 / 19, 2.2 / 40]
    let occupancy = OccupancyPyramid(of: scene.lattice.density, threshold: 0.0199)
    let exact = scene.integral(VolumeIntegration())
    let found = VolumeIntegration()(scene.lattice, along: scene.samples, skipping: occupancy)
    let change = (found.remainder - exact[2]).abs().max().value
    #expect(change > 0 && change < 0.0199 * 3.6)
  }
}
