import LumiScene
import LumiTensor

/// A grid that tells where a surface is not: for every cell how far the surface is at least from all
/// of its points.
///
/// Made once from the values at the cells' centres, it saves evaluations along all rays that come
/// later, until the field changes. Nothing is overlooked as long as the field's slope nowhere exceeds
/// the bound given: 1 for signed distances and for the bounds that combinations of them are. A network
/// has no such bound by itself; a generous one costs little. Outside of the grid nothing is known.
public struct EmptySpace: Sendable {
  public let bounds: FieldBounds
  /// Cells along each side of the box around the bounds.
  public let resolution: Int
  /// How often the field was evaluated to make it.
  public var evaluations: Int { resolution * resolution * resolution }

  private let lower: SIMD3<Double>
  private let cell: SIMD3<Double>
  private let distances: [Double]

  /// - Parameters:
  ///   - surface: what is to be found.
  ///   - bounds: the grid is the box around.
  ///   - resolution: cells along each side, at least 1.
  ///   - slope: the largest slope of the surface's function, above 0.
  public init(
    around surface: LevelSet, in bounds: FieldBounds, resolution: Int = 32, slope: Double = 1
  ) {
    require(
      resolution >= 1 && slope > 0,
      "EmptySpace: resolution \(resolution), slope \(slope); expected at least 1 and above 0")
    let box = bounds.box
    let cell = (box.upper - box.lower) / Double(resolution)
    var centres: [Double] = []
    centres.reserveCapacity(3 * resolution * resolution * resolution)
    for x in 0..<resolution {
      for y in 0..<resolution {
        for z in 0..<resolution {
          let place = box.lower + cell * (SIMD3(Double(x), Double(y), Double(z)) + 0.5)
          centres += [place.x, place.y, place.z]
        }
      }
    }
    let reach = (cell * cell).sum().squareRoot() / 2
    let values = surface.values(
      at: Tensor(centres, shape: [centres.count / 3, 3]).cast(to: surface.dtype))
    (self.bounds, self.resolution, lower, self.cell) = (bounds, resolution, box.lower, cell)
    distances = values.map { $0.isFinite ? $0 / slope - reach : 0 }
  }

  /// How far the surface is from a point at least; 0 where nothing is known, below 0 only inside.
  func bound(at point: SIMD3<Double>) -> Double {
    let place = (point - lower) / cell
    // Written so that a point that is not a number is outside.
    guard place.min() >= 0 && place.max() < Double(resolution) else { return 0 }
    let (x, y, z) = (Int(place.x), Int(place.y), Int(place.z))
    return distances[(x * resolution + y) * resolution + z]
  }

  /// How far a ray gets from a distance on before it is near something, in steps that are worth it.
  func exit(
    from start: Double, before end: Double, _ point: (Double) -> SIMD3<Double>
  ) -> Double {
    // Shorter steps would save less than they lose: an evaluation may go farther.
    let least = cell.min() / 2
    var distance = start
    while distance < end {
      let step = bound(at: point(distance))
      guard step > least else { break }
      distance += step
    }
    return distance
  }
}
