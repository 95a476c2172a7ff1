import Foundation
import Lumigrad

/// Maps items on all threads, each on one; results are in the order of the items.
///
/// Gradients are recorded per thread, so that every `body` may take some. Small scenes are too
/// little work for several threads at once; many of them side by side are not.
public func concurrently<Item: Sendable, Value: Sendable>(
  _ items: [Item], _ body: @Sendable (Item) throws -> Value
) throws -> [Value] {
  let results = Results<Value>(count: items.count)
  DispatchQueue.concurrentPerform(iterations: min(LumiRuntime.threads, items.count)) { _ in
    LumiRuntime.withThreads(1) {
      while let index = results.next() {
        results.set(index, Result { try body(items[index]) })
      }
    }
  }
  return try results.values()
}

/// Hands out positions and collects results.
private final class Results<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var position = 0
  private var results: [Result<Value, any Error>?]

  init(count: Int) { results = Array(repeating: nil, count: count) }

  func next() -> Int? {
    lock.withLock {
      guard position < results.count else { return nil }
      defer { position += 1 }
      return position
    }
  }

  func set(_ index: Int, _ result: Result<Value, any Error>) {
    lock.withLock { results[index] = result }
  }

  func values() throws -> [Value] { try results.map { try $0!.get() } }
}
