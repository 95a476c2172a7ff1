import LumiRendering
import LumiScene
import LumiTensor
import Testing

struct TexturePyramidTests {
  static func random(_ shape: [Int], seed: UInt64 = 17, low: Double = 0, high: Double = 1) -> Tensor
  {
    var random = RandomGenerator(seed: seed)
    return random.uniform(shape, low: low, high: high, dtype: .float64)
  }

  static func footprint(_ u: Double, _ v: Double, count: Int) -> Tensor {
    Tensor([[u, 0], [0, v]]).broadcast(to: [count, 2, 2])
  }

  static func checkerboard(_ side: Int) -> Tensor {
    Tensor((0..<side * side).map { Double(($0 / side + $0 % side) % 2) }, shape: [side, side, 1])
  }

  // MARK: Levels

  @Test(arguments: [[1, 1], [1, 7], [9, 1], [8, 8], [5, 3], [13, 6], [31, 17]])
  func levelsKeepTheMean(_ sides: [Int]) {
    let image = Self.random(sides + [2])
    let levels = TexturePyramid(image).levels
    #expect(levels.last!.shape == [1, 1, 2])
    let mean = image.mean(axes: [0, 1])
    for (level, next) in zip(levels, levels.dropFirst()) {
      #expect(next.shape == [max(level.shape[0] / 2, 1), max(level.shape[1] / 2, 1), 2])
      #expect((next.mean(axes: [0, 1]) - mean).abs().max().value < 1e-14)
    }
  }

  /// Five texels to two: each the mean over 2.5 of them.
  @Test func oddSides() {
    let levels = TexturePyramid(Tensor([1.0, 2, 4, 8, 16], shape: [1, 5, 1])).levels
    let two = levels[1].scalars(as: Double.self)
    #expect(abs(two[0] - (1 + 2 + 2) / 2.5) < 1e-14)
    #expect(abs(two[1] - (2 + 8 + 16) / 2.5) < 1e-14)
  }

  // MARK: Look-ups

  static let trilinear = TextureSampler(filter: .trilinear)

  @Test func magnifiedIsBilinear() {
    let (image, places) = (Self.random([6, 9, 3]), Self.random([40, 2], low: -0.3, high: 1.3))
    let sharp = sampleTexture(
      image, at: places, sampler: Self.trilinear,
      footprint: Self.footprint(0.9 / 9, 0.5 / 6, count: 40))
    let bilinear = sampleBilinear(image, at: places)
    #expect((sharp - bilinear).abs().max().value < 1e-14)
    let without = sampleTexture(image, at: places, sampler: Self.trilinear)
    #expect((without - bilinear).abs().max().value == 0)
  }

  /// A footprint of 2ᵏ texels reads level k; between them it blends by the logarithm.
  @Test func levelByFootprint() {
    let (image, places) = (Self.random([16, 16, 1]), Self.random([20, 2]))
    let levels = TexturePyramid(image).levels
    func sample(_ texels: Double) -> Tensor {
      sampleTexture(
        image, at: places, sampler: Self.trilinear,
        footprint: Self.footprint(texels / 16, 0.3 * texels / 16, count: 20))
    }
    for (level, texels) in [(1, 2.0), (2, 4), (3, 8), (4, 16), (4, 1000)] {
      let expected = sampleBilinear(levels[level], at: places)
      #expect((sample(texels) - expected).abs().max().value < 1e-12)
    }
    let middle = (sample(2) + sample(4)) * 0.5
    #expect((sample(8.squareRoot()) - middle).abs().max().value < 1e-12)
  }

  @Test func minifiedCheckerboardIsItsMean() {
    for side in [8, 50, 64] {
      let places = Self.random([30, 2])
      let found = sampleTexture(
        Self.checkerboard(side), at: places, sampler: Self.trilinear,
        footprint: Self.footprint(1, 1, count: 30))
      #expect((found - 0.5).abs().max().value < 1e-12)
    }
  }

