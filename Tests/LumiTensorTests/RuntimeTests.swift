import CLumiKernels
import Foundation
import Testing

/// Calls `body` for every index through the pool.
private func parallelFor(_ count: Int, _ body: (Int) -> Void) {
  withoutActuallyEscaping(body) { escaping in
    var box = escaping
    withUnsafeMutablePointer(to: &box) { pointer in
      lumi_parallel_for(count, pointer) { context, index in
        context!.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index)
      }
    }
  }
}

/// How often each of `count` indices is visited.
private func visits(_ count: Int, threads: Int32) -> [Int] {
  lumi_set_threads(threads)
  defer { lumi_set_threads(0) }
  var counts = [Int](repeating: 0, count: count)
  counts.withUnsafeMutableBufferPointer { buffer in
    nonisolated(unsafe) let slots = buffer.baseAddress!
    parallelFor(count) { slots[$0] += 1 }
  }
  return counts
}

/// A product that is denormal unless denormals are flushed; computed at run time.
@inline(never) private func halfOf(_ value: Float) -> Float { value * 0.5 }

@Suite struct RuntimeTests {
  @Test(arguments: [Int32(1), 2, 4, 7], [0, 1, 2, 3, 100, 10_007])
  func everyIndexIsVisitedOnce(_ threads: Int32, _ count: Int) {
    for _ in 0..<20 {
      #expect(visits(count, threads: threads).allSatisfy { $0 == 1 })
    }
  }

  @Test func loopsThatFollowAtOnceDoNotMix() {
    let failures = (0..<5000).filter {
      visits($0 % 9, threads: 4) != [Int](repeating: 1, count: $0 % 9)
    }
    #expect(failures.isEmpty)
  }

  @Test func nestedLoopsRun() {
    lumi_set_threads(4)
    defer { lumi_set_threads(0) }
    var counts = [Int](repeating: 0, count: 40 * 30)
    counts.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let slots = buffer.baseAddress!
      parallelFor(40) { row in
        parallelFor(30) { column in slots[row * 30 + column] += 1 }
      }
    }
    #expect(counts.allSatisfy { $0 == 1 })
  }

  @Test func concurrentCallersDoNotWaitForEachOther() {
    let complete = (0..<8).map { _ in UnsafeMutablePointer<Bool>.allocate(capacity: 1) }
    defer { for flag in complete { flag.deallocate() } }
    nonisolated(unsafe) let flags = complete
    DispatchQueue.concurrentPerform(iterations: 8) { caller in
      flags[caller].pointee = (0..<200).allSatisfy { round in
        visits(50 + round, threads: 3).allSatisfy { $0 == 1 }
      }
    }
    #expect(flags.allSatisfy { $0.pointee })
  }

  /// Two bodies wait for each other, which needs two threads. Another test may hold the pool, and
  /// the loop then runs alone, so a few attempts are made.
  @Test func bodiesRunSideBySide() {
    lumi_set_threads(2)
    defer { lumi_set_threads(0) }
    var met = false
    for _ in 0..<200 where !met {
      let arrivals = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
      var results = [false, false]
      results.withUnsafeMutableBufferPointer { buffer in
        nonisolated(unsafe) let slots = buffer.baseAddress!
        parallelFor(2) { index in
          arrivals[index].signal()
          slots[index] = arrivals[1 - index].wait(timeout: .now() + 0.1) == .success
        }
      }
      met = results == [true, true]
    }
    #expect(met)
  }

  @Test func workersSeeTheCallersLevelAndFlushDenormals() {
    lumi_set_threads(4)
    lumi_set_level(0)
    defer {
      lumi_set_threads(0)
      lumi_set_level(-1)
    }
    var levels = [Int32](repeating: -1, count: 64)
    var halves = [Float](repeating: -1, count: 64)
    levels.withUnsafeMutableBufferPointer { levelBuffer in
      halves.withUnsafeMutableBufferPointer { halfBuffer in
        nonisolated(unsafe) let levelSlots = levelBuffer.baseAddress!
        nonisolated(unsafe) let halfSlots = halfBuffer.baseAddress!
        parallelFor(64) { index in
          levelSlots[index] = lumi_level()
          halfSlots[index] = halfOf(.leastNormalMagnitude)
          usleep(100)
        }
      }
    }
    #expect(levels.allSatisfy { $0 == 0 })
    #if arch(x86_64) || arch(arm64)
      #expect(halves.allSatisfy { $0 == 0 })
    #endif
    #expect(halfOf(.leastNormalMagnitude) > 0)
  }

  @Test func oneThreadFlushesAndRestoresToo() {
    lumi_set_threads(1)
    defer { lumi_set_threads(0) }
    var half: Float = -1
    parallelFor(1) { _ in half = halfOf(.leastNormalMagnitude) }
    #if arch(x86_64) || arch(arm64)
      #expect(half == 0)
    #endif
    #expect(halfOf(.leastNormalMagnitude) > 0)
  }

  @Test func overridesBelongToTheThread() {
    let ownLevel = lumi_level()
    let ownThreads = lumi_threads()
    lumi_set_level(0)
    lumi_set_threads(5)
    lumi_tape_set_depth(3)
    #expect(lumi_level() == 0 && lumi_threads() == 5 && lumi_tape_depth() == 3)
    let seen = Mailbox()
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      seen.values = [lumi_level(), lumi_threads(), lumi_tape_depth()]
      done.signal()
    }
    done.wait()
    #expect(seen.values == [ownLevel, ownThreads, 0])
    lumi_tape_set_depth(0)
    #expect(lumi_set_level(-1) == ownLevel && lumi_set_threads(0) == ownThreads)
  }

  @Test func levelsAreCappedAndNamed() {
    #expect(lumi_set_level(9) == lumi_level_available())
    lumi_set_level(-1)
    #expect(String(cString: lumi_level_name(0)) == "base")
    #expect(String(cString: lumi_level_name(2)) == "avx512")
    #expect(String(cString: lumi_level_name(7)) == "unknown")
    #expect(lumi_set_threads(100_000) == Int32(LUMI_MAXIMUM_THREADS))
    lumi_set_threads(0)
  }

  @Test func theClockAdvances() {
    let start = lumi_now_ms()
    usleep(2000)
    #expect(lumi_now_ms() - start >= 2)
  }
}

/// Written by one thread, read by another after a semaphore.
private final class Mailbox: @unchecked Sendable {
  var values: [Int32] = []
}
