import Foundation

/// Mesh and point cloud files.
public enum MeshFile {
  public enum Format: String, Sendable, CaseIterable {
    case obj, ply, off, stl, gltf, glb

    /// By a path's extension; nil if it is none of these.
    public init?(path: String) {
      self.init(rawValue: (path as NSString).pathExtension.lowercased())
    }
  }

  /// Reads a mesh in the format of the path's extension, with the materials and PNG textures that
  /// it names. STL and glTF come through assimp, the others through readers that keep the file's
  /// vertex numbering; a missing material or texture is told in ``MeshData/warnings``.
  /// - Throws: ``FileError``.
  public static func read(_ path: String, limits: ReadLimits = .standard) throws(FileError)
    -> MeshData
  {
    let bytes = try FileBytes.read(path, limits: limits)
    return try decode(bytes, format: format(of: path), file: path, limits: limits)
  }

  /// Reads a mesh that is already in memory. `file` is its name in errors, and files that it names
  /// are looked for beside it.
  public static func decode(
    _ bytes: [UInt8], format: Format, file: String, limits: ReadLimits = .standard
  ) throws(FileError) -> MeshData {
    switch format {
    case .obj: try OBJReader.read(bytes, file: file, limits: limits)
    case .ply: try PLYReader.read(bytes, file: file, limits: limits)
    case .off: try OFFReader.read(bytes, file: file, limits: limits)
    case .stl: try STLReader.read(bytes, file: file, limits: limits)
    case .gltf, .glb: try GLTFReader.read(bytes, file: file, limits: limits)
    }
  }

  /// Writes OBJ with an MTL file and PNG textures beside it, binary PLY, GLB, or glTF with
  /// everything embedded, by the path's extension.
  ///
  /// glTF gives a vertex on a texture seam one copy a side, so its numbering changes there.
  /// - Throws: ``FileError``; a file that was there before stays as it was.
  public static func write(_ mesh: MeshData, to path: String) throws(FileError) {
    switch try format(of: path) {
    case .obj: try OBJWriter.write(mesh, to: path)
    case .ply: try PLYWriter.write(mesh, to: path, binary: true)
    case .glb: try FileBytes.write(try GLTFWriter.binary(mesh, file: path), to: path)
    case .gltf: try FileBytes.write(try GLTFWriter.text(mesh, file: path), to: path)
    case .off, .stl:
      throw FileError(
        file: path, cause: .unsupported, message: "OBJ, PLY, glTF and GLB are written")
    }
  }

  /// Writes PLY with numbers as text.
  /// - Throws: ``FileError``; a file that was there before stays as it was.
  public static func writeTextPLY(_ mesh: MeshData, to path: String) throws(FileError) {
    try PLYWriter.write(mesh, to: path, binary: false)
  }

  private static func format(of path: String) throws(FileError) -> Format {
    guard let format = Format(path: path) else {
      let known = Format.allCases.map { ".\($0)" }.joined(separator: ", ")
      throw FileError(file: path, cause: .unsupported, message: "known extensions are \(known)")
    }
    return format
  }
}
