import Foundation
import LumiIO
import LumiTensor
import Testing

struct CameraFileTests {
  @Test func readsOrbitViews() throws {
    let views = try OrbitView.read(fixture("camera.npy"))
    #expect(views.count == 3)
    #expect(views[1].elevationDegrees == 30 && views[1].azimuthDegrees == -15)
    #expect(views[2] == OrbitView(distance: 3, elevationDegrees: -10, azimuthDegrees: 105.5))
  }

  @Test func readsCalibratedViews() throws {
    let views = try CalibratedView.read(fixture("views_par.txt"))
    #expect(views.map(\.imageName) == ["first.png", "second.png"])
    #expect(views[0].intrinsics == [1520.4, 0, 302.3, 0, 1525.9, 246.8, 0, 0, 1])
    #expect(views[1].rotation == [0, -1, 0, 1, 0, 0, 0, 0, 1])
    #expect(views[1].translation == [-1, 0, 2.5e-3])
  }

  private static let line = "a.png 1 0 0 0 1 0 0 0 1 1 0 0 0 1 0 0 0 1 0 0 0"

  @Test(arguments: [
    ("-1\n", 1), ("2\n\(line)\n", 1), ("1\n\(line) 5\n", 2),
    ("1\n\(line.replacingOccurrences(of: "1 1 0 0", with: "1 1 nan 0"))\n", 2),
    ("1\n\(line.replacingOccurrences(of: "1 1 0 0", with: "1 2 0 0"))\n", 2),
    ("1\n\(line.dropLast(2))                  \n", 2), ("1\n\(line)\n\(line)\n", 3),
  ])
  func badLinesAreNamed(text: String, line: Int) {
    let error = #expect(throws: FileError.self) {
      try CalibratedView.parse(Array(text.utf8), file: "par.txt")
    }
    #expect(error?.place == .line(line), "\(String(describing: error))")
  }

  @Test func badOrbitViewsAreNamed() throws {
    for (values, cause) in [([1, 0, .nan], "notFinite"), ([-1, 0, 0], "outOfRange")]
      as [([Float], String)]
    {
      let array = try NPYFile.decode(NPYFile.encode(Tensor(values, shape: [1, 3])), file: "c")
      let error = #expect(throws: FileError.self) { try OrbitView.views(array, file: "c") }
      #expect(error?.cause.rawValue == cause && error?.place == .part("view 0"))
    }
    let flat = try NPYFile.decode(NPYFile.encode(Tensor([1, 2, 3] as [Float])), file: "c")
    #expect(throws: FileError.self) { try OrbitView.views(flat, file: "c") }
  }
}

struct ReferenceVectorTests {
  @Test func readsEveryKindOfField() throws {
    let vector = try ReferenceVector(contentsOf: fixture("vector.json"))
    #expect(vector.method == "mesh/example" && vector.tolerance == ["abs": 1e-9, "rel": 1e-6])
    #expect(vector.conventions["rows"]?.string == "top first")
    let vertices = try vector.inputs.tensor("vertices")
    #expect(vertices.shape == [2, 2] && vertices.dtype == .float64)
    #expect(vertices.scalars(as: Double.self) == [0.1, 1.0 / 3, 2e-17, -5])
    #expect(try vector.inputs.tensor("mask").scalars(as: Double.self) == [1, 0, 1, 0])
    #expect(try vector.inputs.tensors("ragged").map(\.shape) == [[2], [1]])
    #expect(try vector.inputs.integer("size") == 7)
    #expect(try vector.inputs.tensor("size").shape == [])
    let parameters = try vector.inputs.fields("parameters")
    #expect(try parameters.number("sigma") == 1e-4)
    #expect(try parameters.string("dist") == "euclidean")
    #expect(try parameters.fields("inner").tensor("k").shape == [1])
    #expect(!vector.inputs.has("absent") && !vector.inputs.has("nothing"))
    #expect(try vector.expected.bool("flag"))
    #expect(try vector.expected.tensor("image").shape == [1, 1, 3])
  }

  @Test(arguments: [("ragged", "malformed"), ("mixed", "malformed"), ("nothing", "missing")])
  func errorsNameFileAndKey(key: String, cause: String) throws {
    let vector = try ReferenceVector(contentsOf: fixture("vector.json"))
    let error = #expect(throws: FileError.self) { try vector.inputs.tensor(key) }
    #expect(error?.place == .part("key inputs.\(key)") && error?.cause.rawValue == cause)
    #expect(error?.file == fixture("vector.json"))
  }

  @Test(arguments: [
    "[1,]", "{\"a\":1,}", "[01]", "[.5]", "[1.]", "[+1]", "[0x10]", "[nan]", "[1e400]", "[1] 2",
    "\"\\q\"", "\"\n\"", "{\"a\":1,\"a\":2}", "[1", "", "tru", "\"\\ud8\"",
    String(repeating: "[", count: 100_000),
  ])
  func brokenTextIsRefused(text: String) {
    #expect(throws: FileError.self) { try JSONValue.parse(Array(text.utf8), file: "a") }
  }

  @Test func parsesTextAndNumbers() throws {
    let text =
      #"{"s": "a\u00e9\ud83d\ude00\n\"", "n": [-0.0, 1E+2, 0.30000000000000004], "t": true}"#
    let value = try JSONValue.parse(Array(text.utf8), file: "a")
    #expect(value["s"] == .string("aé😀\n\""))
    #expect(value["n"] == .array([.number(-0.0), .number(100), .number(0.30000000000000004)]))
    #expect(value["t"]?.bool == true)
  }

  @Test(.enabled(if: dataFolder != nil, "shared reference vectors are not here"))
  func readsEverySharedVector() throws {
    let root = try #require(dataFolder) + "/../reference"
    var count = 0
    for folder in try FileManager.default.contentsOfDirectory(atPath: root) {
      let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")) ?? []
      for name in files where name.hasSuffix(".json") {
        let vector = try ReferenceVector(contentsOf: "\(root)/\(folder)/\(name)")
        #expect("\(vector.caseName).json" == name && !vector.expected.keys.isEmpty)
        count += 1
      }
    }
    #expect(count > 100)
  }
}
