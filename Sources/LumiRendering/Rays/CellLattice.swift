import Foundation
import LumiScene
import LumiTensor

/// Cells between planes, which rays can be followed through: of a box in the world, or of the view
/// of a camera.
public struct CellLattice: Sendable, Equatable {
  /// What the planes are.
  public enum Form: Sendable, Equatable {
    /// Planes across the axes, at `lower` + k·`step`.
    case regular
    /// Of a camera at the origin that looks along z: planes through the origin at whole pixels
    /// f·X/Z = `lower` + k along x and y, and planes of equal Z at lower.z·exp(k·step.z).
    case projective(focalLength: SIMD2<Double>)
  }

  public let form: Form
  /// Cells along each axis.
  public let counts: SIMD3<Int>
  public let lower: SIMD3<Double>
  public let step: SIMD3<Double>

  /// The cells of a box.
  ///
  /// - Parameters:
  ///   - lower: the box's corner with the smallest coordinates.
  ///   - upper: the corner with the largest, above `lower`.
  ///   - counts: cells along each axis, at least 1.
  public init(from lower: SIMD3<Double>, to upper: SIMD3<Double>, counts: SIMD3<Int>) {
    require(
      (0..<3).allSatisfy { counts[$0] >= 1 && upper[$0] > lower[$0] },
      "CellLattice: \(counts) cells from \(lower) to \(upper)")
    form = .regular
    self.lower = lower
    self.counts = counts
    step = (upper - lower) / SIMD3<Double>(counts)
  }

  /// The cells of a grid whose values are in the middle of them.
  public init(_ grid: VoxelGrid) {
    require(grid.placement == .cells, "CellLattice: a grid whose values are on nodes has no cells")
    self.init(from: grid.lower, to: grid.upper, counts: grid.counts)
  }

  /// The cells of a camera's view: pixels by depths that grow by a constant factor.
  ///
  /// - Parameters:
  ///   - lower: first pixel edge along x and y, and the nearest depth, above 0.
  ///   - upper: last pixel edge along x and y, and the farthest depth. Cells that do not fit whole
  ///     are left out.
  ///   - focalLength: in pixels.
  ///   - logDepthStep: the logarithm of that factor, above 0.
  public init(
    projectiveFrom lower: SIMD3<Double>, to upper: SIMD3<Double>, focalLength: SIMD2<Double>,
    logDepthStep: Double
  ) {
    // Bounds are often exp(k·step), which rounding may put just below a whole number.
    let depths = (log(upper.z / lower.z) / logDepthStep + 1e-9).rounded(.down)
    let cells = [upper.x - lower.x, upper.y - lower.y, depths]
    require(
      cells.allSatisfy { $0 >= 1 && $0 < 1e9 } && lower.z > 0 && logDepthStep > 0,
      "CellLattice: a projective lattice from \(lower) to \(upper), step \(logDepthStep)")
    form = .projective(focalLength: focalLength)
    self.lower = lower
    step = [1, 1, logDepthStep]
    counts = SIMD3(Int(cells[0]), Int(cells[1]), Int(cells[2]))
  }

  public var cellCount: Int { counts.x * counts.y * counts.z }

  /// The row of a cell in a list with x slowest and z fastest.
  func row(_ cell: SIMD3<Int>) -> Int { (cell.x * counts.y + cell.y) * counts.z + cell.z }

  /// The cell that a point is in; nil outside. Upper faces belong to the next cell.
  func cell(at point: SIMD3<Double>) -> SIMD3<Int>? {
    let place: SIMD3<Double>
    switch form {
    case .regular: place = (point - lower) / step
    case .projective(let focal):
      guard point.z > 0 else { return nil }
      place = [
        focal.x * point.x / point.z - lower.x, focal.y * point.y / point.z - lower.y,
        log(point.z / lower.z) / step.z,
      ]
    }
    var result = SIMD3<Int>()
    for axis in 0..<3 {
      let index = place[axis].rounded(.down)
      guard index >= 0 && index < Double(counts[axis]) else { return nil }
      result[axis] = Int(index)
    }
    return result
  }

  /// Face k across an axis as n·p = c, with n towards larger k.
  @inline(__always)
  func face(_ axis: Int, _ k: Int) -> (normal: SIMD3<Double>, offset: Double) {
    var normal = SIMD3<Double>()
    switch form {
    case .regular:
      normal[axis] = 1
      return (normal, lower[axis] + Double(k) * step[axis])
    case .projective(let focal):
      if axis == 2 { return ([0, 0, 1], lower.z * exp(Double(k) * step.z)) }
      normal[axis] = focal[axis]
      normal.z = -(lower[axis] + Double(k))
      return (normal, 0)
    }
  }
}
