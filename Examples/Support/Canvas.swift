import Foundation
import Lumigrad

/// A small picture to draw on: linear RGB, row 0 on top.
public struct Canvas {
  public let width: Int
  public let height: Int
  private var pixels: [SIMD3<Float>]

  public init(width: Int, height: Int, color: SIMD3<Float> = Palette.paper) {
    self.width = width
    self.height = height
    pixels = Array(repeating: color, count: width * height)
  }

  /// A picture [height, width, 3].
  public init(_ image: Tensor) {
    self.init(width: image.shape[1], height: image.shape[0])
    let values = image.scalars(as: Float.self)
    for index in pixels.indices {
      pixels[index] = SIMD3(values[3 * index], values[3 * index + 1], values[3 * index + 2])
    }
  }

  /// Coverage [height, width] from 0 (paper) to 1 (ink).
  public init(coverage: Tensor, ink: SIMD3<Float> = Palette.blue) {
    self.init(width: coverage.shape[1], height: coverage.shape[0])
    for (index, alpha) in coverage.scalars(as: Float.self).enumerated() {
      pixels[index] = Palette.paper + (ink - Palette.paper) * alpha
    }
  }

  public subscript(row: Int, column: Int) -> SIMD3<Float> {
    get { pixels[row * width + column] }
    set { pixels[row * width + column] = newValue }
  }

  /// Every pixel as a square of `factor` × `factor`.
  public func enlarged(_ factor: Int) -> Canvas {
    var result = Canvas(width: width * factor, height: height * factor)
    for row in 0..<result.height {
      for column in 0..<result.width {
        result[row, column] = self[row / factor, column / factor]
      }
    }
    return result
  }

  /// Draws the border of the pixels above ½ of a mask [h, w], enlarged to this canvas's size.
  public mutating func drawOutline(of mask: Tensor, color: SIMD3<Float> = Palette.orange) {
    let factor = width / mask.shape[1]
    let values = mask.scalars(as: Float.self)
    func isInside(_ row: Int, _ column: Int) -> Bool {
      guard 0..<height ~= row, 0..<width ~= column else { return false }
      return values[row / factor * mask.shape[1] + column / factor] > 0.5
    }
    for row in 0..<height {
      for column in 0..<width where isInside(row, column) {
        let isSurrounded =
          isInside(row - 1, column) && isInside(row + 1, column)
          && isInside(row, column - 1) && isInside(row, column + 1)
        if !isSurrounded { self[row, column] = color }
      }
    }
  }

  /// Draws a straight line between two points in pixels.
  public mutating func drawLine(
    from start: SIMD2<Double>, to end: SIMD2<Double>, color: SIMD3<Float>
  ) {
    let span = end - start
    let steps = max(1, Int(max(abs(span.x), abs(span.y)).rounded(.up)))
    for step in 0...steps {
      let point = start + span * (Double(step) / Double(steps))
      let (row, column) = (Int(point.y.rounded()), Int(point.x.rounded()))
      if 0..<height ~= row, 0..<width ~= column { self[row, column] = color }
    }
  }

  /// Canvases of one size side by side, `columns` in a row.
  public static func sheet(_ parts: [Canvas], columns: Int, gap: Int = 4) -> Canvas {
    guard let first = parts.first else { return Canvas(width: 1, height: 1) }
    let rows = (parts.count + columns - 1) / columns
    var result = Canvas(
      width: columns * (first.width + gap) - gap, height: rows * (first.height + gap) - gap,
      color: Palette.gap)
    for (index, part) in parts.enumerated() {
      let (top, left) = (
        index / columns * (first.height + gap), index % columns * (first.width + gap)
      )
      for row in 0..<part.height {
        for column in 0..<part.width { result[top + row, left + column] = part[row, column] }
      }
    }
    return result
  }

  /// Writes a PNG.
  public func write(to path: String) throws {
    let values = pixels.flatMap { [$0.x, $0.y, $0.z] }
    try ImageFile.write(Tensor(values, shape: [height, width, 3]), to: path)
  }
}

/// The colours of the examples' pictures, in linear light.
public enum Palette {
  public static let paper = SIMD3<Float>(0.93, 0.92, 0.89)
  public static let gap = SIMD3<Float>(1, 1, 1)
  public static let ink = SIMD3<Float>(0.02, 0.02, 0.03)
  public static let grid = SIMD3<Float>(0.65, 0.65, 0.65)
  public static let blue = SIMD3<Float>(0.06, 0.17, 0.42)
  public static let orange = SIMD3<Float>(0.9, 0.23, 0.02)
}
