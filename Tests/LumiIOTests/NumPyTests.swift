import Foundation
import LumiIO
import LumiTensor
import Testing

struct NumPyTests {
  private let eighths = (0..<24).map { Double($0) / 8 }

  @Test(arguments: ["f4", "f8-big", "f2"])
  func readsFloats(name: String) throws {
    let array = try NPYFile.read(fixture("\(name).npy"))
    #expect(array.tensor.shape == [2, 3, 4])
    #expect(array.tensor.dtype == (name == "f8-big" ? .float64 : .float32))
    #expect(array.storedType == name.prefix(2) && array.wasBigEndian == (name == "f8-big"))
    let values =
      array.tensor.dtype == .float64
      ? array.tensor.scalars(as: Double.self)
      : array.tensor.scalars(as: Float.self).map(Double.init)
    #expect(values == eighths)
  }

  @Test func readsIntegersOrdersAndShapes() throws {
    let fortran = try NPYFile.read(fixture("i4-fortran.npy"))
    #expect(fortran.wasFortranOrder && fortran.tensor.scalars(as: Int32.self) == Array(0..<24))
    let bytes = try NPYFile.read(fixture("u1.npy")).tensor
    #expect(bytes.scalars(as: Int32.self) == (0..<24).map { ($0 + 230) })
    #expect(try NPYFile.read(fixture("u2-big.npy")).tensor.scalars(as: Int32.self) == [1, 65535])
    #expect(try NPYFile.read(fixture("u8.npy")).tensor.scalars(as: Int64.self) == [1 << 62])
    #expect(
      try NPYFile.read(fixture("b1.npy")).tensor.scalars(as: Bool.self) == [true, false, true])
    let scalar = try NPYFile.read(fixture("scalar.npy")).tensor
    #expect(scalar.shape == [] && scalar.scalars(as: Double.self) == [2.5])
    #expect(try NPYFile.read(fixture("empty.npy")).tensor.shape == [0, 3])
    let error = #expect(throws: FileError.self) { try NPYFile.read(fixture("complex.npy")) }
    #expect(error?.cause == .unsupported)
  }

  @Test(arguments: ["stored.npz", "deflated.npz"])
  func readsArchives(name: String) throws {
    let arrays = try NPZFile.read(fixture(name))
    #expect(arrays.keys.sorted() == ["a", "b"])
    #expect(arrays["a"]?.tensor.scalars(as: Double.self) == eighths)
    #expect(arrays["b"]?.tensor.scalars(as: Int64.self) == [0, 1, 2])
  }

  @Test func roundTripsOfEveryType() throws {
    let tensors: [String: Tensor] = [
      "float": Tensor([1.5, -.infinity, .leastNonzeroMagnitude] as [Float], shape: [3, 1]),
      "double": Tensor([0.1, .pi] as [Double], shape: [1, 2]),
      "int": Tensor([.min, 7] as [Int32]), "long": Tensor([.min, .max] as [Int64]),
      "flags": Tensor([true, false, true, true], shape: [2, 2]),
      "empty": Tensor([] as [Float], shape: [0, 4]), "one": Tensor(scalar: 3 as Int32),
    ]
    try withFolder { folder in
      try NPZFile.write(tensors, to: "\(folder)/all.npz")
      let read = try NPZFile.read("\(folder)/all.npz")
      #expect(read.count == tensors.count)
      for (name, tensor) in tensors {
        try NPYFile.write(tensor, to: "\(folder)/one.npy")
        for copy in [try NPYFile.read("\(folder)/one.npy").tensor, try #require(read[name]).tensor]
        {
          #expect(copy.shape == tensor.shape && copy.dtype == tensor.dtype)
          #expect(NPYFile.encode(copy) == NPYFile.encode(tensor))
        }
      }
    }
  }

  private func file(_ header: String, _ data: [UInt8] = []) -> [UInt8] {
    let text = Array((header + "\n").utf8)
    return [0x93] + Array("NUMPY".utf8)
      + [1, 0, UInt8(text.count % 256), UInt8(text.count / 256)] + text + data
  }

  @Test(arguments: [
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "outOfRange"),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 2), }",
      "limitExceeded"
    ),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9223372036854775807, 9), }",
      "limitExceeded"
    ),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "outOfRange"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (100,), }", "truncated"),
    ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "unsupported"),
    ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "unsupported"),
    ("{'fortran_order': False, 'shape': (1,), }", "missing"),
    ("hello", "malformed"),
  ])
  func lyingHeadersAreRefused(header: String, cause: String) {
    let error = #expect(throws: FileError.self) {
      try NPYFile.decode(file(header, [0, 0, 0, 0]), file: "lie.npy")
    }
    #expect(error?.cause.rawValue == cause && error?.file == "lie.npy")
  }

  @Test func brokenMembersAreNamed() throws {
    var bytes = try fixtureBytes("stored.npz")
    // Inside the first member's numbers: only the checksum can tell.
    bytes[200] ^= 1
    let error = #expect(throws: FileError.self) { try NPZFile.decode(bytes, file: "x.npz") }
    #expect(error?.place == .part("member \"a.npy\""))
  }
}
