import LumiScene
import LumiTensor

/// A surface as ray tracing sees it: where a function of space has some value. Whatever the sign of
/// the function itself, values here are below 0 inside and above 0 outside. Without derivatives.
public struct LevelSet: Sendable {
  /// The dtype of points.
  public let dtype: DType
  private let evaluate: @Sendable (_ points: Tensor) -> Tensor
  private let level: Double
  private let isInsideAbove: Bool
  /// Points that are evaluated at once, so that the layers of a network fit the memory.
  private static let block = 1 << 14

  /// The surface of a field: distances are below the level inside, occupancies and densities above.
  ///
  /// - Parameters:
  ///   - field: of any quantity.
  ///   - level: the field's value on the surface.
  public init(_ field: any ImplicitField, level: Double = 0) {
    let constant = field.frozen()
    self.init(
      dtype: field.dtype, level: level, isInsideAbove: field.quantity != .signedDistance
    ) { constant.values(at: $0) }
  }

  /// - Parameters:
  ///   - dtype: of points and values.
  ///   - level: the function's value on the surface.
  ///   - isInsideAbove: whether values inside are above the level.
  ///   - values: from points [N, 3] to values [N].
  public init(
    dtype: DType, level: Double = 0, isInsideAbove: Bool = false,
    values: @escaping @Sendable (_ points: Tensor) -> Tensor
  ) {
    self.dtype = dtype
    self.level = level
    self.isInsideAbove = isInsideAbove
    evaluate = values
  }

  /// The values at points [N, 3].
  func values(at points: Tensor) -> [Double] {
    let count = points.shape[0]
    var result: [Double] = []
    result.reserveCapacity(count)
    for start in stride(from: 0, to: count, by: Self.block) {
      let part = points.slice(axis: 0, from: start, to: min(start + Self.block, count))
      result += withoutRecording { evaluate(part) }.cast(to: .float64).scalars(as: Double.self)
    }
    for index in result.indices {
      result[index] = isInsideAbove ? level - result[index] : result[index] - level
    }
    return result
  }
}

/// Rays as lists of numbers, and a count of what was evaluated along them.
struct TracingLines {
  let surface: LevelSet
  private let origins: Tensor
  private let directions: Tensor
  let count: Int
  private(set) var evaluations = 0

  init(_ rays: CameraRays, _ surface: LevelSet) {
    require(
      rays.origins.rank == 2 && rays.origins.shape == rays.directions.shape
        && rays.origins.dtype == surface.dtype && rays.directions.dtype == surface.dtype,
      """
      tracing: origins \(rays.origins.dtype) \(rays.origins.shape), directions \
      \(rays.directions.dtype) \(rays.directions.shape), field \(surface.dtype)
      """)
    self.surface = surface
    origins = rays.origins.stoppingGradient()
    directions = rays.directions.stoppingGradient()
    count = origins.shape[0]
  }

  /// The surface's values on some rays, at distances in their order.
  mutating func values(_ rows: [Int], at distances: [Double]) -> [Double] {
    guard !rows.isEmpty else { return [] }
    evaluations += rows.count
    return surface.values(at: points(rows, at: distances))
  }

  /// [N, 3]: origin + distance · direction, reckoned in the field's dtype as tensors reckon it.
  func points(_ rows: [Int], at distances: [Double]) -> Tensor {
    surface.dtype == .float32
      ? points(rows, distances, Float.self) : points(rows, distances, Double.self)
  }

  private func points<T: TensorScalar & BinaryFloatingPoint>(
    _ rows: [Int], _ distances: [Double], _ type: T.Type
  ) -> Tensor {
    let (from, along) = (origins.pointer(T.self), directions.pointer(T.self))
    return .build([rows.count, 3], T.self) { out in
      for (index, row) in rows.enumerated() {
        let distance = T(distances[index])
        for axis in 0..<3 {
          out[3 * index + axis] = from[3 * row + axis] + distance * along[3 * row + axis]
        }
      }
    }
  }

  /// A position on a ray.
  func point(_ row: Int, at distance: Double) -> SIMD3<Double> {
    func entry(_ tensor: Tensor, _ axis: Int) -> Double {
      surface.dtype == .float32
        ? Double(tensor.pointer(Float.self)[3 * row + axis])
        : tensor.pointer(Double.self)[3 * row + axis]
    }
    return SIMD3(
      entry(origins, 0) + distance * entry(directions, 0),
      entry(origins, 1) + distance * entry(directions, 1),
      entry(origins, 2) + distance * entry(directions, 2))
  }
}
