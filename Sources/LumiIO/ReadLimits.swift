/// How much a reader may take in before it refuses a file.
///
/// The defaults are far above ordinary use. They exist because a few bytes of a hostile file can
/// claim any size; every reader also compares the claim with the file's length before it
/// allocates.
public struct ReadLimits: Sendable, Equatable {
  /// Bytes of one file. Default 2 GiB.
  public var fileBytes: Int
  /// Width times height of an image. Default 2²⁸.
  public var pixels: Int
  /// Vertices, faces, or elements of an array. Default 2²⁸.
  public var elements: Int
  /// Nesting of JSON and of scene nodes. Default 128.
  public var depth: Int

  public init(
    fileBytes: Int = 1 << 31, pixels: Int = 1 << 28, elements: Int = 1 << 28, depth: Int = 128
  ) {
    self.fileBytes = fileBytes
    self.pixels = pixels
    self.elements = elements
    self.depth = depth
  }

  public static let standard = ReadLimits()
}
