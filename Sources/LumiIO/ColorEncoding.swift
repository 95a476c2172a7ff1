import Foundation

/// How stored pixel values relate to light.
///
/// sRGB is IEC 61966-2-1: `c / 12.92` up to 0.04045, above it `((c + 0.055) / 1.055)^2.4`.
public enum ColorEncoding: Sendable, CaseIterable {
  /// Colours as cameras, browsers and painting programs store them.
  case sRGB
  /// Values proportional to light, or not light at all: masks, depth, labels. Kept as they are.
  case linear

  /// Linear light of a stored value in 0...1.
  public func decode(_ stored: Double) -> Double {
    guard self == .sRGB else { return stored }
    return stored <= 0.04045 ? stored / 12.92 : pow((stored + 0.055) / 1.055, 2.4)
  }

  /// Stored value of linear light in 0...1; the inverse of ``decode(_:)``.
  public func encode(_ light: Double) -> Double {
    guard self == .sRGB else { return light }
    return light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055
  }
}
