import LumiIO
import LumiScene
import LumiTensor

// Files of 3D Gaussians as the program of Kerbl et al. 2023 and viewers after it have them.

extension GaussianCloud {
  /// Reads a PLY file of 3D Gaussians, or of surfels with two scales.
  ///
  /// - Throws: ``LumiIO/FileError``, or ``LumiScene/SceneError`` if a column is missing or cannot be
  ///   used.
  public init(contentsOf path: String, dtype: DType = .float32) throws {
    self = try GaussianCloud(PointFile.read(path), dtype: dtype).validated()
  }

  /// A cloud from a file's columns: x, y, z; f_dc_0… and f_rest_0…, channel after channel; opacity;
  /// scale_0, scale_1 and maybe scale_2; rot_0… with w first.
  ///
  /// - Throws: ``LumiScene/SceneError`` if one is missing, or the number of f_rest is not that of
  ///   degree 0 to 3.
  public init(_ data: PointData, dtype: DType = .float32) throws {
    func matrix(_ names: [String]) throws -> Tensor {
      guard let found = data.matrix(names, dtype: dtype) else {
        throw SceneError(
          field: "gaussians", expected: "columns \(names.joined(separator: ", "))",
          actual: "\(data.columns.prefix(16).map(\.name))")
      }
      return found
    }
    func names(_ stem: String, _ count: Int) -> [String] { (0..<count).map { "\(stem)_\($0)" } }
    let constant = try matrix(names("f_dc", 3)).reshaped([data.count, 1, 3])
    let others = (0..<data.columns.count).prefix { data.column("f_rest_\($0)") != nil }.count
    guard let degree = [0, 9, 24, 45].firstIndex(of: others) else {
      throw SceneError(
        field: "gaussians.harmonics", expected: "0, 9, 24 or 45 columns f_rest",
        actual: "\(others)")
    }
    var harmonics = [constant]
    if others > 0 {
      harmonics.append(
        try matrix(names("f_rest", others)).reshaped([data.count, 3, others / 3]).swappedAxes(1, 2))
    }
    let signs = Self.signs(degree: degree, dtype)
    self.init(
      positions: try matrix(["x", "y", "z"]),
      logScales: try matrix(names("scale", data.column("scale_2") == nil ? 2 : 3)),
      rotations: try matrix(names("rot", 4)),
      opacityLogits: try matrix(["opacity"]).reshaped([data.count]),
      harmonics: .concatenate(harmonics, axis: 1) * signs)
  }

  /// The columns of a file, in the published order and in float32, with normals of 0 as there. For
  /// ``LumiIO/PointFile/write(_:to:encoding:)``.
  ///
  /// Viewers show the coefficients' colours as they are, so a cloud that was fitted to pictures as
  /// stored, encoded for displays, looks right in them; one in linear light is too dark. The
  /// material has no place in files.
  ///
  /// - Throws: ``LumiScene/SceneError`` for a cloud that is not of three channels.
  public func fileData() throws -> PointData {
    guard channels == 3 else {
      throw SceneError(
        field: "gaussians.harmonics", expected: "3 channels", actual: "\(channels)")
    }
    let coefficients = (harmonics * Self.signs(degree: degree, dtype)).swappedAxes(1, 2)
    func names(_ stem: String, _ count: Int) -> [String] { (0..<count).map { "\(stem)_\($0)" } }
    var data = PointData(count: count)
    data.append(["x", "y", "z"], .float32, positions)
    data.append(["nx", "ny", "nz"], .float32, .zeros([count, 3]))
    data.append(
      names("f_dc", 3), .float32, coefficients.slice(axis: 2, from: 0, to: 1).reshaped([count, 3]))
    let others = coefficients.shape[2] - 1
    if others > 0 {
      data.append(
        names("f_rest", 3 * others), .float32,
        coefficients.slice(axis: 2, from: 1, to: 1 + others).reshaped([count, 3 * others]))
    }
    data.append(["opacity"], .float32, opacityLogits.reshaped([count, 1]))
    data.append(names("scale", logScales.shape[1]), .float32, logScales)
    data.append(names("rot", 4), .float32, rotations.unitVectors())
    return data
  }

  /// Writes a PLY file that viewers of 3D Gaussians open; see ``fileData()``.
  ///
  /// - Throws: ``LumiIO/FileError``, or ``LumiScene/SceneError`` for a cloud that is not of three
  ///   channels.
  public func write(to path: String) throws {
    try PointFile.write(fileData(), to: path)
  }

  /// [1, (d + 1)², 1].
  private static func signs(degree: Int, _ dtype: DType) -> Tensor {
    let signs = publishedHarmonicSigns(degree: degree)
    return Tensor(signs, shape: [1, signs.count, 1]).cast(to: dtype)
  }
}
