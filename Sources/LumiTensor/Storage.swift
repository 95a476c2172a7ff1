import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// A block of memory that one or more tensors read. Filled once by its creator, then constant.
package final class Storage: @unchecked Sendable {
  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int
  private let classBytes: Int

  package init(byteCount: Int) {
    self.byteCount = byteCount
    (pointer, classBytes) = BufferPool.shared.take(byteCount)
  }

  deinit { BufferPool.shared.give(pointer, classBytes) }
}

/// What the allocator holds, in bytes.
public struct MemoryStatistics: Sendable, Equatable {
  /// Held by live tensors, rounded up to size classes.
  public var current: Int
  /// The largest ``current`` since the last ``resetPeak()``.
  public var peak: Int
  /// Kept for reuse; ``clearCache()`` returns it to the system.
  public var cached: Int

  /// The allocator's state now.
  public static var now: MemoryStatistics { BufferPool.shared.statistics }
  /// Starts a new peak measurement at the current figure.
  public static func resetPeak() { BufferPool.shared.resetPeak() }
  /// Frees every cached block.
  public static func clearCache() { BufferPool.shared.clear() }
}

/// Caches freed blocks by size class, because fresh pages cost more than the arithmetic on them.
///
/// Classes are powers of two and the quarters between, so at most a fifth of a block is waste.
final class BufferPool: Sendable {
  static let shared = BufferPool()
  /// Above this much cached memory a freed block goes back to the system.
  static let cacheLimit = 2 << 30

  private struct State {
    /// Free blocks by class number.
    var free = [[UnsafeMutableRawPointer]](repeating: [], count: 4 * Int.bitWidth)
    var current = 0
    var peak = 0
    var cached = 0
  }
  private let state = Mutex(State())

  static func classBytes(_ byteCount: Int) -> Int {
    let least = max(byteCount, 64)
    let power = 1 << (Int.bitWidth - (least - 1).leadingZeroBitCount)
    let quarter = max(power / 8, 64)
    return (least + quarter - 1) / quarter * quarter
  }

  /// Every class has its own number: four to each power of two.
  private static func classNumber(_ size: Int) -> Int {
    let power = Int.bitWidth - 1 - size.leadingZeroBitCount
    return 4 * power + (size >> (power - 2)) & 3
  }

  func take(_ byteCount: Int) -> (UnsafeMutableRawPointer, Int) {
    let size = Self.classBytes(byteCount)
    let number = Self.classNumber(size)
    let cached: UInt = state.withLock { state in
      state.current += size
      state.peak = max(state.peak, state.current)
      guard let block = state.free[number].popLast() else { return 0 }
      state.cached -= size
      return UInt(bitPattern: block)
    }
    if let block = UnsafeMutableRawPointer(bitPattern: cached) { return (block, size) }
    var fresh: UnsafeMutableRawPointer?
    let status = posix_memalign(&fresh, 64, size)
    guard status == 0, let fresh else {
      fatalError(
        "out of memory: a tensor of \(byteCount) bytes (posix_memalign: \(status))")
    }
    return (fresh, size)
  }

  func give(_ block: UnsafeMutableRawPointer, _ size: Int) {
    let address = UInt(bitPattern: block)
    let number = Self.classNumber(size)
    let release = state.withLock { state in
      state.current -= size
      guard state.cached + size <= Self.cacheLimit else { return true }
      state.cached += size
      state.free[number].append(UnsafeMutableRawPointer(bitPattern: address)!)
      return false
    }
    if release { free(block) }
  }

  var statistics: MemoryStatistics {
    state.withLock { .init(current: $0.current, peak: $0.peak, cached: $0.cached) }
  }

  func resetPeak() { state.withLock { $0.peak = $0.current } }

  func clear() {
    let blocks: [UInt] = state.withLock { state in
      let all = state.free.flatMap { $0.map { UInt(bitPattern: $0) } }
      for number in state.free.indices { state.free[number] = [] }
      state.cached = 0
      return all
    }
    for address in blocks { free(UnsafeMutableRawPointer(bitPattern: address)) }
  }
}
