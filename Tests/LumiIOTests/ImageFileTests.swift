import Foundation
import LumiIO
import LumiTensor
import Testing

struct ImageFileTests {
  private func stored(_ name: String) throws -> (Image, [Int]) {
    let image = try ImageFile.read(fixture(name), encoding: .linear)
    let levels = image.storedBitDepth == 16 ? 65535.0 : 255.0
    let values = image.pixels.scalars(as: Float.self).map { Int((Double($0) * levels).rounded()) }
    return (image, values)
  }

  /// Every pixel of the generator's pictures, row by row.
  private func expected(_ channels: Int, _ value: (_ x: Int, _ y: Int, _ c: Int) -> Int) -> [Int] {
    (0..<3).flatMap { y in (0..<5).flatMap { x in (0..<channels).map { value(x, y, $0) } } }
  }

  private func grey(_ x: Int, _ y: Int) -> Int { y * 70 + x * 11 }
  private func rgb(_ x: Int, _ y: Int, _ c: Int) -> Int { [x * 50, y * 100, x * 10 + y][c] }

  @Test func readsEveryKindOfPixel() throws {
    #expect(try stored("grey8.png").1 == expected(1) { x, y, _ in grey(x, y) })
    #expect(try stored("rgb8.png").1 == expected(3, rgb))
    #expect(
      try stored("rgba8.png").1 == expected(4) { $2 < 3 ? rgb($0, $1, $2) : 255 - grey($0, $1) })
    #expect(
      try stored("greyalpha8.png").1
        == expected(2) { $2 == 0 ? grey($0, $1) : 255 - grey($0, $1) })
    #expect(try stored("grey16.png").1 == expected(1) { x, y, _ in grey(x, y) * 257 + 3 })
    #expect(try stored("grey1.png").1 == expected(1) { x, y, _ in (x + y) % 2 == 0 ? 255 : 0 })
    let colors = [[0, 0, 0], [255, 0, 0], [0, 128, 0], [10, 20, 255]]
    let alpha = [0, 128, 255, 64]
    let (palette, values) = try stored("palette.png")
    #expect(values == expected(3) { colors[($0 + $1) % 4][$2] })
    #expect(palette.hadPalette && palette.storedBitDepth == 2 && palette.pixels.shape == [3, 5, 3])
    #expect(
      try stored("palette-transparent.png").1
        == expected(4) { $2 < 3 ? colors[($0 + $1) % 4][$2] : alpha[($0 + $1) % 4] })
  }

  @Test func gammaChunkIsToldAndNotApplied() throws {
    let (image, values) = try stored("gamma-linear.png")
    #expect(image.fileGamma == 1)
    #expect(values == expected(3, rgb))
  }

  @Test func colourIsDecodedAndAlphaIsNot() throws {
    let image = try ImageFile.read(fixture("rgba8.png"))
    let color = image.color.scalars(as: Float.self)
    let alpha = try #require(image.alpha).scalars(as: Float.self)
    for (index, value) in expected(3, rgb).enumerated() {
      #expect(color[index] == Float(ColorEncoding.sRGB.decode(Double(value) / 255)))
    }
    #expect(alpha[7] == Float(255 - grey(2, 1)) / 255)
  }

  /// Values of IEC 61966-2-1 computed by hand.
  @Test func transferFunctionIsExact() {
    let sRGB = ColorEncoding.sRGB
    #expect(sRGB.decode(0) == 0 && abs(sRGB.decode(1) - 1) < 1e-15)
    #expect(abs(sRGB.decode(0.5) - 0.21404114048223255) < 1e-15)
    #expect(abs(sRGB.decode(0.04) - 0.0030959752321981426) < 1e-17)
    for level in 0...65535 {
      let stored = Double(level) / 65535
      #expect(abs(sRGB.encode(sRGB.decode(stored)) - stored) < 1e-7)
    }
  }

  @Test(arguments: [8, 16], [1, 2, 3, 4])
  func roundTripKeepsEveryLevel(bitDepth: Int, channels: Int) throws {
    let largest = bitDepth == 16 ? 65535 : 255
    var random = SeededGenerator(state: UInt64(bitDepth + channels))
    let levels = (0..<7 * 9 * channels).map { _ in Int.random(in: 0...largest, using: &random) }
    let values = levels.map { Float(Double($0) / Double(largest)) }
    let pixels = Tensor(values, shape: [7, 9, channels])
    for encoding in ColorEncoding.allCases {
      for interlaced in [false, true] {
        let first = try ImageFile.encode(
          pixels, file: "a", encoding: encoding, bitDepth: bitDepth, interlaced: interlaced)
        let image = try ImageFile.decode(first, file: "a", encoding: encoding)
        let second = try ImageFile.encode(
          image.pixels, file: "b", encoding: encoding, bitDepth: bitDepth, interlaced: interlaced)
        #expect(first == second)
        #expect(image.storedBitDepth == bitDepth && image.pixels.shape == [7, 9, channels])
        if encoding == .linear { #expect(image.pixels.scalars(as: Float.self) == values) }
      }
    }
  }

  @Test func writingClampsRoundsAndRefusesNaN() throws {
    let pixels = Tensor([-1, 0.5, 2, .infinity] as [Double], shape: [2, 2])
    let image = try ImageFile.decode(
      ImageFile.encode(pixels, file: "a", encoding: .linear), file: "a", encoding: .linear)
    #expect(image.pixels.scalars(as: Float.self) == [0, 128.0 / 255, 1, 1])
    let bad = Tensor([0, 0, 0, .nan] as [Float], shape: [2, 2])
    let error = #expect(throws: FileError.self) { try ImageFile.encode(bad, file: "bad.png") }
    #expect(error?.cause == .notFinite && error?.place == .part("pixel [1, 1, 0]"))
  }

  @Test func hugeHeaderIsRefusedBeforeAllocation() throws {
    var bytes = try fixtureBytes("rgb8.png")
    func setSize(_ width: UInt32, _ height: UInt32) {
      for (offset, value) in [(16, width), (20, height)] {
        for byte in 0..<4 { bytes[offset + byte] = UInt8(value >> (24 - 8 * UInt32(byte)) & 0xff) }
      }
      let crc = checksum(bytes[12..<29])
      for byte in 0..<4 { bytes[29 + byte] = UInt8(crc >> (24 - 8 * UInt32(byte)) & 0xff) }
    }
    MemoryStatistics.resetPeak()
    let before = MemoryStatistics.now.peak
    setSize(16000, 16000)
    #expect(throws: FileError.self) { try ImageFile.decode(bytes, file: "liar") }
    setSize(0x7fff_ffff, 0x7fff_ffff)
    let error = #expect(throws: FileError.self) { try ImageFile.decode(bytes, file: "liar") }
    #expect(error?.cause == .limitExceeded && error?.place == .part("chunk IHDR"))
    #expect(MemoryStatistics.now.peak - before < 1 << 28)
    setSize(5, 3)
    #expect(throws: Never.self) { try ImageFile.decode(bytes, file: "honest") }
    #expect(throws: FileError.self) {
      try ImageFile.decode(bytes, file: "small", limits: ReadLimits(pixels: 14))
    }
  }

  private func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~0 as UInt32) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in
        value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1
      }
    }
  }

  @Test func failedWriteLeavesTheOldFile() throws {
    try withFolder { folder in
      let path = "\(folder)/a.png"
      try ImageFile.write(Tensor([0.5] as [Float], shape: [1, 1]), to: path)
      let old = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(throws: FileError.self) {
        try ImageFile.write(Tensor([.nan] as [Float], shape: [1, 1]), to: path)
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == old)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.png"])
      let error = #expect(throws: FileError.self) {
        try ImageFile.write(Tensor([0] as [Float], shape: [1, 1]), to: "\(folder)/none/a.png")
      }
      #expect(error?.cause == .unwritable)
    }
  }

  @Test func onlyRegularFilesAreRead() {
    for path in ["/dev/zero", "/tmp", "/no/such/file"] {
      let error = #expect(throws: FileError.self) { try ImageFile.read(path) }
      #expect(error?.cause == .unreadable && error?.file == path)
    }
  }
}
