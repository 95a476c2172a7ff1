import LumiScene
import LumiTensor

// Places of a grid and what is beside them, as rows: what total variation is made of.

extension VoxelGrid {
  /// Random places with the next along x, y and z, int64 [count, 4], as rows of the values one after
  /// the other; the place itself where a neighbour is outside.
  ///
  /// - Parameters:
  ///   - count: at least 1.
  ///   - random: what decides.
  public func randomNeighbours(_ count: Int, _ random: inout RandomGenerator) -> Tensor {
    let places = randomPlaces(count, below: values.count, &random)
    return neighbourRows(places, counts) { $0 }
  }
}

extension SparseRadianceGrid {
  /// Random stored places with the next along x, y and z, int64 [count, 4], as rows; the place
  /// itself where nothing is stored.
  ///
  /// - Parameters:
  ///   - count: at least 1.
  ///   - random: what decides.
  public func randomNeighbours(_ count: Int, _ random: inout RandomGenerator) -> Tensor {
    require(storedCount > 0, "SparseRadianceGrid.randomNeighbours: nothing is stored")
    let stored = storedPlaces.scalars(as: Int64.self)
    let places = randomPlaces(count, below: storedCount, &random).map { Int(stored[$0]) }
    return rows.withUnsafeScalars(as: Int32.self) { rows in
      neighbourRows(places, counts) { rows[$0] < 0 ? nil : Int(rows[$0]) }
    }
  }
}

/// Rows of places and of the next along each axis.
private func neighbourRows(
  _ places: [Int], _ counts: SIMD3<Int>, _ row: (Int) -> Int?
) -> Tensor {
  let strides = SIMD3(counts.y * counts.z, counts.z, 1)
  var result: [Int64] = []
  result.reserveCapacity(4 * places.count)
  for place in places {
    let own = row(place)!
    result.append(Int64(own))
    for axis in 0..<3 {
      let isLast = place / strides[axis] % counts[axis] == counts[axis] - 1
      result.append(Int64(isLast ? own : row(place + strides[axis]) ?? own))
    }
  }
  return Tensor(result, shape: [places.count, 4])
}

private func randomPlaces(
  _ count: Int, below bound: Int, _ random: inout RandomGenerator
) -> [Int] {
  require(count >= 1, "randomNeighbours: \(count) places, expected at least 1")
  return random.integers([count], below: bound, dtype: .int64).scalars(as: Int64.self).map(Int.init)
}
