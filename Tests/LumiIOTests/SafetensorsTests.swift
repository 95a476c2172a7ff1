import Foundation
import LumiIO
import LumiTensor
import Testing

struct SafetensorsTests {
  @Test func readsWhatTheFormatsOwnLibraryWrites() throws {
    let content = try SafetensorsFile.read(fixture("all-types.safetensors"))
    #expect(content.metadata == ["format": "np", "note": "tab\there, ü and \"quotes\""])
    let eighths = (0..<24).map { Double($0) / 8 - 1 }
    let floats: [(String, [Int], DType, String, [Double])] = [
      ("layers.0.weight", [2, 3, 4], .float32, "F32", eighths),
      ("layers.0.bias", [3, 4], .float64, "F64", Array(eighths[..<12])),
      ("half", [3, 4], .float32, "F16", Array(eighths[12...])),
      ("empty", [0, 3], .float32, "F32", []),
    ]
    for (name, shape, dtype, type, values) in floats {
      let tensor = try #require(content.tensors[name])
      #expect(tensor.shape == shape && tensor.dtype == dtype && content.storedTypes[name] == type)
      #expect(tensor.scalars(as: Double.self) == values)
    }
    let integers: [(String, DType, String, [Int64])] = [
      ("count", .int64, "I64", [-7]), ("faces", .int32, "I32", [0, 1, 2, 2, 1, -3]),
      ("small", .int32, "I8", [-128, 127]), ("byte", .int32, "U8", [0, 255]),
      ("short", .int32, "I16", [-32768, 32767]), ("ushort", .int32, "U16", [65535]),
      ("uint", .int64, "U32", [4_294_967_295]), ("ulong", .int64, "U64", [1 << 62]),
    ]
    for (name, dtype, type, values) in integers {
      let tensor = try #require(content.tensors[name])
      #expect(tensor.dtype == dtype && content.storedTypes[name] == type)
      #expect(tensor.scalars(as: Int64.self) == values)
    }
    #expect(content.tensors["count"]?.shape == [])
    #expect(content.tensors["flags"]?.scalars(as: Bool.self) == [true, false, true])
    #expect(content.tensors.count == 13)
    let brain = try SafetensorsFile.read(fixture("bfloat16.safetensors"))
    #expect(brain.tensors["x"]?.scalars(as: Float.self) == [1, -2.5, .infinity])
  }

  @Test func roundTripsToTheBit() throws {
    let nan = Float(bitPattern: 0x7fc0_1234)
    let tensors: [String: Tensor] = [
      "z.float": Tensor([1.5, -.infinity, nan, -0.0, .leastNonzeroMagnitude, 3], shape: [3, 2]),
      "a.double": Tensor([0.1, .pi], shape: [1, 2]), "int": Tensor([.min, 7] as [Int32]),
      "long": Tensor([.min, .max] as [Int64]), "flag": Tensor([true, false, true]),
      "empty": Tensor([] as [Float], shape: [0, 4]), "one": Tensor(scalar: 3 as Int32),
      "ünïcode \"x\"\n\u{1}": Tensor([2] as [Float]), "": Tensor([true]),
    ]
    let metadata = ["": "", "k\\": "\u{7}\u{1F600}/"]
    try withFolder { folder in
      let path = "\(folder)/x.safetensors"
      try SafetensorsFile.write(tensors, metadata: metadata, to: path)
      let content = try SafetensorsFile.read(path)
      #expect(content.metadata == metadata && content.tensors.count == tensors.count)
      for (name, tensor) in tensors {
        let copy = try #require(content.tensors[name])
        #expect(copy.shape == tensor.shape && copy.dtype == tensor.dtype)
        #expect(NPYFile.encode(copy) == NPYFile.encode(tensor), "\(name)")
      }
      // Neither the order of a dictionary nor a second writing shows.
      let bytes = SafetensorsFile.encode(content.tensors, metadata: content.metadata)
      #expect(Data(bytes) == (try Data(contentsOf: URL(fileURLWithPath: path))))
      #expect(Int(bytes[0]) % 8 == 0, "the header's length keeps the data aligned")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x.safetensors"])
    }
    let none = try SafetensorsFile.decode(SafetensorsFile.encode([:]), file: "none")
    #expect(none.tensors.isEmpty && none.metadata.isEmpty)
  }

