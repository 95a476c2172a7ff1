import Foundation

/// Point cloud files.
public enum PointFile {
  /// By a path's extension.
  public enum Format: String, Sendable, CaseIterable {
    /// Stanford PLY; of a mesh the vertices are read.
    case ply
    /// Lines of numbers; see ``PointFile/readText(_:columns:limits:)``.
    case xyz
    /// The Point Cloud Library's format.
    case pcd

    /// By a path's extension; nil if it is none of these.
    public init?(path: String) {
      self.init(rawValue: (path as NSString).pathExtension.lowercased())
    }
  }

  /// How numbers are written.
  public enum Encoding: String, Sendable, CaseIterable {
    case text
    /// PLY and PCD, little-endian.
    case binary
    /// PLY.
    case bigEndian
    /// PCD: LZF, field by field.
    case compressed
  }

  /// Reads a point cloud in the format of the path's extension.
  /// - Throws: ``FileError``.
  public static func read(_ path: String, limits: ReadLimits = .standard) throws(FileError)
    -> PointData
  {
    let bytes = try FileBytes.read(path, limits: limits)
    return try decode(bytes, format: format(of: path), file: path, limits: limits)
  }

  /// Reads a point cloud that is already in memory. `file` is its name in errors.
  public static func decode(
    _ bytes: [UInt8], format: Format, file: String, limits: ReadLimits = .standard
  ) throws(FileError) -> PointData {
    switch format {
    case .ply: try PLYPoints.read(bytes, file: file, limits: limits)
    case .xyz: try XYZFile.read(bytes, columns: nil, file: file, limits: limits)
    case .pcd: try PCDFile.read(bytes, file: file, limits: limits)
    }
  }

  /// Reads lines of numbers, whatever the path's extension.
  ///
  /// Numbers are separated by blanks; # starts a comment and so does // at the start of a line; lines
  /// may end in CR LF; a first line of one integer is the number of points. With three numbers a line
  /// they are x y z; three more are a normal if all have the length 1 ± 0.01 (or 0), else a colour,
  /// in 0...255 if written as integers and in 0...1 if not; nine are both.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - columns: the columns' names, which take the place of these rules; as float64.
  ///   - limits: what is refused as too large.
  /// - Throws: ``FileError``.
  public static func readText(
    _ path: String, columns: [String]? = nil, limits: ReadLimits = .standard
  ) throws(FileError) -> PointData {
    try XYZFile.read(
      FileBytes.read(path, limits: limits), columns: columns, file: path, limits: limits)
  }

  /// Writes PLY or PCD with all columns in order, or XYZ with positions, 8-bit colours and normals.
  ///
  /// - Parameters:
  ///   - points: columns of one length.
  ///   - path: whose extension picks the format.
  ///   - encoding: binary by default, and text for XYZ.
  /// - Throws: ``FileError``; a file that was there before stays as it was.
  public static func write(
    _ points: PointData, to path: String, encoding: Encoding? = nil
  ) throws(FileError) {
    let format = try format(of: path)
    switch (format, encoding ?? (format == .xyz ? .text : .binary)) {
    case (.ply, .text): try PLYWriter.write(points, to: path, format: .ascii)
    case (.ply, .binary): try PLYWriter.write(points, to: path, format: .littleEndian)
    case (.ply, .bigEndian): try PLYWriter.write(points, to: path, format: .bigEndian)
    case (.pcd, .text): try PCDFile.write(points, to: path, encoding: .ascii)
    case (.pcd, .binary): try PCDFile.write(points, to: path, encoding: .binary)
    case (.pcd, .compressed): try PCDFile.write(points, to: path, encoding: .compressed)
    case (.xyz, .text): try XYZFile.write(points, to: path)
    case (_, let encoding):
      throw FileError(
        file: path, cause: .unsupported,
        message: "\(format.rawValue) has no encoding \(encoding.rawValue)")
    }
  }

  private static func format(of path: String) throws(FileError) -> Format {
    guard let format = Format(path: path) else {
      let known = Format.allCases.map { ".\($0)" }.joined(separator: ", ")
      throw FileError(file: path, cause: .unsupported, message: "known extensions are \(known)")
    }
    return format
  }
}