  /// Pixels of several texels of a checkerboard, against the mean over each pixel.
  @Test(arguments: [2.3, 5.7, 11.1])
  func noAliasing(_ texels: Double) {
    let (side, image) = (64, Self.checkerboard(64))
    let step = texels / Double(side)
    let count = Int(1 / step)
    let fine = 32
    func grid(_ perPixel: Int) -> Tensor {
      let line =
        (Tensor.arange(count * perPixel, dtype: .float64) + 0.5) * (step / Double(perPixel))
      let n = count * perPixel
      return Tensor.stack(
        [line.broadcast(to: [n, n]), line.expandingDims(at: 1).broadcast(to: [n, n])], axis: 2
      ).reshaped([n * n, 2])
    }
    let nearest = TextureSampler(filter: .nearest)
    let truth = sampleTexture(image, at: grid(fine), sampler: nearest)
      .reshaped([count * fine, count * fine, 1]).averagePooled(by: fine).reshaped([-1, 1])
    let places = grid(1)
    func error(_ sampler: TextureSampler) -> Double {
      let found = sampleTexture(
        image, at: places, sampler: sampler,
        footprint: Self.footprint(step, step, count: count * count))
      return (found - truth).square().mean().sqrt().value
    }
    let (smooth, rough) = (error(Self.trilinear), error(TextureSampler()))
    #expect(smooth < 0.05 && smooth < rough / 3)
  }

  @Test(arguments: TextureSampler.Wrap.allCases, [[5, 4], [1, 1], [1, 6]])
  func trilinearGradients(_ wrap: TextureSampler.Wrap, _ sides: [Int]) throws {
    try checkGradients(
      at: [
        Self.random(sides + [2]), Self.random([12, 2], seed: 2, low: -1.3, high: 2.3),
        Self.random([12, 2, 2], seed: 3, low: -0.9, high: 0.9),
      ], names: ["image", "coordinates", "footprint"], steps: [1e-6]
    ) {
      sampleTexture(
        $0[0], at: $0[1], sampler: TextureSampler(filter: .trilinear, wrap: wrap),
        footprint: $0[2])
    }
  }

  // MARK: Wrapping

  /// A texture repeated three times each way, read inside.
  @Test(arguments: [TextureSampler.Wrap.repeat, .mirroredRepeat], [[4, 5], [1, 3]])
  func wrapping(_ wrap: TextureSampler.Wrap, _ sides: [Int]) {
    let image = Self.random(sides + [1])
    func row(_ image: Tensor, _ axis: Int) -> Tensor {
      let side = wrap == .repeat ? image : image.flipped(axis: axis)
      return Tensor.concatenate([side, image, side], axis: axis)
    }
    let tiled = row(row(image, 0), 1)
    let places = Self.random([200, 2], low: -0.8, high: 1.8)
    for filter in [TextureSampler.Filter.nearest, .bilinear] {
      let found = sampleTexture(
        image, at: places, sampler: TextureSampler(filter: filter, wrap: wrap))
      let expected = sampleTexture(
        tiled, at: (places + 1) / 3, sampler: TextureSampler(filter: filter))
      #expect((found - expected).abs().max().value < 1e-9)
    }
  }

  @Test func nearestReadsTheTexelAround() {
    let image = Tensor([1.0, 2, 3, 4, 5, 6], shape: [2, 3, 1])
    let places = Tensor([[0.01, 0.99], [0.34, 0.51], [0.99, 0.49], [-4, 9], [2, -1]])
    let found = sampleTexture(image, at: places, sampler: TextureSampler(filter: .nearest))
    #expect(found.scalars(as: Double.self) == [1, 2, 6, 1, 6])
  }

  @Test(arguments: TextureSampler.Filter.allCases, TextureSampler.Wrap.allCases)
  func wildCoordinates(_ filter: TextureSampler.Filter, _ wrap: TextureSampler.Wrap) {
    let sampler = TextureSampler(filter: filter, wrap: wrap)
    let wild = Tensor([
      [Double.nan, 0], [Double.infinity, -Double.infinity], [1e30, -1e30], [1e300, 1e17],
      [-0.0, 1],
    ])
    for sides in [[3, 4], [1, 1]] {
      for dtype in [DType.float64, .float32] {
        let image = Self.random(sides + [1]).cast(to: dtype)
        for footprint in [
          nil, Tensor.full([5, 2, 2], .nan, dtype: dtype), .full([5, 2, 2], 1e30, dtype: dtype),
        ] {
          let found = sampleTexture(
            image, at: wild.cast(to: dtype), sampler: sampler, footprint: footprint)
          #expect(found.shape == [5, 1])
        }
        #expect(
          sampleTexture(
            image, at: .zeros([0, 2], dtype: dtype), sampler: sampler,
            footprint: .zeros([0, 2, 2], dtype: dtype)
          ).shape == [0, 1])
      }
    }
  }
}
