import Foundation

/// Wavefront material libraries. Read: Ka, Kd, Ks, Ke, Ns, d, Tr and map_Kd; the rest is skipped.
struct MTLReader {
  private(set) var materials: [MeshMaterial] = []
  private(set) var warnings: [String] = []
  private var cursor: TextCursor
  private let limits: ReadLimits

  static func read(_ path: String, limits: ReadLimits) throws(FileError) -> MTLReader {
    var reader = MTLReader(
      cursor: TextCursor(file: path, bytes: try FileBytes.read(path, limits: limits)),
      limits: limits)
    reader.cursor.comment = UInt8(ascii: "#")
    while !reader.cursor.atEnd {
      if let keyword = reader.cursor.word() { try reader.readStatement(keyword) }
      reader.cursor.nextLine()
    }
    try reader.loadTextures()
    return reader
  }

  private init(cursor: TextCursor, limits: ReadLimits) {
    self.cursor = cursor
    self.limits = limits
  }

  private mutating func readStatement(_ keyword: String) throws(FileError) {
    if keyword == "newmtl" {
      materials.append(MeshMaterial(name: cursor.restOfLine()))
      return
    }
    // Statements before the first newmtl belong to nothing.
    guard !materials.isEmpty else { return }
    let last = materials.count - 1
    switch keyword {
    case "Ka": materials[last].ambient = try color(or: materials[last].ambient)
    case "Kd": materials[last].diffuse = try color(or: materials[last].diffuse)
    case "Ks": materials[last].specular = try color(or: materials[last].specular)
    case "Ke": materials[last].emission = try color(or: materials[last].emission)
    case "Ns": materials[last].shininess = Float(try cursor.finite("Ns"))
    case "d": materials[last].opacity = Float(try cursor.finite("d"))
    case "Tr": materials[last].opacity = 1 - Float(try cursor.finite("Tr"))
    case "map_Kd": materials[last].texturePath = textureName()
    default: break
    }
  }

  /// One number stands for three. Spectral files and XYZ colours are left aside with a warning.
  private mutating func color(or previous: SIMD3<Float>) throws(FileError) -> SIMD3<Float> {
    let start = cursor
    if let word = cursor.word(), word == "spectral" || word == "xyz" {
      warnings.append("\(word) colours are not read")
      return previous
    }
    cursor = start
    let red = Float(try cursor.finite("colour"))
    if cursor.lineEnds() { return SIMD3(repeating: red) }
    return SIMD3(red, Float(try cursor.finite("colour")), Float(try cursor.finite("colour")))
  }

  /// The file name after options such as `-s 1 1 1`. It may hold spaces.
  private mutating func textureName() -> String {
    let arguments = [
      "-blendu": 1, "-blendv": 1, "-cc": 1, "-clamp": 1, "-bm": 1, "-boost": 1, "-texres": 1,
      "-imfchan": 1, "-type": 1, "-mm": 2,
    ]
    while true {
      let start = cursor
      guard let word = cursor.word() else { return "" }
      if let count = arguments[word] {
        for _ in 0..<count { _ = cursor.word() }
      } else if ["-s", "-o", "-t"].contains(word) {
        skipNumbers(atMost: 3)
      } else {
        cursor = start
        return cursor.restOfLine()
      }
    }
  }

  private mutating func skipNumbers(atMost count: Int) {
    for _ in 0..<count {
      let start = cursor
      guard let word = cursor.word(), Double(word) != nil else {
        cursor = start
        return
      }
    }
  }

  private mutating func loadTextures() throws(FileError) {
    var loaded: [String: Image] = [:]
    for index in materials.indices {
      guard let name = materials[index].texturePath, !name.isEmpty else { continue }
      if loaded[name] == nil {
        loaded[name] = try SiblingFile.texture(
          name, beside: cursor.file, limits: limits, warnings: &warnings)
      }
      materials[index].texture = loaded[name]
    }
  }
}
