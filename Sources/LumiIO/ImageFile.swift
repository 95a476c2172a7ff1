import CPNG
import Foundation
import LumiTensor

/// A picture in memory, with what the file said about it.
public struct Image: Sendable {
  /// float32 [height, width, channels], row 0 on top. 1 channel is grey, 2 grey and alpha, 3 RGB,
  /// 4 RGB and alpha. Values in 0...1: linear light, or the stored value divided by the largest
  /// one where the picture was read as ``ColorEncoding/linear``. Alpha is never decoded, and
  /// colour is not multiplied by it.
  public var pixels: Tensor
  /// Bits of a sample in the file: 1, 2, 4, 8 or 16; of a palette image, bits of its index.
  public var storedBitDepth: Int
  /// Whether the file had a palette.
  public var hadPalette: Bool
  /// The exponent of the file's gAMA chunk, if it has one. Told, not applied.
  public var fileGamma: Double?

  /// Wraps float32 pixels [height, width, 1...4] in linear light.
  public init(
    pixels: Tensor, storedBitDepth: Int = 8, hadPalette: Bool = false, fileGamma: Double? = nil
  ) {
    require(
      pixels.rank == 3 && (1...4).contains(pixels.shape[2]) && pixels.dtype == .float32,
      "Image: pixels are \(pixels.dtype) \(pixels.shape), expected float32 [height, width, 1...4]")
    self.pixels = pixels
    self.storedBitDepth = storedBitDepth
    self.hadPalette = hadPalette
    self.fileGamma = fileGamma
  }

  public var height: Int { pixels.shape[0] }
  public var width: Int { pixels.shape[1] }
  public var channels: Int { pixels.shape[2] }
  public var hasAlpha: Bool { channels == 2 || channels == 4 }

  /// Colour without alpha, [height, width, 1 or 3].
  public var color: Tensor { channelRange(0..<(hasAlpha ? channels - 1 : channels)) }
  /// Alpha, [height, width, 1]; nil if the file has none.
  public var alpha: Tensor? { hasAlpha ? channelRange(channels - 1..<channels) : nil }

  private func channelRange(_ range: Range<Int>) -> Tensor {
    .build([height, width, range.count], Float.self) { out in
      pixels.withUnsafeScalars(as: Float.self) { source in
        for pixel in 0..<height * width {
          for (offset, channel) in range.enumerated() {
            out[pixel * range.count + offset] = source[pixel * channels + channel]
          }
        }
      }
    }
  }
}

/// PNG files.
public enum ImageFile {
  /// Reads a PNG of any kind: 1 to 16 bits, grey, RGB, palette, alpha or tRNS, interlaced.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - encoding: How the file's colours are meant. The default fits pictures; pass
  ///     ``ColorEncoding/linear`` for masks, depth and other data, whose values must not change.
  ///     gAMA, cHRM and iCCP chunks are not applied.
  ///   - limits: Refused before anything of that size is allocated.
  /// - Throws: ``FileError``.
  public static func read(
    _ path: String, encoding: ColorEncoding = .sRGB, limits: ReadLimits = .standard
  ) throws(FileError) -> Image {
    try decode(FileBytes.read(path, limits: limits), file: path, encoding: encoding, limits: limits)
  }

  /// Reads a PNG that is already in memory; `file` is its name in errors.
  public static func decode(
    _ bytes: [UInt8], file: String, encoding: ColorEncoding = .sRGB,
    limits: ReadLimits = .standard
  ) throws(FileError) -> Image {
    var info = lumi_png_info()
    guard lumi_png_read_info(bytes, bytes.count, &info) == 0 else {
      throw pngError(file, info, bytes.count)
    }
    try check(info, bytes.count, file, limits)
    let width = Int(info.width)
    let height = Int(info.height)
    let samples = width * height * Int(info.channels)
    var status: Int32 = 0
    let raw = [UInt8](unsafeUninitializedCapacity: samples * Int(info.bitDepth / 8)) {
      status = lumi_png_read_pixels(bytes, bytes.count, &info, $0.baseAddress)
      $1 = status == 0 ? $0.count : 0
    }
    guard status == 0 else { throw pngError(file, info, bytes.count) }
    let pixels = Tensor.build([height, width, Int(info.channels)], Float.self) { out in
      expand(raw, info, encoding, into: out)
    }
    return Image(
      pixels: pixels, storedBitDepth: Int(info.storedBitDepth), hadPalette: info.palette != 0,
      fileGamma: info.gamma > 0 ? info.gamma : nil)
  }

  /// Sizes are checked before memory is taken for them. Deflate shrinks at most 1032 times, so a
  /// short file with a huge header is recognised without decoding it.
  private static func check(
    _ info: lumi_png_info, _ byteCount: Int, _ file: String, _ limits: ReadLimits
  ) throws(FileError) {
    let pixels = UInt64(info.width) * UInt64(info.height)
    guard pixels <= UInt64(max(limits.pixels, 0)) else {
      throw FileError(
        file: file, place: .part("chunk IHDR"), cause: .limitExceeded,
        message: "\(info.width)x\(info.height) pixels, the limit is \(limits.pixels)")
    }
    guard info.inflatedBytes <= UInt64(byteCount) * 1032 else {
      throw FileError(
        file: file, place: .part("chunk IHDR"), cause: .truncated,
        message: "\(info.width)x\(info.height) pixels cannot come from \(byteCount) bytes")
    }
  }

