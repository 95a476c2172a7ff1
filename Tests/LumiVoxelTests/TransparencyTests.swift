import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel
import Lumigrad
import Testing

struct PlatonicRendererTests {
  static let view = Columns.view(.density, Scenes.random(Columns.shape, 7))

  static func mean(_ weights: [Double], _ alpha: Double, _ colors: [[Double]]) -> [Double] {
    let total = weights.reduce(0, +)
    return Columns.mixed(weights.map { $0 / total * alpha }, colors)
  }

  @Test func visualHullAddsColumnsUp() throws {
    let output = try PlatonicRenderer(.visualHull).render(Self.view)
    try Columns.expect(output, Self.view) { values, colors in
      var (passing, weights) = (1.0, [Double]())
      for value in values {
        weights.append(passing * (1 - exp(-value)))
        passing *= exp(-value)
      }
      return (1 - exp(-values.reduce(0, +)), Columns.mixed(weights, colors))
    }
  }

  @Test func absorptionMultipliesColumns() throws {
    let output = try PlatonicRenderer(.absorption(factor: 3)).render(Self.view)
    try Columns.expect(output, Self.view) { values, colors in
      var (passing, weights) = (1.0, [Double]())
      for value in values {
        let share = max(1e-5, 1 - value * 3 / 4)
        weights.append(passing * (1 - share))
        passing *= share
      }
      return (1 - passing, Columns.mixed(weights, colors))
    }
  }

  @Test func emissionIsAMeanOverColumns() throws {
    let output = try PlatonicRenderer(.emissionAbsorption(factor: 2), samples: 4).render(Self.view)
    try Columns.expect(output, Self.view, tolerance: 1e-7) { values, colors in
      var (passing, weights) = (1.0, [Double]())
      for value in values {
        passing *= 1 - value / 2
        weights.append(value / 2 * passing)
      }
      return (1 - passing, Self.mean(weights, 1 - passing, colors))
    }
  }

  /// The layers as released are what the renderer draws along the axis (their image's rows go with
  /// y, ours against it).
  @Test func releasedLayersAgree() throws {
    let values = Self.view.scene.shape.values
    let volume = values.flipped(axis: 2).transposed(2, 1, 0)
    let pairs: [(PlatonicRenderer.Medium, Tensor)] = [
      (.visualHull, PublishedVolume.visualHull(volume)),
      (.absorption(factor: 2), PublishedVolume.absorptionOnly(volume, factor: 2)),
    ]
    for (medium, image) in pairs {
      let own = try PlatonicRenderer(medium).render(Self.view)[.alpha]
      #expect((own - image.flipped(axis: 0)).largest < 1e-13)
    }
  }

  @Test func closedFormsOfAConstantVolume() {
    let volume = Tensor.full([6, 6, 6], 0.08, dtype: .float64)
    let hull = PublishedVolume.visualHull(volume)
    let absorption = PublishedVolume.absorptionOnly(volume)
    #expect((hull - (1 - exp(-0.48))).largest < 1e-15)
    #expect((absorption - (1 - pow(1 - 0.08 * 20 / 6, 6))).largest < 1e-14)
  }

  /// What absorbs everything cannot be hollowed out.
  @Test func saturatedAbsorptionHasNoGradient() {
    let slope = gradient(at: Tensor.full([4, 4, 4], 0.9, dtype: .float64)) {
      PublishedVolume.absorptionOnly($0).sum()
    }
    #expect(slope.largest == 0)
  }

  /// A quarter turn exchanges axes.
  @Test func quarterTurnsPermute() {
    let volume = Scenes.random([5, 5, 5], 31)
    func turned(_ eye: [Double], _ alignment: PublishedVolume.Alignment) -> Tensor {
      PublishedVolume.rotated(
        volume, by: PublishedVolume.viewMatrix(eye: Tensor(eye)), alignment: alignment)
    }
    #expect((turned([0, 0, 3], .corners) - volume).largest < 1e-13)
    // Seen from x, depth is what was left and right.
    let side = turned([2, 0, 0], .corners)
    let permuted = volume.transposed(2, 1, 0).flipped(axis: 0)
    let other = volume.transposed(2, 1, 0).flipped(axis: 2)
    let interior = { (t: Tensor) in t[1..<4, 1..<4, 1..<4] }
    let distances = [permuted, other].map { (interior(side) - interior($0)).largest }
    #expect(distances.min()! < 1e-13 && distances.max()! > 0.1)
    #expect(turned([0, 3, 0], .halfPixel).isAllFinite)
  }

