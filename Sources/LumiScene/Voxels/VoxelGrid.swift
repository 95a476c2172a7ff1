import LumiTensor

/// Values on a regular lattice in an axis-aligned box of the world.
///
/// Everywhere in the package the axes of a grid are x, y, z, in this order: `values[i, j, k]` is
/// value i along x, j along y, k along z. Initialisers store what they are given; call
/// ``validated()`` on data from outside.
public struct VoxelGrid: SceneShape {
  /// What the values are.
  public enum Quantity: String, Sendable, CaseIterable {
    /// The probability in [0, 1] that a cell is filled.
    case occupancy
    /// The probability in [0, 1] that a cell is empty.
    case emptiness
    /// Density per world unit, at least 0.
    case density
    /// The distance to the surface in world units, negative inside.
    case signedDistance
  }

  /// Where the values are.
  public enum Placement: String, Sendable, CaseIterable {
    /// In the middle of cells that fill the box.
    case cells
    /// On nodes; the first and the last lie on the box. At least two along each axis.
    case nodes
  }

  /// [X, Y, Z].
  public var values: Tensor
  public var quantity: Quantity
  public var placement: Placement
  /// The box's corner with the smallest coordinates. Structure, not a parameter.
  public var lower: SIMD3<Double>
  /// The box's corner with the largest coordinates. Structure, not a parameter.
  public var upper: SIMD3<Double>
  public var appearance: VoxelAppearance
  /// [X', Y', Z', 3], in the middle of cells that fill the box: where the values for a place are to
  /// be found (an inverse warp), as coordinates from -1 to 1 across the box. Nil for the place
  /// itself. Methods that do not follow it throw.
  public var warp: Tensor?

  /// - Parameters:
  ///   - values: [X, Y, Z].
  ///   - quantity: what they are.
  ///   - placement: where they are; in the middle of cells by default.
  ///   - lower: the box's corner with the smallest coordinates; -1 along each axis by default.
  ///   - upper: the box's corner with the largest coordinates; 1 along each axis by default.
  ///   - appearance: white if nil.
  ///   - warp: [X', Y', Z', 3].
  public init(
    values: Tensor, quantity: Quantity, placement: Placement = .cells,
    lower: SIMD3<Double> = [-1, -1, -1], upper: SIMD3<Double> = [1, 1, 1],
    appearance: VoxelAppearance? = nil, warp: Tensor? = nil
  ) {
    self.values = values
    self.quantity = quantity
    self.placement = placement
    self.lower = lower
    self.upper = upper
    self.appearance = appearance ?? .uniform(.ones([3], dtype: values.dtype))
    self.warp = warp
  }

  public static var parameterPrefix: String { "voxels." }
  public var dtype: DType { values.dtype }
  /// Values along x, y and z.
  public var counts: SIMD3<Int> { SIMD3(values.shape[0], values.shape[1], values.shape[2]) }
  /// The box's sides in world units.
  public var extent: SIMD3<Double> { upper - lower }

  /// The distance between neighbouring values along x, y and z in world units.
  public var spacing: SIMD3<Double> {
    let intervals = placement == .cells ? counts : counts &- 1
    return extent / SIMD3<Double>(intervals)
  }

  /// Paths: "values", those of the appearance, and "warp" if there is one.
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    var result = self
    result.values = try transform("values", values)
    result.appearance = try appearance.mapParameters(transform)
    result.warp = try warp.map { try transform("warp", $0) }
    return result
  }
}

/// The colour of a grid's cells or nodes, linear, C channels.
public enum VoxelAppearance: Parameterized, Sendable {
  /// One colour [C]; path "color".
  case uniform(Tensor)
  /// [X, Y, Z, C], at the places of the values; path "colors".
  case colors(Tensor)
  /// [X, Y, Z, C, 9]: every channel as a function of the direction of view, in the nine real
  /// spherical harmonics of Docs/Conventions.md; path "sphericalHarmonics".
  case sphericalHarmonics(Tensor)

  /// C.
  public var channels: Int {
    switch self {
    case .uniform(let values), .colors(let values): values.shape.last ?? 0
    case .sphericalHarmonics(let values): values.rank == 5 ? values.shape[3] : 0
    }
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    switch self {
    case .uniform(let color): .uniform(try transform("color", color))
    case .colors(let colors): .colors(try transform("colors", colors))
    case .sphericalHarmonics(let coefficients):
      .sphericalHarmonics(try transform("sphericalHarmonics", coefficients))
    }
  }
}
