import LumiImplicit
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

/// A density and a colour that are the same everywhere.
struct HomogeneousField: ImplicitField {
  var density: Tensor
  var color: Tensor

  init(_ density: Double, color: [Double] = [0.2, 0.5, 0.9]) {
    self.density = Tensor(density, dtype: .float64)
    self.color = Tensor(color)
  }

  var quantity: FieldQuantity { .density }
  var dtype: DType { density.dtype }
  var colorChannels: Int { 3 }
  func values(at points: Tensor) -> Tensor { density.broadcast(to: [points.shape[0]]) }

  func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    color.broadcast(to: [points.shape[0], 3])
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> HomogeneousField {
    var result = self
    result.density = try transform("density", density)
    result.color = try transform("color", color)
    return result
  }
}

/// A density by a formula, with colours that change slowly.
private struct FormulaField: ImplicitField {
  let density: @Sendable (Tensor) -> Tensor

  var quantity: FieldQuantity { .density }
  var dtype: DType { .float64 }
  var colorChannels: Int { 3 }
  func values(at points: Tensor) -> Tensor { density(points) }

  func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    (points * 2).sigmoid()
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> FormulaField { self }
}

@Suite struct NeRFTests {
  static let camera = Camera.perspective(
    from: [0.7, 0.5, -2], verticalFieldOfView: radians(degrees: 50), width: 6, height: 5, near: 0.5,
    far: 6, dtype: .float64)
  static let background = Tensor([0.9, 0.1, 0.3])

  static func scene(
    _ field: any ImplicitField, radius: Double = 0.8
  ) -> Scene<ImplicitShape> {
    Scene(ImplicitShape(field, bounds: .ball(radius: radius)), background: background)
  }

  /// A small network, positive at many places.
  static func network(_ seed: UInt64, directions: Int? = 1) -> NeuralField {
    .radiance(
      layers: 3, width: 8, frequencies: 2, directionFrequencies: directions,
      densityActivation: .softplus(beta: 1), densityBias: 1, seed: seed, dtype: .float64)
  }

  // MARK: Values

  @Test func homogeneousBallHasItsClosedForm() throws {
    let density = 1.3
    let rays = PixelRays(of: Self.camera).rays
    let chord = RayInterval(of: rays, in: .ball(radius: 0.8))
    let length = (chord.far - chord.near).clamped(min: 0).reshaped([5, 6])
    let passing = (length * -density).exp()
    let field = HomogeneousField(density)
    for importance in [0, 5] {
      let output = try NeRF(samples: 4, importanceSamples: importance).render(
        Self.scene(field), from: Self.camera)
      #expect((try output[.alpha] - (1 - passing)).largest < 1e-12)
      let share = passing.expandingDims(at: 2)
      let color = field.color * (1 - share) + Self.background * share
      #expect((try output[.color] - color).largest < 1e-12)
    }
    #expect(length.min().value == 0 && length.max().value > 1)
  }

  @Test func errorsFallWithTheSamples() throws {
    let field = FormulaField { ($0.square().sum(axis: 1) * -6).exp() * 4 }
    func picture(_ samples: Int, _ quadrature: NeRF.Quadrature) throws -> Tensor {
      try NeRF(samples: samples, importanceSamples: 0, quadrature: quadrature).render(
        Self.scene(field), from: Self.camera)[.color]
    }
    let truth = try picture(4096, .centred)
    func error(_ samples: Int, _ quadrature: NeRF.Quadrature, to truth: Tensor) throws -> Double {
      (try picture(samples, quadrature) - truth).norm().value
    }
    let centred = try error(64, .centred, to: truth) / error(128, .centred, to: truth)
    #expect(abs(centred - 4) < 0.1)
    // Its last sample is opaque, so that it tends to another picture.
    let opaque = try picture(8192, .released())
    let released = try error(64, .released(), to: opaque) / error(128, .released(), to: opaque)
    #expect(abs(released - 2) < 0.1)
    let alpha = try NeRF(samples: 8, importanceSamples: 0, quadrature: .released()).render(
      Self.scene(HomogeneousField(0.01), radius: 3), from: Self.camera)[.alpha]
    #expect((alpha - 1).largest < 1e-8)
  }

  @Test func importanceSamplesSeeThinShells() throws {
    // A shell of a hundredth, half opaque: 32 regular samples are too far apart for it.
    let field = FormulaField { (($0.norm(axis: 1) - 0.5).square() * -5000).exp() * 20 }
    func alpha(_ samples: Int, _ importance: Int) throws -> Tensor {
      try NeRF(samples: samples, importanceSamples: importance).render(
        Self.scene(field), from: Self.camera)[.alpha]
    }
    let truth = try alpha(4096, 0)
    let (regular, placed) = (try alpha(32, 0) - truth, try alpha(32, 32) - truth)
    #expect(placed.norm().value < 0.4 * regular.norm().value)
  }

