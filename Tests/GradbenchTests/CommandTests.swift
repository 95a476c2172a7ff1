import Foundation
import Testing

/// Runs the command as a user does.
private struct Command {
  let status: Int32
  let output: String
  let errors: String

  init(_ arguments: String...) throws { try self.init(arguments) }

  init(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = Self.executable
    process.arguments = arguments
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let paths = ["out", "err"].map { folder.appendingPathComponent($0) }
    for path in paths { try Data().write(to: path) }
    process.standardOutput = try FileHandle(forWritingTo: paths[0])
    process.standardError = try FileHandle(forWritingTo: paths[1])
    try process.run()
    process.waitUntilExit()
    status = process.terminationStatus
    output = try String(contentsOf: paths[0], encoding: .utf8)
    errors = try String(contentsOf: paths[1], encoding: .utf8)
  }

  /// Beside the test bundle.
  private static var executable: URL {
    Bundle.main.executableURL!.deletingLastPathComponent().appendingPathComponent("gradbench")
  }

  func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(output.utf8)) }
}

private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appendingPathComponent("../../Fixtures/reference/mesh").standardizedFileURL.path

@Suite struct CommandTests {
  @Test func infoNamesKernelsAndBLAS() throws {
    let command = try Command("info")
    #expect(command.status == 0)
    for word in ["processor", "kernels", "threads", "BLAS"] {
      #expect(command.output.contains(word))
    }
  }

