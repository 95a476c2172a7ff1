import LumiTensor

/// Views on a sphere around the origin, as the demo data of Soft Rasterizer stores them: an NPY
/// array [N, 3] of distance, elevation and azimuth.
public struct OrbitView: Sendable, Equatable {
  /// Above 0, in world units.
  public var distance: Double
  public var elevationDegrees: Double
  public var azimuthDegrees: Double

  public init(distance: Double, elevationDegrees: Double, azimuthDegrees: Double) {
    self.distance = distance
    self.elevationDegrees = elevationDegrees
    self.azimuthDegrees = azimuthDegrees
  }

  /// - Throws: ``FileError`` that names the view.
  public static func read(
    _ path: String, limits: ReadLimits = .standard
  ) throws(FileError) -> [OrbitView] {
    try views(NPYFile.read(path, limits: limits), file: path)
  }

  /// Takes views from an array that is already read; `file` is its name in errors.
  public static func views(
    _ array: NumPyArray, file: String
  ) throws(FileError) -> [OrbitView] {
    let tensor = array.tensor
    guard tensor.rank == 2, tensor.shape[1] == 3, tensor.dtype.isFloatingPoint else {
      throw FileError(
        file: file, place: .part("header"), cause: .malformed,
        message: "floats of shape [N, 3] expected, found \(tensor.dtype) \(tensor.shape)")
    }
    let values = doubles(tensor)
    var result: [OrbitView] = []
    for view in 0..<tensor.shape[0] {
      let row = values[3 * view..<3 * view + 3]
      guard row.allSatisfy(\.isFinite) else {
        throw FileError(
          file: file, place: .part("view \(view)"), cause: .notFinite,
          message: "finite numbers expected, found \(Array(row))")
      }
      guard values[3 * view] > 0 else {
        throw FileError(
          file: file, place: .part("view \(view)"), cause: .outOfRange,
          message: "a distance above 0 expected, found \(values[3 * view])")
      }
      result.append(
        OrbitView(
          distance: values[3 * view], elevationDegrees: values[3 * view + 1],
          azimuthDegrees: values[3 * view + 2]))
    }
    return result
  }
}

/// One line of a Middlebury multi-view `_par.txt` file: image name, K, R and t, so that a world
/// point X projects to K (R X + t).
public struct CalibratedView: Sendable, Equatable {
  public var imageName: String
  /// 3x3, row-major, in pixels.
  public var intrinsics: [Double]
  /// World to camera, 3x3, row-major, with determinant 1.
  public var rotation: [Double]
  /// World to camera.
  public var translation: [Double]

  public init(
    imageName: String, intrinsics: [Double], rotation: [Double], translation: [Double]
  ) {
    require(
      intrinsics.count == 9 && rotation.count == 9 && translation.count == 3,
      "CalibratedView: K, R, t need 9, 9, 3 numbers")
    self.imageName = imageName
    self.intrinsics = intrinsics
    self.rotation = rotation
    self.translation = translation
  }

  /// - Throws: ``FileError`` that names the line: a count that does not fit, a number that is
  ///   missing or not finite, a K without focal lengths, an R that is no rotation within 1e-3.
  public static func read(
    _ path: String, limits: ReadLimits = .standard
  ) throws(FileError) -> [CalibratedView] {
    try parse(FileBytes.read(path, limits: limits), file: path)
  }

  /// Reads bytes; `file` is their name in errors.
  public static func parse(_ bytes: [UInt8], file: String) throws(FileError) -> [CalibratedView] {
    var cursor = TextCursor(file: file, bytes: bytes)
    cursor.skipSpace()
    guard !cursor.atEnd else { throw cursor.error(.truncated, "the number of views expected") }
    let count = try cursor.integer("the number of views")
    guard count >= 0 else { throw cursor.error(.outOfRange, "\(count) views") }
    // A view takes a name and 21 numbers.
    guard count <= cursor.remaining / 44 else {
      throw cursor.error(.truncated, "\(count) views do not fit in \(cursor.remaining) bytes")
    }
    guard cursor.lineEnds() else {
      throw cursor.error(.malformed, "only the number of views expected")
    }
    var views: [CalibratedView] = []
    for index in 0..<count {
      cursor.skipSpace()
      guard let name = cursor.word() else {
        throw cursor.error(.truncated, "\(count) views expected, found \(index)")
      }
      views.append(try view(name, &cursor))
    }
    cursor.skipSpace()
    guard cursor.atEnd else { throw cursor.error(.malformed, "more than \(count) views") }
    return views
  }

  private static func view(
    _ name: String, _ cursor: inout TextCursor
  ) throws(FileError) -> CalibratedView {
    var numbers: [Double] = []
    for index in 0..<21 { numbers.append(try cursor.finite("number \(index + 1) of 21")) }
    guard cursor.lineEnds() else {
      throw cursor.error(.malformed, "21 numbers expected, the line goes on")
    }
    let view = CalibratedView(
      imageName: name, intrinsics: Array(numbers[0..<9]), rotation: Array(numbers[9..<18]),
      translation: Array(numbers[18..<21]))
    let k = view.intrinsics
    guard k[0] != 0, k[4] != 0, k[3] == 0, k[6] == 0, k[7] == 0, k[8] == 1 else {
      throw cursor.error(.malformed, "K must be upper triangular and end in 1, found \(k)")
    }
    guard isRotation(view.rotation) else {
      throw cursor.error(.malformed, "R is not a rotation: \(view.rotation)")
    }
    return view
  }

  private static func isRotation(_ r: [Double]) -> Bool {
    let tolerance = 1e-3
    for a in 0..<3 {
      for b in 0..<3 {
        let product = (0..<3).reduce(0.0) { $0 + r[3 * a + $1] * r[3 * b + $1] }
        guard abs(product - (a == b ? 1 : 0)) <= tolerance else { return false }
      }
    }
    let minors = [
      r[4] * r[8] - r[5] * r[7], r[5] * r[6] - r[3] * r[8], r[3] * r[7] - r[4] * r[6],
    ]
    return r[0] * minors[0] + r[1] * minors[1] + r[2] * minors[2] > 0
  }
}