  @Test func derivativesOfTheReleasedEmission() throws {
    let volume = Scenes.random([4, 3, 3, 3], 32)
    for alignment in [PublishedVolume.Alignment.halfPixel, .corners] {
      try checkGradients(at: [volume]) {
        PublishedVolume.emissionAbsorption($0[0], planes: 120, alignment: alignment)
      }
    }
  }
}

/// Sampled marching against closed forms.
struct TransmittanceTests {
  static let truth = try! ReferenceCase(contentsOf: "\(fixtures)/truth-transmittance-box.json")

  /// ∫ tσT dt of a homogeneous box: the error falls with the square of the samples.
  @Test func depthIntegralsConvergeWithOrderTwo() throws {
    for row in 0..<6 {
      func input(_ name: String) -> Tensor { Self.truth.tensors["rows.\(row).\(name)"]! }
      let exact = Self.truth.expected["rows.\(row).expected_depth_integral"]!.value
      let rays = CameraRays(
        origins: input("origin").reshaped([1, 3]), directions: input("direction").reshaped([1, 3]))
      let interval = RayInterval(of: rays, inBoxFrom: input("box_min"), to: input("box_max"))
      let errors = [32, 64, 128].map { count -> Double in
        let samples = RaySamples(along: rays, in: interval, count: count)
        let weights = EmissionAbsorption().weights(
          of: input("sigma").broadcast(to: [1, count]), lengths: samples.lengths)
        return abs(weights.composite(samples.distances, background: 0).value - exact)
      }
      for (coarse, fine) in zip(errors, errors.dropFirst()) {
        let order = log2(coarse / fine)
        #expect(order > 1.9 && order < 2.1, "row \(row): order \(order)")
      }
    }
  }

  /// A Gaussian blob on a grid: transmittance has a closed form along every ray, and interpolation
  /// makes an error that falls with the square of the spacing.
  @Test func gaussianBlobsConvergeWithOrderTwo() throws {
    let (width, strength) = (0.25, 2.0)
    let camera = Camera.orthographic(
      from: [0, 0, 4], visibleHeight: 1, width: 5, height: 5, dtype: .float64)
    let errors = try [16, 32, 64].map { side -> Double in
      var grid = VoxelGrid(
        values: .zeros([side, side, side], dtype: .float64), quantity: .density)
      let squared = grid.valuePositions().square().sum(axis: 3)
      grid.values = (squared * (-0.5 / (width * width))).exp() * strength
      // Values per voxel for the visual hull: its length is 2/side.
      grid.values = grid.values * (2 / Double(side))
      let alpha = try PlatonicRenderer(.visualHull, samples: 256).render(
        Scene(grid), from: camera)[.alpha]
      var worst = 0.0
      for row in 0..<5 {
        for column in 0..<5 {
          let (x, y) = (0.2 * Double(column - 2), 0.2 * Double(row - 2))
          let thickness =
            strength * exp(-0.5 * (x * x + y * y) / (width * width)) * width
            * (2 * Double.pi).squareRoot() * erf(1 / (width * 2.0.squareRoot()))
          worst = max(worst, abs(alpha[row, column].value - (1 - exp(-thickness))))
        }
      }
      return worst
    }
    for (coarse, fine) in zip(errors, errors.dropFirst()) {
      let order = log2(coarse / fine)
      #expect(order > 1.7 && order < 2.3, "order \(order), errors \(errors)")
    }
    #expect(errors[2] < 2e-3)
  }
}

struct NeuralVolumesTests {
  static func homogeneous(_ density: Double, nodes: Bool = true) -> VoxelGrid {
    VoxelGrid(
      values: .full([3, 3, 3], density, dtype: .float64), quantity: .density, placement: .nodes,
      appearance: .uniform(Tensor([0.9, 0.5, 0.2])))
  }

