import LumiRendering
import LumiScene
import LumiTensor

/// A radiance grid that stores only the values that pruning left.
///
/// Densities and coefficients are rows of a list; a grid of positions in it, four bytes a value,
/// finds them. What is not stored is 0. Everything is as in `VoxelGrid`: the box, the placement,
/// ``RadianceGrid`` as its renderer, gradients of all that is stored.
public struct SparseRadianceGrid: SceneShape {
  /// [N]: density per world unit.
  public var densities: Tensor
  /// [N, C, 9].
  public var coefficients: Tensor
  /// int32 [X, Y, Z]: the row of every place; -1 for none. Structure, not a parameter.
  public let rows: Tensor
  public let placement: VoxelGrid.Placement
  /// The box's corners. Structure, not parameters.
  public let lower: SIMD3<Double>
  public let upper: SIMD3<Double>

  /// What stays of a dense grid. Differentiable with respect to its values.
  ///
  /// - Parameters:
  ///   - grid: densities and spherical harmonics; no warp.
  ///   - kept: bool [X, Y, Z], such as `VoxelGrid.kept(by:above:)` gives.
  /// - Throws: `SceneError` for a grid of another kind or another shape of `kept`.
  public init(_ grid: VoxelGrid, keeping kept: Tensor) throws {
    try grid.checkStructure()
    func require(_ holds: Bool, _ field: String, _ expected: String, _ actual: String) throws {
      guard holds else { throw SceneError(field: field, expected: expected, actual: actual) }
    }
    try require(
      grid.quantity == .density, "voxels.quantity", "density", grid.quantity.rawValue)
    try require(grid.warp == nil, "voxels.warp", "none", "a warp")
    guard case .sphericalHarmonics(let dense) = grid.appearance else {
      throw SceneError(
        field: "voxels.appearance", expected: "spherical harmonics", actual: "\(grid.appearance)")
    }
    try require(
      kept.shape == grid.values.shape && kept.dtype == .bool, "kept", "bool \(grid.values.shape)",
      "\(kept.dtype) \(kept.shape)")
    var places: [Int64] = []
    var table = [Int32](repeating: -1, count: kept.count)
    kept.withUnsafeScalars(as: Bool.self) { isKept in
      for at in isKept.indices where isKept[at] {
        table[at] = Int32(places.count)
        places.append(Int64(at))
      }
    }
    let indices = Tensor(places, shape: [places.count])
    densities = grid.values.reshaped([-1]).gather(indices)
    coefficients = dense.reshaped([kept.count, dense.shape[3], 9]).gather(indices)
    rows = Tensor(table, shape: kept.shape)
    (placement, lower, upper) = (grid.placement, grid.lower, grid.upper)
  }

  public static var parameterPrefix: String { "voxels." }
  public var dtype: DType { densities.dtype }
  /// How many values are stored.
  public var storedCount: Int { densities.shape[0] }
  /// The memory of parameters and positions.
  public var byteCount: Int {
    (densities.count + coefficients.count) * dtype.byteCount + rows.count * 4
  }

