import CLumiKernels

/// Settings of the calling thread for everything that computes.
public enum LumiRuntime {
  /// A level of vector instructions. Higher levels need newer processors.
  public enum KernelLevel: Int32, Sendable, CaseIterable, CustomStringConvertible {
    case base = 0
    case avx2 = 1
    case avx512 = 2

    public var description: String { String(cString: lumi_level_name(rawValue)) }

    /// The levels that this machine can run.
    public static var available: [KernelLevel] {
      allCases.filter { $0.rawValue <= lumi_level_available() }
    }
  }

  /// The level in force: the environment variable `LUMIGRAD_KERNELS` (base, avx2, avx512) or the
  /// highest that the machine has.
  public static var kernelLevel: KernelLevel { KernelLevel(rawValue: lumi_level())! }

  /// Threads in force: `LUMIGRAD_THREADS` or the number of processors. Results do not depend on it.
  public static var threads: Int { Int(lumi_threads()) }

  /// Runs `body` with another level on this thread.
  public static func withKernelLevel<Result>(
    _ level: KernelLevel, _ body: () throws -> Result
  ) rethrows -> Result {
    let saved = lumi_level()
    lumi_set_level(level.rawValue)
    defer { lumi_set_level(saved) }
    return try body()
  }

  /// Runs `body` with another number of threads, at least 1.
  public static func withThreads<Result>(
    _ count: Int, _ body: () throws -> Result
  ) rethrows -> Result {
    let saved = lumi_threads()
    lumi_set_threads(Int32(clamping: max(count, 1)))
    defer { lumi_set_threads(saved) }
    return try body()
  }
}

/// Runs `body` once for every index below `count`, on all threads, in no particular order.
///
/// Bodies must write to disjoint places. They work on memory: tensor operations in them are not
/// remembered for gradients. Use it for pieces of work of at least some 200 µs.
public func parallelFor(_ count: Int, _ body: (Int) -> Void) {
  guard count > 0 else { return }
  withoutActuallyEscaping(body) { body in
    var box = body
    withUnsafeMutablePointer(to: &box) { pointer in
      lumi_parallel_for(count, pointer) { context, index in
        context!.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index)
      }
    }
  }
}

/// Splits `count` items into blocks of a fixed size, so that the split never depends on threads.
@inline(__always)
func inBlocks(_ count: Int, of size: Int, _ body: (Range<Int>) -> Void) {
  let blocks = (count + size - 1) / max(size, 1)
  if blocks <= 1 { return body(0..<count) }
  parallelFor(blocks) { block in body(block * size..<min((block + 1) * size, count)) }
}