  @Test func listPrintsTheStableFields() throws {
    let command = try Command("list", "--json")
    let entries = try #require(try command.json() as? [[String: Any]])
    #expect(
      Set(entries.compactMap { $0["id"] as? String }).isSuperset(of: [
        "mesh/analytical", "mesh/softras",
      ]))
    for entry in entries {
      for key in ["id", "representation", "type", "citation"] {
        #expect((entry[key] as? String)?.isEmpty == false, "\(key)")
      }
      let claims = try #require(entry["claims"] as? [String: String])
      #expect(Set(claims.keys) == ["shape", "material", "camera", "light"])
    }
  }

  @Test func verifyPassesOnTheFixturesAndWritesItsResults() throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("verify-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: file) }
    let command = try Command(
      "verify", "--reference", fixtures, "--filter", "softras-*", "--strict", "--json", file.path)
    #expect(command.status == 0, "\(command.output)\(command.errors)")
    let results = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]])
    #expect(results.count >= 16)
    for result in results {
      #expect(result["status"] as? String == "pass")
      #expect((result["compared"] as? [String])?.contains("image") == true)
      for key in ["case", "method", "not_compared", "worst_field", "worst_error"] {
        #expect(result[key] != nil, "\(key)")
      }
    }
  }

  @Test func verifySkipsUnknownMethodsAndFailsThemWhenStrict() throws {
    let arguments = ["verify", "--reference", fixtures, "--filter", "truth-gouraud-*"]
    let lenient = try Command(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4])
    #expect(lenient.status == 0)
    #expect(lenient.output.contains("0 passed, 0 failed, 1 skipped"))
    let strict = try Command(
      "verify", "--strict", "--reference", fixtures, "--filter", "truth-gouraud-*")
    #expect(strict.status == 1)
  }

  /// What no method answers but the library computes.
  @Test(arguments: ["losses-*", "cameras-*"])
  func verifyJudgesTheLibrary(_ filter: String) throws {
    let command = try Command(
      "verify", "--strict", "--reference", fixtures, "--filter", filter)
    #expect(command.status == 0, "\(command.output)\(command.errors)")
    #expect(command.output.contains("1 passed, 0 failed, 0 skipped"))
  }

  @Test func verifyFailsOnWrongNumbersAndOnBrokenFiles() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = try String(contentsOfFile: fixtures + "/softras-plain.json", encoding: .utf8)
    var document = try #require(
      try JSONSerialization.jsonObject(with: Data(source.utf8)) as? [String: Any])
    var expected = try #require(document["expected"] as? [String: Any])
    expected["loss"] = 1234.5
    document["expected"] = expected
    try JSONSerialization.data(withJSONObject: document)
      .write(to: folder.appendingPathComponent("wrong.json"))
    try source.prefix(2000).write(
      to: folder.appendingPathComponent("broken.json"), atomically: true, encoding: .utf8)
    let command = try Command("verify", "--reference", folder.path)
    #expect(command.status == 1)
    #expect(command.output.contains("worst loss"))
    #expect(command.output.contains("fail    broken"))
    #expect(command.output.contains("0 passed, 2 failed, 0 skipped"))
  }

  @Test func recordsAndLayersOfDifferentShapesAreRead() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let vector = """
      {"method": "unknown", "case": "records", "description": "", "conventions": "",
       "inputs": {"mlp": [[[1, 2], [3, 4]], [5]], "rows": [{"x": 1, "name": "a"}]},
       "expected": {"lists": [[1], [2, 3]], "words": ["ff"]}, "tolerance": {"abs": 0},
       "provenance": ""}
      """
    try vector.write(
      to: folder.appendingPathComponent("records.json"), atomically: true, encoding: .utf8)
    let command = try Command("verify", "--reference", folder.path)
    #expect(command.status == 0)
    #expect(command.output.contains("0 passed, 0 failed, 1 skipped"))
  }

  @Test func mistakesAreTold() throws {
    #expect(try Command("perf", "--workload", "no-such").errors.contains("no-such"))
    #expect(try Command("run", "--methods", "no/such").status != 0)
    #expect(try Command("verify", "--reference", "/no/such/folder").status != 0)
  }

  static func folder() -> URL {
    FileManager.default.temporaryDirectory.appendingPathComponent("gradbench-\(UUID().uuidString)")
  }

  @Test func runWritesTableResultsAndPage() throws {
    let out = Self.folder()
    defer { try? FileManager.default.removeItem(at: out) }
    let command = try Command(
      "run", "--methods", "mesh/softras", "--problems", "light/intensity", "--out", out.path)
    #expect(command.status == 0, "\(command.output)")
    for word in ["light/intensity", "CONSISTENT?", "TRUE?", "USEFUL?", "CHEAP?", out.path] {
      #expect(command.output.contains(word), "\(word)")
    }
    #expect(command.errors.contains("left"))
    let data = try Data(contentsOf: out.appendingPathComponent("results.json"))
    let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(document["schema"] as? Int == 1)
    for key in ["derivatives", "optimisations", "sweeps", "costs", "controls", "environment"] {
      #expect(document[key] != nil, "\(key)")
    }
    let page = try String(
      contentsOf: out.appendingPathComponent("report.html"), encoding: .utf8)
    #expect(page.contains("data-pixels") && page.contains("<svg"))
    #expect(!page.contains("http"))
  }

  @Test func brokenBackwardFailsWithItsName() throws {
    let out = Self.folder()
    defer { try? FileManager.default.removeItem(at: out) }
    let command = try Command(
      "run", "--methods", "mesh/softras", "--problems", "camera/focal-length", "--out", out.path,
      "--spoil", "mesh/softras=doubled:camera.focalLength")
    #expect(command.status == 1)
    for word in ["FAILED", "mesh/softras claims exact", "camera/focal-length", "factor"] {
      #expect(command.output.contains(word), "\(word)")
    }
    let wrong = try Command("run", "--out", out.path, "--spoil", "mesh/softras=sideways")
    #expect(wrong.status != 0 && wrong.errors.contains("off-by-one-pixel"))
  }

  @Test func resumedRunEqualsAnUninterruptedOne() throws {
    let (whole, broken) = (Self.folder(), Self.folder())
    defer { for out in [whole, broken] { try? FileManager.default.removeItem(at: out) } }
    let problems = ["--problems", "light/intensity", "--methods", "mesh/*"]
    #expect(try Command(["run", "--out", whole.path] + problems).status == 0)
    #expect(try Command(["run", "--out", broken.path] + problems).status == 0)
    // What a run that was stopped half-way leaves behind.
    let cases = broken.appendingPathComponent("cases")
    let names = try FileManager.default.contentsOfDirectory(atPath: cases.path).sorted()
    for name in names.filter({ $0.hasPrefix("case-") }).prefix(3) {
      try FileManager.default.removeItem(at: cases.appendingPathComponent(name))
    }
    let kept = names.filter { $0.hasPrefix("case-") }.last!
    try Data("{".utf8).write(to: cases.appendingPathComponent(kept))
    try FileManager.default.removeItem(at: broken.appendingPathComponent("results.json"))
    #expect(try Command(["run", "--resume", "--out", broken.path] + problems).status == 0)
    let comparison = try Command(
      "compare", whole.path + "/results.json", broken.path + "/results.json")
    #expect(comparison.output.contains("results equal to the last bit"))
    // Cases of a run with other settings are not taken over.
    let other = try Command(["run", "--resume", "--full", "--out", broken.path] + problems)
    #expect(other.status != 0 && other.errors.contains("another run"))
  }

  @Test func pictureIsWritten() throws {
    let out = Self.folder().path + ".png"
    defer { try? FileManager.default.removeItem(atPath: out) }
    let command = try Command(
      "picture", "--method", "mesh/softras", "--problem", "geometry/sphere-scale", "--zoom", "2",
      "--out", out)
    #expect(command.status == 0, "\(command.errors)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: out)).count > 100)
    let arguments = ["picture", "--method", "mesh/softras", "--out", out, "--problem"]
    #expect(try Command(arguments + ["no/such"]).errors.contains("geometry/translation"))
    #expect(
      try Command(arguments + ["geometry/translation", "--parameter", "w"]).errors.contains(
        "x, y, z"))
  }

  @Test func compareReportsMistakes() throws {
    let file = Self.folder().path + ".json"
    defer { try? FileManager.default.removeItem(atPath: file) }
    #expect(try Command("compare", "/no/such", "/no/such").errors.contains("/no/such"))
    try Data("{\"schema\": 99}".utf8).write(to: URL(fileURLWithPath: file))
    #expect(try Command("compare", file, file).errors.contains("schema 99, expected 1"))
    try Data("[]".utf8).write(to: URL(fileURLWithPath: file))
    #expect(try Command("compare", file, file).status != 0)
  }
}