  /// Paths: "values" and "sphericalHarmonics", as in the dense grid.
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    var result = self
    result.densities = try transform("values", densities)
    result.coefficients = try transform("sphericalHarmonics", coefficients)
    return result
  }

  /// The dense grid with zeros in the gaps. Differentiable.
  public func dense() -> VoxelGrid {
    VoxelGrid(
      values: spread(densities, []), quantity: .density, placement: placement, lower: lower,
      upper: upper,
      appearance: .sphericalHarmonics(spread(coefficients, [coefficients.shape[1], 9])))
  }

  /// The densities alone as a dense grid, white, with zeros in the gaps: what weights are found
  /// with (``RadianceGrid/maximumWeights(of:from:)``). Differentiable.
  public func denseDensities() -> VoxelGrid {
    VoxelGrid(
      values: spread(densities, []), quantity: .density, placement: placement, lower: lower,
      upper: upper)
  }

  /// A list [N, ...] as a dense grid, with zeros in the gaps.
  private func spread(_ list: Tensor, _ rest: [Int]) -> Tensor {
    Tensor.scatterAdd(rows: list, at: storedPlaces, count: rows.count).reshaped(rows.shape + rest)
  }

  /// What stays of the stored values. Differentiable.
  ///
  /// - Parameter kept: bool [X, Y, Z].
  public func pruned(keeping kept: Tensor) -> SparseRadianceGrid {
    require(
      kept.shape == rows.shape && kept.dtype == .bool,
      "SparseRadianceGrid.pruned: \(kept.dtype) \(kept.shape) for places of shape \(rows.shape)")
    var (chosen, table) = ([Int64](), [Int32](repeating: -1, count: rows.count))
    rows.withUnsafeScalars(as: Int32.self) { rows in
      kept.withUnsafeScalars(as: Bool.self) { isKept in
        for at in rows.indices where isKept[at] && rows[at] >= 0 {
          table[at] = Int32(chosen.count)
          chosen.append(Int64(rows[at]))
        }
      }
    }
    let indices = Tensor(chosen, shape: [chosen.count])
    return SparseRadianceGrid(
      densities: densities.gather(indices), coefficients: coefficients.gather(indices),
      rows: Tensor(table, shape: rows.shape), placement: placement, lower: lower, upper: upper)
  }

  /// The place of every row among all places, x slowest and z fastest, int64 [N].
  public var storedPlaces: Tensor {
    var places = [Int64](repeating: 0, count: storedCount)
    rows.withUnsafeScalars(as: Int32.self) { rows in
      for (at, row) in rows.enumerated() where row >= 0 { places[Int(row)] = Int64(at) }
    }
    return Tensor(places, shape: [places.count])
  }

  /// The grid with another number of values in the same box, by trilinear interpolation; places
  /// beside no stored value stay empty.
  ///
  /// - Parameter counts: along x, y and z, at least 1; at least 2 for nodes.
  public func resampled(to counts: SIMD3<Int>) -> SparseRadianceGrid {
    let least = placement == .nodes ? 2 : 1
    require(
      counts.min() >= least,
      "SparseRadianceGrid.resampled: \(counts) values, expected at least \(least)")
    let shape = [counts.x, counts.y, counts.z]
    let positions = VoxelGrid(
      values: .zeros(shape, dtype: dtype), quantity: .density, placement: placement, lower: lower,
      upper: upper
    ).valuePositions()
    let all = gridPoints(positions).reshaped([-1, 3])
    let places = besideStored(all)
    let points = all.gather(places)
    func moved(_ table: Tensor) -> Tensor {
      let width = table.shape.dropFirst().reduce(1, *)
      return sampleTrilinear(
        table.reshaped([storedCount, width]), rows: rows, at: points, border: .clamped)
    }
    var table = [Int32](repeating: -1, count: counts.x * counts.y * counts.z)
    for (row, place) in places.scalars(as: Int64.self).enumerated() {
      table[Int(place)] = Int32(row)
    }
    return SparseRadianceGrid(
      densities: moved(densities).squeezed(axis: 1),
      coefficients: moved(coefficients).reshaped([places.count, coefficients.shape[1], 9]),
      rows: Tensor(table, shape: shape), placement: placement, lower: lower, upper: upper)
  }

  private init(
    densities: Tensor, coefficients: Tensor, rows: Tensor, placement: VoxelGrid.Placement,
    lower: SIMD3<Double>, upper: SIMD3<Double>
  ) {
    (self.densities, self.coefficients, self.rows) = (densities, coefficients, rows)
    (self.placement, self.lower, self.upper) = (placement, lower, upper)
  }

  /// Values along x, y and z.
  public var counts: SIMD3<Int> { SIMD3(rows.shape[0], rows.shape[1], rows.shape[2]) }

  /// The distance between neighbouring values along x, y and z in world units.
  public var spacing: SIMD3<Double> {
    (upper - lower) / SIMD3<Double>(placement == .cells ? counts : counts &- 1)
  }

  var bounds: (lower: Tensor, upper: Tensor) { (vector(lower), vector(upper)) }

  /// World points [..., 3] in grid coordinates [..., 3].
  func gridPoints(_ world: Tensor) -> Tensor {
    let first = placement == .cells ? lower + spacing * 0.5 : lower
    return (world - vector(first)) / vector(spacing)
  }

  private func vector(_ v: SIMD3<Double>) -> Tensor { Tensor([v.x, v.y, v.z]).cast(to: dtype) }

  /// Which points [M, 3] have a stored value among their eight neighbours: int64 [N], at least one,
  /// so that tensors are not empty.
  func besideStored(_ points: Tensor) -> Tensor {
    var result: [Int64] = []
    let counts = counts
    points.stoppingGradient().cast(to: .float64).withUnsafeScalars(as: Double.self) { place in
      rows.withUnsafeScalars(as: Int32.self) { rows in
        for n in 0..<place.count / 3 {
          let base = SIMD3(place[3 * n], place[3 * n + 1], place[3 * n + 2]).rounded(.down)
          guard all(base .>= -1), all(base .< SIMD3<Double>(counts)) else { continue }
          let low = SIMD3(Int(base.x), Int(base.y), Int(base.z))
          for corner in 0..<8 {
            let node = low &+ SIMD3(corner >> 2, (corner >> 1) & 1, corner & 1)
            guard all(node .>= 0), all(node .< counts) else { continue }
            if rows[(node.x * counts.y + node.y) * counts.z + node.z] >= 0 {
              result.append(Int64(n))
              break
            }
          }
        }
      }
    }
    if result.isEmpty { result = [0] }
    return Tensor(result, shape: [result.count])
  }
}
