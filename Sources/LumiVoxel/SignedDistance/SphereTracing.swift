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
    let field = DistanceField(grid)
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
        for ray in b * block..<min((b + 1) * block, count) {
          let hit = trace(
            ray, field, SIMD3(origins[3 * ray], origins[3 * ray + 1], origins[3 * ray + 2]),
            SIMD3(directions[3 * ray], directions[3 * ray + 1], directions[3 * ray + 2]),
            near[ray], far[ray], footprint.constant, footprint.slope[ray])
          if let hit { found[b].append(hit) }
        }
      }
    }
    return found.flatMap { $0 }
  }

  private func trace(
    _ ray: Int, _ field: DistanceField, _ origin: SIMD3<Double>, _ direction: SIMD3<Double>,
    _ near: Double, _ far: Double, _ constant: Double, _ slope: Double
  ) -> Hit? {
    var distance = max(near, 0)
    var hasEntered = false
    for steps in 0..<maximumSteps {
      guard distance <= far else { return nil }
      let position = origin + direction * distance
      guard field.contains(position) else {
        guard !hasEntered, let entry = field.entry(position, direction) else { return nil }
        hasEntered = true
        distance += entry + entryOffset
        continue
      }
      let cell = field.cell(position)
      let value = field.value(position, in: cell)
      if value < pixelShare * (constant + slope * distance), !(skipsZero && value == 0) {
        return Hit(ray: ray, position: position, cell: cell, steps: steps)
      }
      distance += value
    }
    return nil
  }
}

/// A grid's values as the tracing reads them.
private struct DistanceField: Sendable {
  let values: [Double]
  let counts: SIMD3<Int>
  let lower: SIMD3<Double>
  let upper: SIMD3<Double>
  let spacing: SIMD3<Double>

  init(_ grid: VoxelGrid) {
    values = grid.values.scalars(as: Double.self)
    (counts, lower, upper, spacing) = (grid.counts, grid.lower, grid.upper, grid.spacing)
  }

  func contains(_ p: SIMD3<Double>) -> Bool {
    (0..<3).allSatisfy { p[$0] >= lower[$0] && p[$0] <= upper[$0] }
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

  func cell(_ p: SIMD3<Double>) -> SIMD3<Int> {
    let place = (p - lower) / spacing
    var cell = SIMD3<Int>()
    for axis in 0..<3 { cell[axis] = min(Int(place[axis]), counts[axis] - 2) }
    return cell
  }

  /// The trilinear value.
  func value(_ p: SIMD3<Double>, in cell: SIMD3<Int>) -> Double {
    let share = (p - lower) / spacing - SIMD3<Double>(cell)
    let (row, plane) = (counts.z, counts.y * counts.z)
    let at = cell.x * plane + cell.y * row + cell.z
    func edge(_ k: Int) -> Double { values[k] * (1 - share.z) + values[k + 1] * share.z }
    func face(_ k: Int) -> Double { edge(k) * (1 - share.y) + edge(k + row) * share.y }
    return face(at) * (1 - share.x) + face(at + plane) * share.x
  }
}