  @Test func aTensorCannotTakeTheMetadatasName() {
    let error = #expect(throws: FileError.self) {
      try SafetensorsFile.write(["__metadata__": Tensor([true])], to: "/nowhere/x")
    }
    #expect(error?.cause == .malformed)
  }

  /// A header and as many bytes of data.
  struct Lie: Sendable, CustomTestStringConvertible {
    let header: String
    let data: Int
    let cause: FileError.Cause
    /// A part of the error's text.
    let names: String

    init(_ header: String, _ data: Int, _ cause: FileError.Cause, _ names: String) {
      (self.header, self.data, self.cause, self.names) = (header, data, cause, names)
    }

    var testDescription: String { String(header.prefix(80)) }
    var bytes: [UInt8] {
      let length = UInt64(header.utf8.count)
      return (0..<8).map { UInt8(length >> (8 * $0) & 255) } + Array(header.utf8)
        + [UInt8](repeating: 7, count: data)
    }
  }

  private static func entry(_ type: String, _ shape: String, _ offsets: String) -> String {
    #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }
  private static let good = entry("F32", "[1]", "[0,4]")

  static let lies = [
    Lie("", 0, .malformed, "byte 8"), Lie(" {}", 0, .malformed, "byte 8"),
    Lie("[]", 0, .malformed, "{ expected"), Lie("{", 0, .malformed, "byte 9"),
    Lie("{}x", 0, .malformed, "byte 10"), Lie("{}\0", 0, .malformed, "byte 10"),
    Lie("{}", 1, .malformed, "1 bytes that belong to no tensor"),
    Lie(#"{"a":1}"#, 0, .malformed, "tensor \"a\""), Lie(#"{"a":{}}"#, 0, .missing, "dtype"),
    Lie(#"{"a":{"dtype":"F32"}}"#, 0, .missing, "shape is missing"),
    Lie(#"{"a":{"dtype":"F32","shape":[1]}}"#, 4, .missing, "data_offsets is missing"),
    Lie(#"{"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}"#, 4, .unsupported, "a number"),
    Lie(#"{"a":\#(entry("F8_E4M3", "[4]", "[0,4]"))}"#, 4, .unsupported, "F8_E4M3"),
    Lie(#"{"a":\#(entry("f32", "[1]", "[0,4]"))}"#, 4, .unsupported, "f32"),
    Lie(#"{"a":\#(entry("F32", "1", "[0,4]"))}"#, 4, .malformed, "an array expected"),
    Lie(#"{"a":\#(entry("F32", "[-1]", "[0,4]"))}"#, 4, .outOfRange, "shape[0] is -1"),
    Lie(#"{"a":\#(entry("F32", "[1,0.5]", "[0,4]"))}"#, 4, .outOfRange, "shape[1] is 0.5"),
    Lie(#"{"a":\#(entry("F32", "[1e300]", "[0,4]"))}"#, 4, .outOfRange, "shape[0]"),
    Lie(#"{"a":\#(entry("F32", "[null]", "[0,4]"))}"#, 4, .outOfRange, "null"),
    Lie(
      #"{"a":\#(entry("F32", "[4294967296,4294967296]", "[0,4]"))}"#, 4, .limitExceeded, "elements"
    ),
    Lie(
      #"{"a":\#(entry("F32", "[0,9000000000000000,9000000000000000]", "[0,0]"))}"#, 0,
      .limitExceeded, "elements"),
    Lie(
      #"{"a":\#(entry("F32", "[\(String(repeating: "1,", count: 40))1]", "[0,4]"))}"#, 4,
      .limitExceeded, "41 numbers"),
    Lie(#"{"a":\#(entry("F32", "[2]", "[0,4]"))}"#, 4, .malformed, "needs 8 bytes"),
    Lie(#"{"a":\#(entry("F32", "[1]", "[0,5]"))}"#, 5, .malformed, "needs 4 bytes"),
    Lie(#"{"a":\#(entry("F32", "[1]", "[4,0]"))}"#, 4, .malformed, "begin and end"),
    Lie(#"{"a":\#(entry("F32", "[1]", "[0]"))}"#, 4, .malformed, "begin and end"),
    Lie(#"{"a":\#(entry("F32", "[1]", "[0,4,8]"))}"#, 4, .malformed, "begin and end"),
    Lie(#"{"a":\#(entry("F32", "[1]", "[0,4]"))}"#, 3, .outOfRange, "3 bytes of data"),
    Lie(#"{"a":\#(entry("F32", "[1]", "[-4,0]"))}"#, 4, .outOfRange, "data_offsets[0] is -4"),
    Lie(
      #"{"a":\#(entry("F32", "[1]", "[9007199254740992,9007199254740996]"))}"#, 4, .outOfRange,
      "4 bytes of data"),
    Lie(#"{"a":\#(entry("F32", "[1]", "[4,8]"))}"#, 8, .malformed, "follows a hole"),
    Lie(
      #"{"a":\#(good),"b":\#(entry("F32", "[1]", "[2,6]"))}"#, 6, .malformed, "tensor \"b\""),
    Lie(#"{"a":\#(good),"b":\#(good)}"#, 4, .malformed, "overlaps"),
    Lie(#"{"a":\#(good),"b":\#(entry("F32", "[1]", "[8,12]"))}"#, 12, .malformed, "hole"),
    Lie(#"{"a":\#(good),"a":\#(good)}"#, 4, .malformed, "appears twice"),
    Lie(#"{"a":{"dtype":"F32","dtype":"F32"}}"#, 4, .malformed, "appears twice"),
    Lie(
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":0}}"#, 4, .malformed, "\"x\""),
    Lie(#"{"__metadata__":[]}"#, 0, .malformed, "__metadata__"),
    Lie(#"{"__metadata__":{"epoch":3}}"#, 0, .malformed, "\"epoch\" is a number"),
    Lie(#"{"a":\#(entry("BOOL", "[2]", "[0,2]"))}"#, 2, .malformed, "truth value of 7"),
    Lie(String(repeating: #"{"a":"#, count: 5000), 0, .limitExceeded, "nested deeper"),
  ]

  @Test(arguments: lies)
  func lyingHeadersAreRefused(_ lie: Lie) {
    let error = #expect(throws: FileError.self) {
      try SafetensorsFile.decode(lie.bytes, file: "lie.safetensors")
    }
    #expect(error?.cause == lie.cause && error?.file == "lie.safetensors", "\(error!)")
    #expect("\(error!)".contains(lie.names), "\(error!)")
  }

  @Test(arguments: [
    ([UInt8](), FileError.Cause.truncated), ([2, 0, 0, 0, 0, 0, 0], .truncated),
    ([3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d], .truncated),
    ([255, 255, 255, 255, 255, 255, 255, 255, 0x7b, 0x7d], .limitExceeded),
    ([0, 0, 0, 0x10, 0, 0, 0, 0, 0x7b, 0x7d], .limitExceeded),
    // A key that is no UTF-8, a lone byte of a sequence.
    ([6, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xc3, 0x22, 0x3a, 0x7d], .malformed),
  ])
  func lyingLengthsAreRefused(bytes: [UInt8], cause: FileError.Cause) {
    let error = #expect(throws: FileError.self) {
      try SafetensorsFile.decode(bytes, file: "lie.safetensors")
    }
    #expect(error?.cause == cause)
  }

  @Test func limitsCountElements() throws {
    let bytes = SafetensorsFile.encode(["a": .zeros([3, 4])])
    _ = try SafetensorsFile.decode(bytes, file: "x", limits: ReadLimits(elements: 12))
    let error = #expect(throws: FileError.self) {
      try SafetensorsFile.decode(bytes, file: "x", limits: ReadLimits(elements: 11))
    }
    #expect(error?.cause == .limitExceeded)
  }

  @Test func numbersThatNoTensorHoldsAreRefused() {
    let lie = Lie(#"{"a":\#(Self.entry("U64", "[1]", "[0,8]"))}"#, 0, .outOfRange, "element 0")
    let error = #expect(throws: FileError.self) {
      try SafetensorsFile.decode(lie.bytes + [0, 0, 0, 0, 0, 0, 0, 128], file: "x")
    }
    #expect(error?.cause == .outOfRange && error?.message.contains("element 0") == true)
  }
}