  /// Opacity is density times the way through the box, up to a step, and 1 at most.
  @Test func opacityIsTheWayThroughTheBox() throws {
    let camera = Scenes.camera(width: 9, height: 9)
    let rays = PixelRays(of: camera).rays
    let bounds = Self.homogeneous(1).bounds
    let interval = RayInterval(of: rays, inBoxFrom: bounds.lower, to: bounds.upper)
    let way = Tensor.where(interval.isHit, interval.far - interval.near, 0)
    #expect(way.max().value > 2)
    for density in [0.1, 0.45, 3] {
      let alpha = try NeuralVolumes(step: 0.05).render(
        Scene(Self.homogeneous(density)), from: camera)[.alpha].flattened()
      let exact = (way * density).clamped(max: 1)
      #expect((alpha - exact).largest <= 0.05 * density + 1e-12)
      #expect(alpha.max().value <= 1)
      if density == 3 { #expect(alpha.max().value == 1) }
    }
  }

  /// Behind a saturated surface nothing counts, and nothing has a gradient.
  @Test func nothingBehindSaturationHasAGradient() throws {
    var values = [Double](repeating: 0, count: 64)
    for column in 0..<16 {
      values[4 * column + 3] = 50
      values[4 * column + 1] = 1
    }
    let view = Columns.view(.density, Tensor(values, shape: Columns.shape))
    let slope = try gradient(at: view.scene.shape.values) { values in
      var moved = view
      moved.scene.shape.values = values
      return try NeuralVolumes().render(moved).weightedSum()
    }
    #expect(slope[0..<4, 0..<4, 0..<2].largest == 0)
    #expect(slope[0..<4, 0..<4, 3].largest > 1e-4)
  }

  /// Where it leads to the place itself, a warp changes nothing; elsewhere it moves the picture.
  @Test func warps() throws {
    var view = Method.neuralVolumes.view
    // Nothing at all near the faces, where a warp cannot be the identity.
    view.scene.shape.values = view.scene.shape.values - 1e-5
    let plain = try NeuralVolumes().render(view)[.color]
    var coarse = view.scene.shape
    coarse.values = .zeros([3, 3, 3], dtype: .float64)
    let bounds = coarse.bounds
    let identity = (coarse.valuePositions() - bounds.lower) / (bounds.upper - bounds.lower) * 2 - 1
    // Finer than the values, so that the identity holds wherever there is something.
    var fine = view.scene.shape
    fine.values = .zeros([30, 30, 30], dtype: .float64)
    view.scene.shape.warp =
      (fine.valuePositions() - bounds.lower) / (bounds.upper - bounds.lower) * 2 - 1
    let clamped = NeuralVolumes(warpBorder: .clamped)
    #expect(try (clamped.render(view)[.color] - plain).largest < 1e-12)
    // As published, the outermost half cells lead to the middle of the box.
    #expect(try (NeuralVolumes().render(view)[.color] - plain).largest > 1e-6)
    view.scene.shape.warp = identity + Tensor([0.3, 0, 0])
    #expect(try (NeuralVolumes().render(view)[.color] - plain).largest > 0.02)
  }

  /// A constant warp shows one value everywhere.
  @Test func warpsLeadToTheirPlaces() throws {
    var view = Method.neuralVolumes.view
    view.scene.shape.values = .full(view.scene.shape.values.shape, 0.6, dtype: .float64)
    view.scene.shape.appearance = .colors(Scenes.random(view.scene.shape.values.shape + [3], 5))
    view.scene.shape.warp = .zeros([2, 2, 2, 3], dtype: .float64)
    let output = try NeuralVolumes(warpBorder: .clamped).render(view)
    let grid = view.scene.shape
    let middle = grid.gridPoints((grid.bounds.lower + grid.bounds.upper) * 0.5).reshaped([1, 3])
    let color = grid.colors(at: middle, seenAlong: Tensor([0.0, 0, 1], shape: [1, 3]))[0]
    let alpha = try output[.alpha].expandingDims(at: 2)
    let exact = alpha * color + (1 - alpha) * Scenes.background
    #expect(alpha.max().value > 0.5)
    #expect(try (output[.color] - exact).largest < 1e-12)
  }

  @Test func seedsDecideJitter() throws {
    let view = Method.neuralVolumes.view
    func image(_ seed: UInt64?) throws -> Tensor {
      try NeuralVolumes(step: 0.02, jitterSeed: seed).render(view)[.color]
    }
    #expect(try image(3).bits == image(3).bits)
    #expect(try image(3).bits != image(4).bits)
    #expect(try (image(3) - image(nil)).largest < 0.02)
    try NeuralVolumes(step: 0.2, jitterSeed: 5).check(
      view, ["voxels.values", "voxels.colors", "background"])
  }
}
