import Lumigrad

/// The workloads of `gradbench perf` that draw voxel grids.
enum VoxelWorkloads {
  static var all: [Workload] {
    [
      volume(64, pixels: 128, samples: 128), volume(256, pixels: 256, samples: 256),
      sparse(skipping: false), sparse(skipping: true), lookUps,
    ] + SignedDistanceWorkloads.all
  }

  /// Random densities and colours in cells that fill the box from -1 to 1.
  private static func lattice(_ size: Int) -> VolumeLattice {
    var random = RandomGenerator(seed: 6)
    let spacing = SIMD3<Double>(repeating: 2 / Double(size))
    return VolumeLattice(
      density: random.uniform([size, size, size], low: 0, high: 2),
      features: random.uniform([size, size, size, 3]),
      origin: [-1, -1, -1] + spacing * 0.5, spacing: spacing)
  }

  private static func samples(_ pixels: Int, _ count: Int) -> RegularSamples {
    let camera = Camera.perspective(
      from: [1.6, 1.2, 2.4], verticalFieldOfView: radians(degrees: 40), width: pixels,
      height: pixels)
    let rays = PixelRays(of: camera)
    let interval = RayInterval(
      of: rays.rays, inBoxFrom: Tensor([-1, -1, -1] as [Float]), to: Tensor([1, 1, 1] as [Float]))
    return RegularSamples(along: rays.rays, in: interval, count: count)
  }

  private static func volume(_ size: Int, pixels: Int, samples count: Int) -> Workload {
    Workload(
      name: "volume-\(size)-\(pixels)",
      summary: "emission and absorption in \(size)³ cells of a density and three colours, "
        + "\(pixels)×\(pixels), \(count) samples a ray, to densities and colours"
    ) {
      let lattice = lattice(size)
      let samples = samples(pixels, count)
      return (
        [lattice.density, lattice.features!],
        { inputs in
          var changed = lattice
          (changed.density, changed.features) = (inputs[0], inputs[1])
          return [VolumeIntegration()(changed, along: samples).color(over: .ones([3]))]
        }
      )
    }
  }

  /// A ball that fills 0.4% of 128³ cells, with negative densities around it as an optimisation leaves them.
  private static func sparse(skipping: Bool) -> Workload {
    Workload(
      name: skipping ? "volume-sparse-skipping" : "volume-sparse",
      summary: "a ball in 128³ cells, 256×256, 256 samples a ray, to densities and colours, "
        + (skipping ? "passing over empty blocks, which are found anew" : "every sample")
    ) {
      let size = 128
      var lattice = lattice(size)
      let axis = Tensor.arange(size, dtype: .float32) * (2 / Double(size)) + (1 / Double(size) - 1)
      let squares = axis.square()
      let distance =
        (squares.reshaped([size, 1, 1]) + squares.reshaped([1, size, 1])
        + squares.reshaped([1, 1, size])).sqrt()
      lattice.density = (0.2 - distance) * 40
      let samples = samples(256, 256)
      let integration = VolumeIntegration(rectifiesDensity: true)
      return (
        [lattice.density, lattice.features!],
        { inputs in
          var changed = lattice
          (changed.density, changed.features) = (inputs[0], inputs[1])
          let occupancy = skipping ? OccupancyPyramid(of: inputs[0]) : nil
          let found = integration(changed, along: samples, skipping: occupancy)
          return [found.color(over: .ones([3]))]
        }
      )
    }
  }

  private static var lookUps: Workload {
    Workload(
      name: "trilinear-64",
      summary: "2²⁰ look-ups of four channels in 64³ values, to values and points"
    ) {
      var random = RandomGenerator(seed: 7)
      return (
        [random.uniform([64, 64, 64, 4]), random.uniform([1 << 20, 3], low: 0, high: 63)],
        { [sampleTrilinear($0[0], at: $0[1])] }
      )
    }
  }
}
