import LumiRendering
import LumiScene
import LumiTensor

/// How SDFDiff looks for the surface along a ray.
struct SphereTracing {
  /// A ray that is closer to the surface than this times the width of a pixel there has hit it.
  var pixelShare: Double
  /// A value of exactly 0 is no hit, as in the published program for several views.
  var skipsZero: Bool
  var maximumSteps = 1000
  /// How far beyond the box's face a ray from outside starts.
  var entryOffset = 1e-5

  /// Where a ray met the surface.
  struct Hit {
    /// The ray's row.
    var ray: Int
    var position: SIMD3<Double>
    /// The lower node of the cell.
    var cell: SIMD3<Int>
    /// Steps before the hit.
    var steps: Int
  }

  /// The rays that hit, in their order.
  ///
  /// - Parameters:
  ///   - grid: distances on nodes.
  ///   - rays: unit directions.
  ///   - footprint: the width of a pixel at a distance D along each ray: a + b·D.
  func hits(
    _ grid: VoxelGrid, _ rays: PixelRays, footprint: (constant: Double, slope: [Double])
  ) -> [Hit] {
    grid.dtype == .float32
      ? hits(DistanceField<Float>(grid), rays, footprint)
      : hits(DistanceField<Double>(grid), rays, footprint)
  }

  private func hits<T: TensorScalar & BinaryFloatingPoint>(
    _ field: DistanceField<T>, _ rays: PixelRays, _ footprint: (constant: Double, slope: [Double])
  ) -> [Hit] {
    let origins = rays.rays.origins.scalars(as: Double.self)
    let directions = rays.rays.directions.scalars(as: Double.self)
    let (near, far) = (
      rays.visible.near.scalars(as: Double.self), rays.visible.far.scalars(as: Double.self)
    )
    let count = origins.count / 3
    let block = 256
    let blocks = (count + block - 1) / block
    var found = [[Hit]](repeating: [], count: blocks)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      parallelFor(blocks) { b in
        let values = field.values.pointer(T.self)
        for ray in b * block..<min((b + 1) * block, count) {
          let path = RayLine(
            origin: SIMD3(origins[3 * ray], origins[3 * ray + 1], origins[3 * ray + 2]),
            direction: SIMD3(directions[3 * ray], directions[3 * ray + 1], directions[3 * ray + 2]),
            near: near[ray], far: far[ray])
          if let hit = trace(ray, path, field, values, footprint.constant, footprint.slope[ray]) {
            found[b].append(hit)
          }
        }
      }
    }
    return found.flatMap { $0 }
  }

  @inline(__always)
  private func trace<T: TensorScalar & BinaryFloatingPoint>(
    _ ray: Int, _ path: RayLine, _ field: DistanceField<T>, _ values: UnsafePointer<T>,
    _ constant: Double, _ slope: Double
  ) -> Hit? {
    var distance = max(path.near, 0)
    var hasEntered = false
    for steps in 0..<maximumSteps {
      guard distance <= path.far else { return nil }
      let position = path.origin + path.direction * distance
      guard field.contains(position) else {
        guard !hasEntered, let entry = field.entry(position, path.direction) else { return nil }
        hasEntered = true
        distance += entry + entryOffset
        continue
      }
      let place = (position - field.lower) / field.spacing
      let cell = field.cell(place)
      let value = field.value(values, place, in: cell)
      if value < pixelShare * (constant + slope * distance), !(skipsZero && value == 0) {
        return Hit(ray: ray, position: position, cell: cell, steps: steps)
      }
      distance += value
    }
    return nil
  }
}

private struct RayLine {
  let origin: SIMD3<Double>
  let direction: SIMD3<Double>
  let near: Double
  let far: Double
}

/// A grid's values as the tracing reads them: in its own type, reckoned in double.
struct DistanceField<T: TensorScalar & BinaryFloatingPoint>: Sendable {
  let values: Tensor
  let counts: SIMD3<Int>
  let lower: SIMD3<Double>
  let upper: SIMD3<Double>
  let spacing: SIMD3<Double>

  init(_ grid: VoxelGrid) {
    values = grid.values.stoppingGradient()
    (counts, lower, upper, spacing) = (grid.counts, grid.lower, grid.upper, grid.spacing)
  }

  @inline(__always)
  func contains(_ p: SIMD3<Double>) -> Bool {
    p.x >= lower.x && p.y >= lower.y && p.z >= lower.z
      && p.x <= upper.x && p.y <= upper.y && p.z <= upper.z
  }

  /// How far it is to the last of the faces that the ray comes towards; nil if there is none, or if
  /// it is behind.
  func entry(_ p: SIMD3<Double>, _ direction: SIMD3<Double>) -> Double? {
    var result = -Double.infinity
    for axis in 0..<3 {
      if direction[axis] > 0 { result = max(result, (lower[axis] - p[axis]) / direction[axis]) }
      if direction[axis] < 0 { result = max(result, (upper[axis] - p[axis]) / direction[axis]) }
    }
    return result >= 0 && result.isFinite ? result : nil
  }

  @inline(__always)
  func cell(_ place: SIMD3<Double>) -> SIMD3<Int> {
    SIMD3(
      min(Int(place.x), counts.x - 2), min(Int(place.y), counts.y - 2),
      min(Int(place.z), counts.z - 2))
  }

  /// The trilinear value.
  @inline(__always)
  func value(
    _ values: UnsafePointer<T>, _ place: SIMD3<Double>, in cell: SIMD3<Int>
  ) -> Double {
    let (x, y, z) = (
      place.x - Double(cell.x), place.y - Double(cell.y), place.z - Double(cell.z)
    )
    let (row, plane) = (counts.z, counts.y * counts.z)
    let at = values + (cell.x * plane + cell.y * row + cell.z)
    func edge(_ k: Int) -> Double { Double(at[k]) * (1 - z) + Double(at[k + 1]) * z }
    func face(_ k: Int) -> Double { edge(k) * (1 - y) + edge(k + row) * y }
    return face(0) * (1 - x) + face(plane) * x
  }
}