  private static func expand(
    _ raw: [UInt8], _ info: lumi_png_info, _ encoding: ColorEncoding,
    into out: UnsafeMutablePointer<Float>
  ) {
    let channels = Int(info.channels)
    let colors = channels == 2 || channels == 4 ? channels - 1 : channels
    let largest = info.bitDepth == 16 ? 65535 : 255
    let plain = (0...largest).map { Float(Double($0) / Double(largest)) }
    let decoded = (0...largest).map { Float(encoding.decode(Double($0) / Double(largest))) }
    let samples = Int(info.width) * Int(info.height) * channels
    raw.withUnsafeBytes { bytes in
      for index in 0..<samples {
        let stored =
          info.bitDepth == 16
          ? Int(bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
          : Int(bytes[index])
        out[index] = index % channels < colors ? decoded[stored] : plain[stored]
      }
    }
  }

  private static func pngError(
    _ file: String, _ info: lumi_png_info, _ byteCount: Int
  ) -> FileError {
    let message = withUnsafeBytes(of: info.message) { raw in
      String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
    }
    let truncated = byteCount == 0 || message.contains("ends inside")
    return FileError(
      file: file, cause: truncated ? .truncated : .malformed, message: "PNG: \(message)")
  }
}

// MARK: - Writing

extension ImageFile {
  /// Writes [height, width] or [height, width, 1...4] in float32 or float64 as PNG.
  ///
  /// Colour is encoded, then every value is clamped to 0...1 (infinities too) and rounded to the
  /// nearest step. Alpha, the last of 2 or 4 channels, is not encoded.
  /// - Parameters:
  ///   - pixels: [height, width] or [height, width, 1...4].
  ///   - path: the file.
  ///   - encoding: Pass ``ColorEncoding/linear`` for masks and data.
  ///   - bitDepth: 8 or 16.
  ///   - interlaced: whether to store it in Adam7 order.
  /// - Throws: ``FileError``: a NaN, named by its position, or a file that cannot be written. The
  ///   old file stays as it was.
  public static func write(
    _ pixels: Tensor, to path: String, encoding: ColorEncoding = .sRGB, bitDepth: Int = 8,
    interlaced: Bool = false
  ) throws(FileError) {
    let bytes = try encode(
      pixels, file: path, encoding: encoding, bitDepth: bitDepth, interlaced: interlaced)
    try FileBytes.write(bytes, to: path)
  }

  /// The bytes that ``write(_:to:encoding:bitDepth:interlaced:)`` writes.
  public static func encode(
    _ pixels: Tensor, file: String, encoding: ColorEncoding = .sRGB, bitDepth: Int = 8,
    interlaced: Bool = false
  ) throws(FileError) -> [UInt8] {
    let shape = pixels.rank == 2 ? pixels.shape + [1] : pixels.shape
    require(
      shape.count == 3 && (1...4).contains(shape[2]) && shape[0] > 0 && shape[1] > 0,
      "ImageFile.write: pixels are \(pixels.shape), expected [height, width, 1...4]")
    require(bitDepth == 8 || bitDepth == 16, "ImageFile.write: bit depth \(bitDepth)")
    require(pixels.dtype.isFloatingPoint, "ImageFile.write: pixels are \(pixels.dtype)")
    let samples = try quantised(pixels, shape, file, encoding, bitDepth)
    var output = lumi_png_output()
    defer { free(output.bytes) }
    let status = samples.withUnsafeBytes {
      lumi_png_write(
        $0.baseAddress, UInt32(shape[1]), UInt32(shape[0]), Int32(shape[2]), Int32(bitDepth),
        encoding == .sRGB ? 1 : 0, interlaced ? 1 : 0, &output)
    }
    guard status == 0 else {
      throw FileError(file: file, cause: .unwritable, message: "libpng could not encode the image")
    }
    return Array(UnsafeBufferPointer(start: output.bytes, count: output.count))
  }

  private static func quantised(
    _ pixels: Tensor, _ shape: [Int], _ file: String, _ encoding: ColorEncoding, _ bitDepth: Int
  ) throws(FileError) -> [UInt8] {
    let channels = shape[2]
    let colors = channels == 2 || channels == 4 ? channels - 1 : channels
    let largest = bitDepth == 16 ? 65535.0 : 255.0
    let values = doubles(pixels)
    var bytes = [UInt8]()
    bytes.reserveCapacity(values.count * bitDepth / 8)
    for (index, value) in values.enumerated() {
      guard !value.isNaN else {
        let pixel = index / channels
        throw FileError(
          file: file,
          place: .part("pixel [\(pixel / shape[1]), \(pixel % shape[1]), \(index % channels)]"),
          cause: .notFinite, message: "NaN cannot be written")
      }
      let light = min(max(value, 0), 1)
      let stored = index % channels < colors ? encoding.encode(light) : light
      let level = UInt16((stored * largest).rounded())
      if bitDepth == 16 {
        withUnsafeBytes(of: level) { bytes.append(contentsOf: $0) }
      } else {
        bytes.append(UInt8(level))
      }
    }
    return bytes
  }
}

/// A floating-point tensor's elements in double precision.
func doubles(_ tensor: Tensor) -> [Double] {
  tensor.dtype == .float64
    ? tensor.withUnsafeScalars(as: Double.self) { Array($0) }
    : tensor.withUnsafeScalars(as: Float.self) { $0.map(Double.init) }
}
