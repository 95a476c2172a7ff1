import Lumigrad

/// The workloads of `gradbench perf` that draw voxel grids.
enum VoxelWorkloads {
  static var all: [Workload] {
    [volume(64, pixels: 128, samples: 128), large] + SignedDistanceWorkloads.all
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

  private static var large: Workload { volume(256, pixels: 256, samples: 256) }
}
