import LumiRendering
import LumiScene
import LumiTensor

extension VoxelGrid {
  /// The sums of ``VolumeIntegration`` over the filled values, with what the appearance shows as
  /// colours; samples in empty blocks are left out.
  func integral(
    _ integration: VolumeIntegration, along samples: RegularSamples,
    skipping occupancy: OccupancyPyramid? = nil
  ) -> VolumeIntegral {
    let place = placement == .cells ? lower + spacing * 0.5 : lower
    func sums(_ features: Tensor?, _ basis: Tensor? = nil) -> VolumeIntegral {
      integration(
        VolumeLattice(density: filled, features: features, origin: place, spacing: spacing),
        along: samples, basis: basis, skipping: occupancy)
    }
    switch appearance {
    case .uniform(let color):
      let found = sums(nil)
      return VolumeIntegral(
        color: found.weight.expandingDims(at: 1) * color, weight: found.weight,
        remainder: found.remainder, distance: found.distance)
    case .colors(let colors): return sums(colors)
    case .sphericalHarmonics(let coefficients):
      return sums(
        coefficients.reshaped(Array(coefficients.shape.prefix(3)) + [-1]),
        sphericalHarmonics(samples.rays.directions))
    }
  }
}

extension VoxelGrid {
  /// Filled values, [R, S], and colours, [R, S, C], at samples; nothing outside of the grid.
  func sampled(at samples: RaySamples, along rays: CameraRays) -> (values: Tensor, colors: Tensor) {
    let shape = samples.distances.shape
    let points = gridPoints(samples.positions).reshaped([-1, 3])
    let found = sampleTrilinear(filled.expandingDims(at: 3), at: points)
    let along = rays.directions.expandingDims(at: 1).broadcast(to: shape + [3]).reshaped([-1, 3])
    return (
      found.reshaped(shape), colors(at: points, seenAlong: along).reshaped(shape + [-1])
    )
  }
}
