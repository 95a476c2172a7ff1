import Foundation
import LumiIO
import LumiTensor
import Testing

/// Point files made by other programs, and round trips of our own.
struct PointFileTests {
  private func numbers(_ data: PointData, _ name: String) throws -> [Double] {
    try #require(data.column(name)).values.scalars(as: Double.self)
  }

  private func xyz(_ text: String) throws -> PointData {
    try PointFile.decode(Array(text.utf8), format: .xyz, file: "a.xyz")
  }

  private func pcd(_ text: String) throws -> PointData {
    try PointFile.decode(Array(text.utf8), format: .pcd, file: "a.pcd")
  }

  /// Same names, types, numbers (NaN too) and lists.
  private func expectEqual(_ a: PointData, _ b: PointData) {
    #expect(a.columns.map(\.name) == b.columns.map(\.name) && a.count == b.count)
    #expect(a.columns.map(\.type) == b.columns.map(\.type))
    for (first, second) in zip(a.columns, b.columns) {
      #expect(
        first.values.shape == second.values.shape && first.lists?.sizes == second.lists?.sizes)
      let (left, right) = (
        first.values.scalars(as: Double.self), second.values.scalars(as: Double.self)
      )
      #expect(zip(left, right).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }, "\(first.name)")
    }
  }

  @Test func gaussianSplatsKeepEveryProperty() throws {
    let data = try PointFile.read(fixture("splats.ply"))
    #expect(data.count == 12 && data.columns.count == 26)
    #expect(data.columns.allSatisfy { $0.type == .float32 && $0.values.shape == [12] })
    for (place, column) in data.columns.enumerated() {
      let expected = (0..<12).map { Double($0) + Double(place) / 8 }
      #expect(column.values.scalars(as: Double.self) == expected, "\(column.name)")
    }
    let rest = try #require(data.matrix((0..<9).map { "f_rest_\($0)" }))
    #expect(rest.shape == [12, 9] && data.matrix(["f_rest_9"]) == nil)
    try withFolder { folder in
      let path = "\(folder)/again.ply"
      try PointFile.write(data, to: path)
      let (mine, other) = (
        try Data(contentsOf: URL(fileURLWithPath: path)), try fixtureBytes("splats.ply")
      )
      #expect(mine.suffix(12 * 26 * 4) == Data(other).suffix(12 * 26 * 4))
    }
  }

  @Test(arguments: ["mixed-ascii.ply", "mixed-little.ply", "mixed-big.ply"])
  func everyPLYTypeAndListIsRead(_ name: String) throws {
    let data = try PointFile.read(fixture(name))
    #expect(
      data.columns.map(\.type) == [
        .float64, .uint16, .float32, .float32, .int8, .uint8, .int16, .uint16, .int32, .uint32,
        .float32, .float64,
      ])
    #expect(try numbers(data, "x") == [0.1, -1e300, 3])
    #expect(try numbers(data, "y") == [Double(Float(1) / 3), 2, 0])
    let lists = try #require(data.column("neighbours"))
    #expect(lists.lists?.sizes == [1, 0, 3] && lists.lists?.countType == .uint8)
    #expect(lists.values.scalars(as: Int32.self) == [7, 1, 65535, 3])
    #expect(try numbers(data, "a") == [-128, 127, 5] && numbers(data, "d") == [0, 65535, 5])
    #expect(try numbers(data, "f") == [0, 4_294_967_295, 5])
    #expect(try numbers(data, "e") == [-2_147_483_648, 2_147_483_647, 5])
    #expect(try numbers(data.selecting([2, 0]), "neighbours") == [1, 65535, 3, 7])
  }

  @Test(arguments: ["grid-ascii.pcd", "grid-binary.pcd", "grid-compressed.pcd"])
  func organisedCloudsAreRead(_ name: String) throws {
    let data = try PointFile.read(fixture(name))
    #expect(data.columns.map(\.name) == ["x", "y", "z", "rgb", "moment", "label"])
    #expect(data.count == 20 && data.gridHeight == 4 && data.viewpoint == [1, 2, 3, 0, 1, 0, 0])
    #expect(try numbers(data, "x") == (0..<20).map { Double($0 % 5) })
    #expect(data.column("moment")?.values.shape == [20, 3])
    #expect(try numbers(data, "moment") == (0..<60).map { Double($0) / 4 })
    #expect(try numbers(data, "label") == (0..<20).map { Double(60000 + $0) })
    let colors = try #require(data.colors()).scalars(as: Double.self).map { ($0 * 255).rounded() }
    #expect(colors == (0..<20).flatMap { [10, 20, Double(100 + $0)] } && data.alpha() == nil)
    let kept = data.keepingFinitePositions()
    #expect(kept.count == 19 && kept.gridHeight == 1)
    #expect(try numbers(kept, "label")[3] == 60004 && numbers(data, "z")[3].isNaN)
  }

  @Test func everyEncodingReadsBackTheSame() throws {
    try withFolder { folder in
      for name in ["splats.ply", "mixed-big.ply", "grid-compressed.pcd"] {
        let data = try PointFile.read(fixture(name))
        for (ending, encodings) in [
          ("ply", [PointFile.Encoding.text, .binary, .bigEndian]),
          ("pcd", [.text, .binary, .compressed]),
        ] where ending == "ply" || name != "mixed-big.ply" {
          for encoding in encodings {
            let path = "\(folder)/\(encoding.rawValue).\(ending)"
            try PointFile.write(data, to: path, encoding: encoding)
            let again = try PointFile.read(path)
            if name.hasSuffix("ply") || ending == "pcd" {
              expectEqual(data, again)
              #expect(ending == "ply" || again.viewpoint == data.viewpoint)
            } else {
              // PLY has a list where PCD has three numbers.
              #expect(again.column("moment")?.lists?.sizes == [Int32](repeating: 3, count: 20))
              #expect(try numbers(again, "moment") == numbers(data, "moment"))
            }
          }
        }
      }
    }
  }

  /// Long runs, no runs, overlapping copies: what the compressor must get right.
  @Test func compressionHoldsForAnyBytes() throws {
    var random = SeededGenerator(state: 3)
    try withFolder { folder in
      let path = "\(folder)/a.pcd"
      for length in [0, 1, 2, 3, 31, 32, 33, 263, 264, 265, 9000, 70000] {
        for most in [1, 3, 255] as [Int32] {
          let values = (0..<length).map { _ in Int32.random(in: 0...most, using: &random) }
          let data = PointData(columns: [PointColumn("v", .uint8, Tensor(values))])
          try PointFile.write(data, to: path, encoding: .compressed)
          let again = try PointFile.read(path)
          #expect(again.columns[0].values.scalars(as: Int32.self) == values)
        }
      }
    }
  }

  @Test func linesOfNumbersFollowTheirRules() throws {
    let plain = try xyz("# scanner 7\r\n1 2 3 # first\r\n\r\n// second\r\n4\t5 6e0")
    #expect(plain.count == 2 && plain.columns.map(\.name) == ["x", "y", "z"])
    #expect(plain.positions()?.scalars(as: Float.self) == [1, 2, 3, 4, 5, 6])
    let colored = try xyz("0 0 0 255 0 51\n1 1 1 0 0 0\n")
    #expect(colored.column("red")?.type == .uint8)
    #expect(colored.colors()?.scalars(as: Float.self) == [1, 0, 0.2, 0, 0, 0])
    let linear = try xyz("0 0 0 0.5 0.25 1\n")
    #expect(linear.colors()?.scalars(as: Float.self) == [0.5, 0.25, 1])
    let normals = try xyz("2\n0 0 0 0 0.6 -0.8\n0 0 0 0 0 0\n")
    #expect(normals.normals()?.scalars(as: Float.self) == [0, 0.6, -0.8, 0, 0, 0])
    #expect(try xyz("0 0 0 0 0 0\n").colors() != nil, "black, not a normal of no length")
    let both = try xyz("0 0 0 0 0 1 9 8 7\n")
    #expect(both.columns.map(\.name).suffix(6) == ["nx", "ny", "nz", "red", "green", "blue"])
    #expect(try xyz("# nothing\n").count == 0)
    try withFolder { folder in
      let path = "\(folder)/scan.txt"
      try Data("1 2 3 0.5\n".utf8).write(to: URL(fileURLWithPath: path))
      let named = try PointFile.readText(path, columns: ["x", "y", "z", "intensity"])
      #expect(try numbers(named, "intensity") == [0.5])
      #expect(throws: FileError.self) { try PointFile.readText(path) }
    }
  }

  @Test(arguments: [
    ("1 2 3\n4 5\n", "malformed"), ("1 2 x\n", "malformed"), ("3\n1 2 3\n", "truncated"),
    ("0\n1 2 3\n", "malformed"), ("1 2 3 4\n", "unsupported"), ("1 2 3 300 0 0\n", "outOfRange"),
    ("1 2 3 -5 0 0\n", "outOfRange"), ("1 2 3 1.5 0 0\n", "outOfRange"),
    ("1 2 3 nan 0 0\n", "outOfRange"), ("1 2 3 0 0 1 0 0 1\n", "malformed"),
    ("1,2,3\n", "malformed"),
  ])
  func badLinesAreRefused(text: String, cause: String) {
    let error = #expect(throws: FileError.self) { try xyz(text) }
    #expect(error?.cause.rawValue == cause)
  }

  @Test func lyingHeadersAreRefused() throws {
    func header(
      fields: String = "x y z", sizes: String = "4 4 4", types: String = "F F F",
      counts: String = "1 1 1", width: String = "1", height: String = "1", points: String = "1",
      data: String = "ascii\n1 2 3\n"
    ) -> String {
      """
      VERSION .7
      FIELDS \(fields)
      SIZE \(sizes)
      TYPE \(types)
      COUNT \(counts)
      WIDTH \(width)
      HEIGHT \(height)
      POINTS \(points)
      DATA \(data)
      """
    }
    #expect(try pcd(header()).count == 1)
    let huge = "4000000000000000000"
    for text in [
      header(sizes: "4 4"), header(types: "F F Q"), header(sizes: "4 4 3"),
      header(counts: "1 1 -1"),
      header(counts: "1 1 \(huge)"), header(counts: "0 0 0"), header(fields: ""),
      header(width: "2"), header(width: huge, height: "9"), header(width: huge, points: huge),
      header(width: "200000000", points: "200000000"), header(width: "-1", points: "-1"),
      header(data: "ascii\n1 2\n"), header(data: "ascii\n1 2 3 4\n"), header(data: "ascii\n"),
      header(data: "binary\n12345678901"), header(data: "zipped\n"), header(data: ""),
      header(types: "F F U", data: "ascii\n1 2 3.5\n"),
      header(types: "F F U", data: "ascii\n1 2 -3\n"),
      header(data: "binary_compressed\n\u{1}\0\0\0\u{c}\0\0\0\0"),
      header(data: "binary_compressed\n\u{7f}\0\0\0\u{c}\0\0\0\0"),
      header(data: "binary_compressed\n\u{2}\0\0\0\u{c}\0\0\0  "),
      "FIELDS x\nSIZE 4\nTYPE F\nDATA ascii\n1\n", "HELLO\n",
    ] {
      #expect(throws: FileError.self, "\(text)") { try pcd(text) }
    }
    let ply = "ply\nformat ascii 1.0\nelement vertex 1\nproperty uchar a\nend_header\n"
    for value in ["256", "-1", "0.5", "nan"] {
      let error = #expect(throws: FileError.self) {
        try PointFile.decode(Array((ply + value).utf8), format: .ply, file: "a.ply")
      }
      #expect(error?.place == .part("vertex 0"))
    }
  }

  @Test func whatAFormatCannotHoldIsRefusedBeforeWriting() throws {
    try withFolder { folder in
      func refuse(
        _ column: PointColumn, _ ending: String, _ encoding: PointFile.Encoding? = nil,
        _ cause: FileError.Cause
      ) {
        let path = "\(folder)/a.\(ending)"
        let error = #expect(throws: FileError.self) {
          try PointFile.write(PointData(columns: [column]), to: path, encoding: encoding)
        }
        #expect(error?.cause == cause && !FileManager.default.fileExists(atPath: path))
      }
      refuse(PointColumn("a", .uint8, Tensor([256] as [Int32])), "ply", nil, .outOfRange)
      refuse(PointColumn("a", .uint64, Tensor([-1] as [Int64])), "pcd", nil, .outOfRange)
      refuse(PointColumn("a b", .uint8, Tensor([1] as [Int32])), "ply", nil, .malformed)
      refuse(PointColumn("a", .int64, Tensor([1] as [Int64])), "ply", nil, .unsupported)
      let list = PointColumn(
        "a", .int32, Tensor([1, 2] as [Int32]), lists: .init(sizes: [2], countType: .int8))
      refuse(list, "pcd", nil, .unsupported)
      refuse(list, "ply", .compressed, .unsupported)
      refuse(list, "xyz", nil, .missing)
      refuse(list, "las", nil, .unsupported)
    }
  }

  @Test func floatsSurviveText() throws {
    try withFolder { folder in
      let values: [Double] = [0.1, .pi, -0.0, .leastNonzeroMagnitude, 1e300, .nan, .infinity]
      let data = PointData(columns: [
        PointColumn("d", .float64, Tensor(values)),
        PointColumn("f", .float32, Tensor(values.map { Float($0) })),
        PointColumn("i", .int64, Tensor([Int64](repeating: 1 << 40, count: 7))),
      ])
      let path = "\(folder)/a.pcd"
      try PointFile.write(data, to: path, encoding: .text)
      expectEqual(data, try PointFile.read(path))
    }
  }
}
