import LumiRendering
import LumiScene
import LumiTensor

/// How near rays come to the surface of a grid of signed distances.
///
/// Computes: the least value along every ray, and where it is. Negative for a ray that goes through
/// the body, positive for one that passes it: what a silhouette knows about a distance function.
/// Sphere tracing has no gradient where a ray misses; this has one on both sides of the outline. The
/// place counts as constant, which is right for a least value; the derivative is that of the value
/// there.
///
/// Cannot: find the least value to better than the step where the grid is no distance function: a
/// ray goes on by what the value lies above the least one so far. Of a ray through the body only the
/// deepest place gets a gradient.
public struct ClosestApproach: Sendable {
  /// [R], the least value; `farthest` for rays that miss the box.
  public let distances: Tensor
  /// [R, 3], where it is, constant; the ray's origin if it misses the box.
  public let positions: Tensor
  /// bool [R]: whether the ray goes through the box.
  public let isInBox: Tensor
  /// The length of the box's diagonal.
  public let farthest: Double

  /// - Parameters:
  ///   - rays: origins and unit directions [R, 3].
  ///   - grid: distances on nodes.
  ///   - step: the shortest step in spacings, above 0.
  public init(of rays: CameraRays, to grid: VoxelGrid, step: Double = 0.5) {
    require(
      grid.placement == .nodes && step > 0,
      "ClosestApproach: values on \(grid.placement), expected nodes; step \(step), above 0")
    let (places, hits) =
      grid.dtype == .float32
      ? Self.search(rays, DistanceField<Float>(grid), step)
      : Self.search(rays, DistanceField<Double>(grid), step)
    let count = hits.count
    farthest = (grid.extent * grid.extent).sum().squareRoot()
    isInBox = Tensor(hits) .> Tensor(0, dtype: .int32)
    positions = Tensor(places, shape: [count, 3]).cast(to: grid.dtype)
    let values = sampleTrilinear(
      grid.values.expandingDims(at: 3), at: grid.gridPoints(positions), border: .clamped)
    distances = Tensor.where(isInBox, values.squeezed(axis: 1), farthest)
  }

  private static func search<T: TensorScalar & BinaryFloatingPoint>(
    _ rays: CameraRays, _ field: DistanceField<T>, _ step: Double
  ) -> (places: [Double], hits: [Int32]) {
    let origins = rays.origins.scalars(as: Double.self)
    let directions = rays.directions.scalars(as: Double.self)
    let count = origins.count / 3
    var (places, hits) = (origins, [Int32](repeating: 0, count: count))
    let (block, least) = (256, step * field.spacing.min())
    places.withUnsafeMutableBufferPointer { places in
      hits.withUnsafeMutableBufferPointer { hits in
        nonisolated(unsafe) let (places, hits) = (places, hits)
        parallelFor((count + block - 1) / block) { b in
          let values = field.values.pointer(T.self)
          for ray in b * block..<min((b + 1) * block, count) {
            let at = 3 * ray
            let origin = SIMD3(origins[at], origins[at + 1], origins[at + 2])
            let direction = SIMD3(directions[at], directions[at + 1], directions[at + 2])
            guard let place = field.lowest(values, origin, direction, least) else { continue }
            (places[at], places[at + 1], places[at + 2]) = (place.x, place.y, place.z)
            hits[ray] = 1
          }
        }
      }
    }
    return (places, hits)
  }
}

extension DistanceField {
  /// Where a ray meets the lowest value; nil if it misses the box.
  @inline(__always)
  fileprivate func lowest(
    _ values: UnsafePointer<T>, _ origin: SIMD3<Double>, _ direction: SIMD3<Double>,
    _ step: Double
  ) -> SIMD3<Double>? {
    guard (origin + direction).sum().isFinite, let span = span(origin, direction) else {
      return nil
    }
    let (entry, length) = (origin + direction * span.near, span.far - span.near)
    var (gone, lowest, place) = (0.0, Double.infinity, entry)
    // From far away rounding may make the way within the box longer than the box.
    for _ in 0..<steps(step) {
      let position = clamped(entry + direction * gone)
      let grid = (position - lower) / spacing
      let value = value(values, grid, in: cell(grid))
      if value < lowest { (lowest, place) = (value, position) }
      guard gone < length else { break }
      // A distance function cannot fall by more than the way gone.
      gone = min(gone + max(step, value - lowest), length)
    }
    return place
  }

  /// How many steps a ray takes at most.
  private func steps(_ step: Double) -> Int {
    let diagonal = ((upper - lower) * (upper - lower)).sum().squareRoot()
    return Int(min(diagonal / step, 1e6)) + 3
  }

  private func clamped(_ p: SIMD3<Double>) -> SIMD3<Double> {
    pointwiseMin(pointwiseMax(p, lower), upper)
  }

  /// The part of a ray ahead of its origin that is in the box.
  private func span(
    _ origin: SIMD3<Double>, _ direction: SIMD3<Double>
  ) -> (near: Double, far: Double)? {
    var (near, far) = (0.0, Double.infinity)
    for axis in 0..<3 {
      if direction[axis] == 0 {
        guard origin[axis] >= lower[axis] && origin[axis] <= upper[axis] else { return nil }
      } else {
        let a = (lower[axis] - origin[axis]) / direction[axis]
        let b = (upper[axis] - origin[axis]) / direction[axis]
        near = max(near, min(a, b))
        far = min(far, max(a, b))
      }
    }
    return near < far && far.isFinite ? (near, far) : nil
  }
}
