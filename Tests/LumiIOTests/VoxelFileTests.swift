import Foundation
import LumiIO
import LumiTensor
import Testing

struct VoxelFileTests {
  @Test func binvoxHasItsAxes() throws {
    let grid = try BinvoxFile.read(fixture("cells.binvox"))
    #expect(grid.filled.shape == [3, 2, 5])
    #expect(grid.translate == [-0.5, 0.25, 1] && grid.scale == 2.5)
    // Five cells are 2.5 long.
    #expect(grid.upper == [1, 1.25, 3.5])
    let filled = grid.filled.scalars(as: Bool.self)
    for (at, value) in filled.enumerated() {
      let (i, j, k) = (at / 10, at / 5 % 2, at % 5)
      #expect(value == ((i + 2 * j + k) % 2 == 1 || k == 4))
    }
    let half = try BinvoxFile.read(fixture("half.binvox")).filled.cast(to: .int32)
    #expect(half.sum(axes: [1, 2]).scalars(as: Int32.self) == [0, 0, 64, 64, 64, 64, 64, 64])
  }

  @Test(arguments: [[1, 1, 1], [3, 2, 5], [16, 16, 16], [40, 1, 30]])
  func binvoxComesBack(_ shape: [Int]) throws {
    var random = RandomGenerator(seed: 8)
    for threshold in [-1, 0.3, 0.98, 2] {
      let grid = BinvoxGrid(
        filled: random.uniform(shape) .> threshold, translate: [0.1, -1e-7, 3e8], scale: 0.3)
      try withFolder { folder in
        try BinvoxFile.write(grid, to: "\(folder)/a.binvox")
        let read = try BinvoxFile.read("\(folder)/a.binvox")
        #expect(read.filled.shape == shape)
        #expect(read.filled.scalars(as: Bool.self) == grid.filled.scalars(as: Bool.self))
        #expect(read.translate == grid.translate && read.scale == grid.scale)
      }
    }
    let fixtureGrid = try BinvoxFile.read(fixture("half.binvox"))
    let again = try BinvoxFile.decode(BinvoxFile.encode(fixtureGrid), file: "again")
    #expect(again.filled.scalars(as: Bool.self) == fixtureGrid.filled.scalars(as: Bool.self))
  }

  static let start = "#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n"

