import LumiIO
import LumiScene
import LumiTensor

// Point files hold named columns; here they become scene types.

extension PointCloud {
  /// Reads a PLY, XYZ or PCD file. See ``LumiIO/PointFile``.
  ///
  /// - Parameters:
  ///   - path: with one of these extensions.
  ///   - dtype: float32 or float64.
  ///   - dropsMissing: leaves out points whose position is not finite, with which PCD marks places
  ///     without a measurement; else they are an error.
  /// - Throws: ``LumiIO/FileError``, or ``LumiScene/SceneError`` if a column cannot be used.
  public init(
    contentsOf path: String, dtype: DType = .float32, dropsMissing: Bool = false
  ) throws {
    let data = try PointFile.read(path)
    self = try PointCloud(dropsMissing ? data.keepingFinitePositions() : data, dtype: dtype)
      .validated()
  }

  /// A cloud from a file's columns: x, y, z; normals, made unit length where they are not zero;
  /// colours as stored, without decoding, or features feature_0, feature_1, …; radius; alpha.
  ///
  /// - Throws: ``LumiScene/SceneError`` if there are no positions.
  public init(_ data: PointData, dtype: DType = .float32) throws {
    guard let points = data.positions(dtype: dtype) else {
      throw SceneError(
        field: "cloud.points", expected: "columns x, y, z",
        actual: "\(data.columns.prefix(16).map(\.name))")
    }
    let features = (0..<data.columns.count).prefix { data.column("feature_\($0)") != nil }
    let colors =
      data.matrix(features.map { "feature_\($0)" }, dtype: dtype) ?? data.colors(dtype: dtype)
    self.init(
      points: points, appearance: colors.map { .colors($0) },
      normals: data.normals(dtype: dtype)?.normalized(),
      radii: data.matrix(["radius"], dtype: dtype)?.reshaped([data.count]),
      opacities: data.alpha(dtype: dtype))
  }

  /// The columns that ``LumiIO/PointFile/write(_:to:encoding:)`` takes: positions and normals in the
  /// cloud's dtype, three channels of colour and the opacities in 8 bits, others as features. The
  /// material has no place in point files.
  public var fileData: PointData {
    let type: FileScalar = dtype == .float64 ? .float64 : .float32
    var data = PointData(count: count)
    data.append(["x", "y", "z"], type, points)
    if let normals { data.append(["nx", "ny", "nz"], type, normals) }
    let colors = appearance.colors(count: count)
    if appearance.channels == 3 {
      data.append(colors: colors)
    } else {
      data.append((0..<appearance.channels).map { "feature_\($0)" }, type, colors)
    }
    if let opacities { data.append(alpha: opacities) }
    if let radii { data.append(["radius"], type, radii.reshaped([count, 1])) }
    return data
  }
}
