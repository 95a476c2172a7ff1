/// The compression of binary_compressed PCD files: M. Lehmann's LZF, a byte code of literal runs and
/// copies from up to 8192 bytes back.
enum LZF {
  /// No token gives more than 264 bytes for 3.
  static let mostExpansion = 88

  /// The first bytes that break the code end in nil; so does any other length than `count`.
  static func decompress(_ source: ArraySlice<UInt8>, count: Int) -> [UInt8]? {
    guard count <= source.count * mostExpansion else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(count)
    var place = source.startIndex
    while place < source.endIndex {
      let token = Int(source[place])
      place += 1
      if token < 32 {
        let end = place + token + 1
        guard end <= source.endIndex, out.count + token + 1 <= count else { return nil }
        out += source[place..<end]
        place = end
        continue
      }
      var length = token >> 5 + 2
      if length == 9 {
        guard place < source.endIndex else { return nil }
        length += Int(source[place])
        place += 1
      }
      guard place < source.endIndex else { return nil }
      let from = out.count - ((token & 31) << 8 | Int(source[place])) - 1
      place += 1
      guard from >= 0, out.count + length <= count else { return nil }
      // One by one: a copy may overlap what it writes.
      for index in from..<from + length { out.append(out[index]) }
    }
    return out.count == count ? out : nil
  }

  /// Greedy: the last place with the same three bytes, if it is near enough.
  static func compress(_ source: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var last = [Int](repeating: -1, count: 1 << 14)
    var literals = 0
    var place = 0
    func flush(_ end: Int) {
      for start in stride(from: literals, to: end, by: 32) {
        let length = min(32, end - start)
        out.append(UInt8(length - 1))
        out += source[start..<start + length]
      }
    }
    while place + 2 < source.count {
      let word =
        UInt32(source[place]) << 16 | UInt32(source[place + 1]) << 8 | UInt32(source[place + 2])
      let key = Int((word &* 0x9E37_79B1) >> 18)
      let candidate = last[key]
      last[key] = place
      guard candidate >= 0, place - candidate <= 8192,
        source[candidate] == source[place], source[candidate + 1] == source[place + 1],
        source[candidate + 2] == source[place + 2]
      else {
        place += 1
        continue
      }
      let most = min(264, source.count - place)
      var length = 3
      while length < most && source[candidate + length] == source[place + length] { length += 1 }
      flush(place)
      let back = place - candidate - 1
      if length < 9 {
        out.append(UInt8((length - 2) << 5 | back >> 8))
      } else {
        out.append(UInt8(7 << 5 | back >> 8))
        out.append(UInt8(length - 9))
      }
      out.append(UInt8(back & 255))
      place += length
      literals = place
    }
    flush(source.count)
    return out
  }
}
