extension Canvas {
  /// Writes text in capitals, its upper left corner at `row` and `column`. Characters without a
  /// glyph leave a space.
  public mutating func drawText(
    _ text: String, row: Int, column: Int, scale: Int = 2, color: SIMD3<Float> = Palette.ink
  ) {
    var left = column
    for character in text.uppercased() {
      let glyph = Glyphs.rows(of: character)
      for (y, line) in glyph.enumerated() {
        for (x, mark) in line.enumerated() where mark == "#" {
          fill(row: row + y * scale, column: left + x * scale, size: scale, color)
        }
      }
      left += (glyph[0].count + 1) * scale
    }
  }

  /// How many columns a text takes.
  public static func textWidth(_ text: String, scale: Int = 2) -> Int {
    text.uppercased().reduce(0) { $0 + (Glyphs.rows(of: $1)[0].count + 1) * scale }
  }

  private mutating func fill(row: Int, column: Int, size: Int, _ color: SIMD3<Float>) {
    for y in row..<row + size where 0..<height ~= y {
      for x in column..<column + size where 0..<width ~= x { self[y, x] = color }
    }
  }

  /// The canvas with a line of text above it.
  public func captioned(
    _ text: String, scale: Int = 2, color: SIMD3<Float> = Palette.ink
  ) -> Canvas {
    let band = 7 * scale
    var result = Canvas(width: width, height: height + band, color: Palette.gap)
    for row in 0..<height {
      for column in 0..<width { result[row + band, column] = self[row, column] }
    }
    result.drawText(text, row: scale, column: scale, scale: scale, color: color)
    return result
  }

  /// Canvases of any size below each other, left-aligned.
  public static func column(_ parts: [Canvas], gap: Int = 4) -> Canvas {
    var result = Canvas(
      width: parts.map(\.width).max() ?? 1,
      height: max(1, parts.reduce(-gap) { $0 + $1.height + gap }), color: Palette.gap)
    var top = 0
    for part in parts {
      for row in 0..<part.height {
        for column in 0..<part.width { result[top + row, column] = part[row, column] }
      }
      top += part.height + gap
    }
    return result
  }
}

/// Letters of five rows, three columns wide where that will do.
private enum Glyphs {
  static func rows(of character: Character) -> [Substring] {
    (drawings[character] ?? ".../.../.../.../...").split(separator: "/")
  }

  private static let drawings: [Character: String] = [
    "A": ".#./#.#/###/#.#/#.#", "B": "##./#.#/##./#.#/##.", "C": ".##/#../#../#../.##",
    "D": "##./#.#/#.#/#.#/##.", "E": "###/#../##./#../###", "F": "###/#../##./#../#..",
    "G": ".##/#../#.#/#.#/.##", "H": "#.#/#.#/###/#.#/#.#", "I": "#/#/#/#/#",
    "J": "..#/..#/..#/#.#/.#.", "K": "#.#/#.#/##./#.#/#.#", "L": "#../#../#../#../###",
    "M": "#...#/##.##/#.#.#/#...#/#...#", "N": "#..#/##.#/#.##/#..#/#..#",
    "O": ".#./#.#/#.#/#.#/.#.", "P": "##./#.#/##./#../#..", "Q": ".#../#.#./#.#./#.#./.#.#",
    "R": "##./#.#/##./#.#/#.#", "S": ".##/#../.#./..#/##.", "T": "###/.#./.#./.#./.#.",
    "U": "#.#/#.#/#.#/#.#/###", "V": "#.#/#.#/#.#/#.#/.#.",
    "W": "#...#/#...#/#.#.#/##.##/#...#", "X": "#.#/#.#/.#./#.#/#.#",
    "Y": "#.#/#.#/.#./.#./.#.", "Z": "###/..#/.#./#../###",
    "0": "###/#.#/#.#/#.#/###", "1": ".#/##/.#/.#/.#", "2": "##./..#/.#./#../###",
    "3": "##./..#/.#./..#/##.", "4": "#.#/#.#/###/..#/..#", "5": "###/#../##./..#/##.",
    "6": ".##/#../###/#.#/###", "7": "###/..#/.#./.#./.#.", "8": "###/#.#/###/#.#/###",
    "9": "###/#.#/###/..#/##.", ".": "././././#", ",": "../../../.#/#.", ":": "./#/./#/.",
    "-": ".../.../###/.../...", "+": ".../.#./###/.#./...", "%": "#.#/..#/.#./#../#.#",
    "(": ".#/#./#./#./.#", ")": "#./.#/.#/.#/#.", "/": "..#/..#/.#./#../#..",
    "!": "#/#/#/./#", "=": ".../###/.../###/...",
  ]
}
