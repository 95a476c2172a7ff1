import LumiRendering
import LumiScene
import LumiTensor

// Drawing a sparse grid: the same samples as in the dense one, of which only those beside a stored
// value are looked up, and colours only where a sample has a weight. In float32 weights up to 1e-8
// count as none, which changes a pixel by at most 1e-8 times its samples.

extension RadianceGrid {
  /// Draws a sparse grid.
  public func render(
    _ scene: Scene<SparseRadianceGrid>, from camera: Camera
  ) throws -> RenderOutput {
    try check(scene, camera)
    return try draw(
      scene, PixelRays(of: camera), height: camera.height, width: camera.width, far: camera.far)
  }

  /// Draws some pixels of several views of a sparse grid, as one row of an image.
  ///
  /// - Parameters:
  ///   - scene: a sparse grid.
  ///   - pixels: int32 or int64 [N], positions among all pixels of all cameras: camera after camera,
  ///     row after row.
  ///   - cameras: at least one. Where nothing is seen, the depth is the far depth of the first.
  public func render(
    _ scene: Scene<SparseRadianceGrid>, pixels: Tensor, of cameras: [Camera]
  ) throws -> RenderOutput {
    try PixelRays.check(pixels, of: cameras, method: Self.method.id)
    for camera in cameras { try check(scene, camera) }
    return try draw(
      scene, PixelRays(of: cameras, pixels: pixels), height: 1, width: pixels.count,
      far: cameras[0].far)
  }

  private func draw(
    _ scene: Scene<SparseRadianceGrid>, _ rays: PixelRays, height: Int, width: Int, far: Double
  ) throws -> RenderOutput {
    let grid = scene.shape
    let count = try sampleCount(grid.upper - grid.lower, grid.spacing)
    return try scene.output(
      along: rays, height: height, width: width, wanted: channels, method: Self.method.id,
      samplesPerRay: count
    ) { scene, rays, _, _ in
      let samples = rays.samples(in: scene.shape.bounds, count: count)
      return scene.shape.picture(
        samples, depths: samples.distances * rays.depthPerDistance.expandingDims(at: 1),
        directions: rays.rays.directions, background: scene.background, far: far)
    }
  }

  private func check(_ scene: Scene<SparseRadianceGrid>, _ camera: Camera) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: Self.method.id, parameter: name, expected: expected, actual: actual)
    }
    let grid = scene.shape
    let rows = grid.coefficients.shape
    try require(
      grid.densities.rank == 1 && rows.count == 3 && rows[0] == grid.storedCount && rows[1] > 0
        && rows[2] == 9 && grid.coefficients.dtype == grid.dtype, "voxels.sphericalHarmonics",
      "\(grid.dtype) [\(grid.storedCount), C, 9]", "\(grid.coefficients.dtype) \(rows)")
    try scene.checkFrame(for: camera, method: Self.method.id, channels: rows[1])
  }
}

extension SparseRadianceGrid {
  /// What rays see.
  fileprivate func picture(
    _ samples: RaySamples, depths: Tensor, directions: Tensor, background: Tensor, far: Double
  ) -> RayPicture {
    let shape = samples.distances.shape
    let all = gridPoints(samples.positions).reshaped([-1, 3])
    let places = besideStored(all)
    let points = all.gather(places)
    let limited = densities.clamped(min: -VoxelGrid.opaque, max: VoxelGrid.opaque)
    let found = sampleTrilinear(limited.expandingDims(at: 1), rows: rows, at: points)
      .squeezed(axis: 1).clamped(min: 0)
    let values = Tensor.scatterAdd(rows: found, at: places, count: all.shape[0]).reshaped(shape)
    let weights = EmissionAbsorption().weights(of: values, lengths: samples.lengths)

    // Behind a surface and where density is below 0 there is nothing whose colour matters.
    let held = weights.samples.reshaped([-1]).gather(places)
    let seen = held.positions(above: dtype == .float32 ? 1e-8 : 0)
    let owners = Tensor(
      places.gather(seen).scalars(as: Int64.self).map { $0 / Int64(shape[1]) }, shape: seen.shape)
    let basis = sphericalHarmonics(directions).gather(owners).expandingDims(at: 1)
    let channels = coefficients.shape[1]
    let looked = sampleTrilinear(
      coefficients.reshaped([storedCount, channels * 9]), rows: rows, at: points.gather(seen),
      border: .clamped
    ).reshaped([seen.count, channels, 9])
    let colors = VoxelAppearance.sphericalHarmonics(coefficients)
      .radiance((looked * basis).sum(axis: 2))
    let emitted = Tensor.scatterAdd(
      rows: colors * held.gather(seen).expandingDims(at: 1), at: owners, count: shape[0])
    return RayPicture(
      color: emitted + weights.remainder.expandingDims(at: 1) * background,
      alpha: 1 - weights.remainder, depth: weights.composite(depths, background: far))
  }
}

extension Tensor {
  /// Which elements of [N] are above a threshold: int64 [M], at least one, so that tensors are not
  /// empty.
  fileprivate func positions(above threshold: Double) -> Tensor {
    let isAbove = stoppingGradient() .> threshold
    var result = isAbove.withUnsafeScalars(as: Bool.self) { flags in
      flags.indices.filter { flags[$0] }.map(Int64.init)
    }
    if result.isEmpty { result = [0] }
    return Tensor(result, shape: [result.count])
  }
}