  @Test func coarseFieldPlacesAndFineFieldIsSeen() throws {
    let (coarse, fine) = (Self.network(4), Self.network(5))
    let scene = Self.scene(CoarseToFineField(coarse: coarse, fine: fine))
    var nerf = NeRF(samples: 6, importanceSamples: 7, channels: [.color, NeRF.coarseColor])
    let both = try nerf.render(scene, from: Self.camera)
    let alone = NeRF(samples: 6, importanceSamples: 0)
    let first = try alone.render(Self.scene(coarse), from: Self.camera)[.color]
    #expect((try both[NeRF.coarseColor] - first).largest < 1e-14)
    #expect(
      try alone.render(scene, from: Self.camera)[.color].bits
        == alone.render(Self.scene(fine), from: Self.camera)[.color].bits)
    // Without its picture, the coarse field only places samples.
    nerf.channels = [.color]
    let quiet = try nerf.render(scene, from: Self.camera)
    #expect((try quiet[.color] - both[.color]).largest < 1e-14)
    let slopes = try valueAndGradient(of: scene, unreachable: .zeros) {
      try nerf.render($0, from: Self.camera)[.color].sum()
    }.gradients
    #expect(slopes["field.coarse.trunk.layers.0.weight"]!.largest == 0)
    #expect(slopes["field.fine.trunk.layers.0.weight"]!.largest > 0)
  }

  @Test func colorsDependOnTheDirectionIfTheNetworkSeesIt() throws {
    let points = Tensor([0.1, 0.2, 0.3, 0.1, 0.2, 0.3] as [Double], shape: [2, 3])
    let directions = Tensor([0, 0, 1, 1, 0, 0] as [Double], shape: [2, 3])
    for octaves in [nil, 0, 2] as [Int?] {
      let field = Self.network(6, directions: octaves)
      let colors = field.colors(
        at: points, samples: field.samples(at: points, withGradients: false),
        directions: directions)
      let apart = colors.slice(axis: 0, from: 0, to: 1) - colors.slice(axis: 0, from: 1, to: 2)
      #expect((apart.largest > 1e-6) == (octaves != nil))
    }
    let paper = NeuralField.radiance(seed: 1)
    // 595,844 numbers: the published network's, with 63 and 27 inputs.
    #expect(paper.parameters.reduce(0) { $0 + $1.value.count } == 595_844)
    #expect(try paper.parameter("trunk.layers.5.weight").shape == [256, 319])
  }

  @Test func disparitiesPutMoreSamplesNearby() throws {
    let field = HomogeneousField(1)
    let nerf = NeRF(
      samples: 5, importanceSamples: 0, quadrature: .released(), spacing: .disparity,
      channels: [.depth])
    // Opaque at once: the depth is the first sample's, the near depth.
    let near = try nerf.render(
      Self.scene(HomogeneousField(1e9), radius: 20), from: Self.camera)[.depth]
    #expect((near - 0.5).largest < 1e-6)
    #expect(try nerf.render(Self.scene(field), from: Self.camera)[.depth].isAllFinite)
  }

  // MARK: Robustness

  @Test func nothingToSeeIsTheBackground() throws {
    for (density, radius) in [(0.0, 0.8), (-3, 0.8), (5, 1e-3)] {
      for quadrature in [NeRF.Quadrature.centred, .released()] {
        let scene = Self.scene(HomogeneousField(density), radius: radius)
        let nerf = NeRF(
          samples: 4, importanceSamples: 3, quadrature: quadrature,
          channels: [.color, .alpha, .depth])
        let (output, slopes) = try nerf.evaluate(SceneView(scene: scene, camera: Self.camera))
        #expect((try output[.color] - Self.background).largest < 1e-15)
        #expect(try output[.alpha].largest == 0 && (output[.depth] - 6).largest == 0)
        for (_, slope) in slopes { #expect(slope.isAllFinite) }
      }
    }
  }

  @Test func anOpaqueFirstSampleHidesAllOthers() throws {
    for density in [1e9, 1e30, .infinity] {
      for quadrature in [NeRF.Quadrature.centred, .released()] {
        let nerf = NeRF(samples: 4, importanceSamples: 4, quadrature: quadrature)
        let view = SceneView(scene: Self.scene(HomogeneousField(density)), camera: Self.camera)
        for dtype in [DType.float64, .float32] {
          let (output, slopes) = try nerf.evaluate(view.cast(to: dtype))
          #expect(try output[.alpha].max().value >= 1 - 1e-6 && output[.color].isAllFinite)
          for (_, slope) in slopes { #expect(slope.isAllFinite) }
        }
      }
    }
  }

  @Test func whatCannotBeDrawnIsNamed() throws {
    func fails(
      _ nerf: NeRF, _ parameter: String,
      of scene: Scene<ImplicitShape> = Self.scene(HomogeneousField(1)),
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      #expect(sourceLocation: sourceLocation) {
        try nerf.render(scene, from: Self.camera)
      } throws: {
        guard case RenderError.invalid(_, let found, _, _) = $0 else { return false }
        return found == parameter
      }
    }
    fails(NeRF(samples: 0), "samples")
    fails(NeRF(samples: 2, quadrature: .released()), "samples")
    fails(NeRF(importanceSamples: -1), "importanceSamples")
    fails(NeRF(densityNoise: .nan), "densityNoise")
    fails(NeRF(quadrature: .released(last: 0)), "quadrature")
    fails(NeRF(importanceSamples: 0, channels: [NeRF.coarseColor]), "channels")
    fails(NeRF(space: .forwardFacing(near: 0)), "space")
    fails(NeRF(spacing: .disparity, space: .forwardFacing()), "spacing")
    fails(NeRF(space: .forwardFacing(), channels: [.depth]), "channels")
    fails(NeRF(), "field.quantity", of: Self.scene(SphereField(dtype: .float64)))
    fails(NeRF(), "bounds", of: Self.scene(HomogeneousField(1), radius: -1))
    #expect(throws: RenderError.self) {
      try NeRF(channels: [.normal]).render(
        Self.scene(HomogeneousField(1)), from: Self.camera)
    }
    #expect(throws: RenderError.self) {
      try NeRF().render(
        Self.scene(HomogeneousField(1)), pixels: Tensor([30] as [Int32]), of: [Self.camera])
    }
  }

  // MARK: Batches and random numbers

  @Test func pixelsAreDrawnAsInTheirPictures() throws {
    let scene = Self.scene(Self.network(7))
    let nerf = NeRF(samples: 5, importanceSamples: 6, channels: [.color, .alpha])
    let picture = try nerf.render(scene, from: Self.camera)[.color].reshaped([30, 3])
    let order = Tensor([29, 3, 17, 0, 3] as [Int64])
    let batch = try nerf.render(scene, pixels: order, of: [Self.camera])
    #expect((try batch[.color].squeezed(axis: 0) - picture.gather(order)).largest < 1e-14)
  }

  @Test func seedsAreBitsAndThreadsAreNot() throws {
    let scene = Self.scene(Self.network(8))
    let view = SceneView(scene: scene, camera: Self.camera)
    for quadrature in [NeRF.Quadrature.centred, .released()] {
      let nerf = NeRF(samples: 5, importanceSamples: 7, quadrature: quadrature, densityNoise: 0.5)
      func bits(_ nerf: NeRF) throws -> [UInt64] {
        let (output, slopes) = try nerf.evaluate(view)
        return try output[.color].bits + slopes.sorted { $0.key < $1.key }.flatMap { $0.value.bits }
      }
      let one = try LumiRuntime.withThreads(1) { try bits(nerf.seeded(1)) }
      #expect(try one == bits(nerf.seeded(1)))
      #expect(try one != bits(nerf.seeded(2)))
      #expect(try bits(nerf) == bits(nerf) && bits(nerf) != one)
    }
  }

  @Test func stratifiedPicturesAreRightOnAverage() throws {
    let scene = Self.scene(Self.network(9))
    let truth = try NeRF(samples: 2048, importanceSamples: 0).render(scene, from: Self.camera)[
      .color]
    let nerf = NeRF(samples: 6, importanceSamples: 6)
    let pictures = try (0..<200).map {
      try nerf.seeded(UInt64($0)).render(scene, from: Self.camera)[.color]
    }
    let all = Tensor.stack(pictures)
    let deviation = (all - truth).square().mean(axis: 0).sqrt()
    #expect((all.mean(axis: 0) - truth).largest < 1e-3)
    // Noise on densities, by contrast, is seen.
    let noisy = try NeRF(samples: 6, importanceSamples: 6, densityNoise: 3, seed: 1).render(
      scene, from: Self.camera)[.color]
    #expect((noisy - truth).largest > 4 * deviation.largest)
  }
}