  @Test(
    arguments: [
      ("#binvox 2\ndim 2 2 2\ndata\n", [0, 8], "unsupported"),
      ("binvox 1\n", [], "malformed"), ("#binvox 1\ndata\n", [0, 8], "missing"),
      ("#binvox 1\ndim 2 2\ndata\n", [0, 8], "malformed"),
      ("#binvox 1\ndim 2 -2 2\ndata\n", [0, 8], "outOfRange"),
      ("#binvox 1\ndim 0 2 2\ndata\n", [], "outOfRange"),
      ("#binvox 1\ndim 2 2 2 2\ndata\n", [0, 8], "malformed"),
      ("#binvox 1\ndim 2 2 2\nscale 0\ndata\n", [0, 8], "outOfRange"),
      ("#binvox 1\ndim 2 2 2\nscale nan\ndata\n", [0, 8], "notFinite"),
      ("#binvox 1\ndim 2 2 2\ntranslate 0 0\ndata\n", [0, 8], "malformed"),
      ("#binvox 1\ndim 2 2 2\ncolour red\ndata\n", [0, 8], "unsupported"),
      ("#binvox 1\ndim 2 2 2\n", [], "truncated"),
      ("#binvox 1\ndim 4000000000 4000000000 4000000000\ndata\n", [0, 8], "limitExceeded"),
      ("#binvox 1\ndim 600 600 600\ndata\n", [0, 255], "truncated"), (start, [0], "truncated"),
      (start, [0, 4], "truncated"), (start, [0, 4, 1], "truncated"), (start, [0, 9], "outOfRange"),
      (start, [0, 0, 0, 8], "outOfRange"), (start, [2, 8], "malformed"),
      (start, [0, 8, 0], "malformed"), (start, [0, 8, 1, 1], "malformed"),
    ] as [(String, [UInt8], String)])
  func lyingBinvoxIsRefused(text: String, data: [UInt8], cause: String) {
    let error = #expect(throws: FileError.self) {
      try BinvoxFile.decode(Array(text.utf8) + data, file: "lie.binvox")
    }
    #expect(error?.cause.rawValue == cause && error?.file == "lie.binvox")
  }

  @Test func badGridsAreNotWritten() throws {
    try withFolder { folder in
      let path = "\(folder)/a.binvox"
      try Data("old".utf8).write(to: URL(fileURLWithPath: path))
      let good = Tensor([true, false], shape: [2, 1, 1])
      for grid in [
        BinvoxGrid(filled: .zeros([2, 2, 2])), BinvoxGrid(filled: good.reshaped([2, 1])),
        BinvoxGrid(filled: good, scale: 0), BinvoxGrid(filled: good, translate: [.nan, 0, 0]),
        BinvoxGrid(filled: good.reshaped([2, 1, 1])[0..<0]),
      ] {
        let error = #expect(throws: FileError.self) { try BinvoxFile.write(grid, to: path) }
        #expect(error?.cause == .unwritable)
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
      #expect(throws: FileError.self) {
        try BinvoxFile.write(BinvoxGrid(filled: good), to: "\(folder)/none/a.binvox")
      }
    }
  }

  @Test func rawHasItsOrders() throws {
    // 0 … 5 in file order, as big-endian 16-bit numbers behind a byte.
    let bytes: [UInt8] = [9] + (0..<6).flatMap { [0, UInt8($0)] }
    func read(_ order: RawFile.Order, bigEndian: Bool = true) throws -> [Int32] {
      let layout = RawFile.Layout(
        .uint16, shape: [2, 3], order: order, bigEndian: bigEndian, offset: 1)
      return try RawFile.decode(bytes, layout, file: "a.raw").scalars(as: Int32.self)
    }
    #expect(try read(.lastAxisFastest) == [0, 1, 2, 3, 4, 5])
    #expect(try read(.firstAxisFastest) == [0, 2, 4, 1, 3, 5])
    #expect(
      try read(.lastAxisFastest, bigEndian: false) == [0, 256, 512, 768, 1024, 1280])
    let half = try RawFile.decode([0, 0x3c], .init(.float16, shape: []), file: "a.raw")
    #expect(half.shape == [] && half.value == 1)
  }

  @Test func rawComesBack() throws {
    let tensors = [
      Tensor((0..<24).map { Float($0) / 7 }, shape: [2, 3, 4]), Tensor([Double.pi, -.infinity]),
      Tensor([.min, 5, .max] as [Int32]), Tensor([Int64.min, 1], shape: [2, 1]),
      Tensor([true, false]), Tensor.zeros([0, 3]),
    ]
    try withFolder { folder in
      for tensor in tensors {
        for order in RawFile.Order.allCases {
          for bigEndian in [false, true] {
            let layout = try RawFile.write(
              tensor, to: "\(folder)/a.raw", order: order, bigEndian: bigEndian)
            let read = try RawFile.read("\(folder)/a.raw", layout)
            #expect(read.shape == tensor.shape && read.dtype == tensor.dtype)
            #expect(NPYFile.encode(read) == NPYFile.encode(tensor))
          }
        }
      }
    }
  }

  @Test(arguments: [
    (RawFile.Layout(.float32, shape: [3]), "malformed"),
    (RawFile.Layout(.float32, shape: [5]), "truncated"),
    (RawFile.Layout(.float32, shape: [-4]), "outOfRange"),
    (RawFile.Layout(.float32, shape: [4], offset: -1), "truncated"),
    (RawFile.Layout(.float32, shape: [4], offset: 17), "truncated"),
    (RawFile.Layout(.float32, shape: [4], offset: 4), "truncated"),
    (RawFile.Layout(.float32, shape: [.max, .max]), "limitExceeded"),
    (RawFile.Layout(.float32, shape: [Int](repeating: 1, count: 9999)), "limitExceeded"),
    (RawFile.Layout(.uint64, shape: [2]), "outOfRange"),
  ])
  func lyingLayoutsAreRefused(layout: RawFile.Layout, cause: String) {
    let error = #expect(throws: FileError.self) {
      try RawFile.decode([UInt8](repeating: 255, count: 16), layout, file: "lie.raw")
    }
    #expect(error?.cause.rawValue == cause && error?.file == "lie.raw")
  }
}
