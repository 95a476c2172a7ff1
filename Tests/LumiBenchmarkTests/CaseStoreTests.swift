import Foundation
import Testing

@testable import LumiBenchmark

struct CaseStoreTests {
  static func store(
    _ path: String, mode: BenchmarkMode = .quick, resuming: Bool
  ) throws -> CaseStore {
    try CaseStore(
      path: path, manifest: CaseStore.Manifest(mode: mode, program: "test"), resuming: resuming)
  }

  @Test func casesComeBackUnderTheirOwnNames() throws {
    let path = NSTemporaryDirectory() + "cases-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store = try Self.store(path, resuming: false)
    let long = String(repeating: "ä/", count: 200)
    let keys = ["a b", "a_b", "a/b", "../a", "A b", long + "1", long + "2", ""]
    for (index, key) in keys.enumerated() { try store.save(index, as: key) }
    let resumed = try Self.store(path, resuming: true)
    for (index, key) in keys.enumerated() { #expect(resumed.value(key, Int.self) == index) }
    #expect(resumed.value("other", Int.self) == nil)
    // What is no case of this type counts as not there.
    #expect(resumed.value("a b", [String].self) == nil)
  }

  @Test func otherRunsAreNotMixedAndNotLost() throws {
    let path = NSTemporaryDirectory() + "cases-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Self.store(path, resuming: false).save(1, as: "x")
    #expect(throws: CaseStoreError.self) { try Self.store(path, mode: .full, resuming: true) }
    #expect(try Self.store(path, resuming: true).value("x", Int.self) == 1)
    let note = path + "/notes.txt"
    try Data("mine".utf8).write(to: URL(fileURLWithPath: note))
    #expect(try Self.store(path, resuming: false).value("x", Int.self) == nil)
    #expect(FileManager.default.fileExists(atPath: note))
    try Data("{".utf8).write(to: URL(fileURLWithPath: path + "/manifest.json"))
    #expect(throws: CaseStoreError.self) { try Self.store(path, resuming: true) }
  }
}
