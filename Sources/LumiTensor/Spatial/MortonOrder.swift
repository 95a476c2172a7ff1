/// Places along a space-filling curve that keeps neighbours together.
enum MortonOrder {
  /// The numbers of the finite ones of places [N, 3], equal ones in order.
  static func of(_ places: [Double]) -> [Int32] {
    let count = places.count / 3
    var low = SIMD3<Double>(repeating: .infinity)
    var high = -low
    var finite: [Int32] = []
    finite.reserveCapacity(count)
    for item in 0..<count {
      let place = SIMD3(places[3 * item], places[3 * item + 1], places[3 * item + 2])
      guard place.x.isFinite && place.y.isFinite && place.z.isFinite else { continue }
      finite.append(Int32(item))
      for axis in 0..<3 {
        low[axis] = Swift.min(low[axis], place[axis])
        high[axis] = Swift.max(high[axis], place[axis])
      }
    }
    let scale = (0..<3).map { axis in
      let extent = high[axis] - low[axis]
      return extent > 0 && extent.isFinite ? 2_097_151 / extent : 0
    }
    let keys = finite.map { item in
      (0..<3).reduce(UInt64(0)) { code, axis in
        code | spread(cell(places[3 * Int(item) + axis] - low[axis], scale[axis])) << UInt64(axis)
      }
    }
    return sorted(finite, by: keys)
  }

  private static func cell(_ offset: Double, _ scale: Double) -> UInt64 {
    let value = offset * scale
    return value > 0 ? UInt64(Swift.min(value, 2_097_151)) : 0
  }

  /// The 21 low bits, two zeros after each.
  private static func spread(_ value: UInt64) -> UInt64 {
    var x = value
    x = (x | x << 32) & 0x001F_0000_0000_FFFF
    x = (x | x << 16) & 0x001F_0000_FF00_00FF
    x = (x | x << 8) & 0x100F_00F0_0F00_F00F
    x = (x | x << 4) & 0x10C3_0C30_C30C_30C3
    return (x | x << 2) & 0x1249_2492_4924_9249
  }

  /// A stable radix sort, eleven bits at a time.
  private static func sorted(_ items: [Int32], by keys: [UInt64]) -> [Int32] {
    let (bits, buckets) = (UInt64(11), 1 << 11)
    var (from, to) = (zip(keys, items).map { Keyed(key: $0, item: $1) }, [Keyed]())
    to = from
    for shift in stride(from: UInt64(0), to: 63, by: Int(bits)) {
      var starts = [Int](repeating: 0, count: buckets + 1)
      for entry in from { starts[Int(entry.key >> shift) & (buckets - 1) + 1] += 1 }
      for bucket in 0..<buckets { starts[bucket + 1] += starts[bucket] }
      for entry in from {
        let bucket = Int(entry.key >> shift) & (buckets - 1)
        to[starts[bucket]] = entry
        starts[bucket] += 1
      }
      swap(&from, &to)
    }
    return from.map(\.item)
  }

  private struct Keyed {
    let key: UInt64
    let item: Int32
  }
}
