import LumiTensor

/// The vertices of a Stanford PLY with all their properties, in order and with their types.
/// Other elements, such as faces, are walked over and told in the warnings.
enum PLYPoints {
  static func read(
    _ bytes: [UInt8], file: String, limits: ReadLimits
  ) throws(FileError) -> PointData {
    let header = try PLYHeader(bytes, file: file)
    var values = try PLYValues(bytes, header)
    var data: PointData?
    var warnings: [String] = []
    for element in header.elements {
      try values.checkCount(element, limits)
      if element.name == "vertex" {
        guard data == nil else {
          throw FileError(
            file: file, place: .part("element vertex"), cause: .malformed, message: "appears twice")
        }
        data = PointData(columns: try values.columns(element), count: element.count)
      } else {
        for index in 0..<element.count { _ = try values.row(element, index) }
        if element.count > 0 {
          warnings.append("\(element.count) of element \(quoted(element.name)) were left out")
        }
      }
    }
    guard var data else {
      throw FileError(file: file, cause: .missing, message: "the element vertex expected")
    }
    data.warnings = warnings
    return data
  }
}
