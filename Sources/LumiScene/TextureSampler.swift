/// How colours are read from an image by texture coordinates.
public struct TextureSampler: Sendable, Equatable {
  /// What lies outside of the image.
  public enum Wrap: String, Sendable, CaseIterable {
    /// The texels of the border.
    case clamp
    /// The image again.
    case `repeat`
    /// The image again, every other one mirrored.
    case mirroredRepeat
  }

  /// What is read at a place.
  public enum Filter: String, Sendable, CaseIterable {
    /// The texel there; constant in the coordinates.
    case nearest
    /// Between the four texels around.
    case bilinear
    /// Between the four texels around in the two levels of a pyramid of halved images whose texels
    /// are about as large as the pixel's footprint: surfaces far away do not alias.
    case trilinear
  }

  public var filter: Filter
  public var wrap: Wrap

  /// Bilinear and clamped by default.
  public init(filter: Filter = .bilinear, wrap: Wrap = .clamp) {
    self.filter = filter
    self.wrap = wrap
  }
}
