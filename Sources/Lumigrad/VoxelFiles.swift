import LumiIO
import LumiScene
import LumiTensor

// Grids in files. NPZ holds everything; NPY, raw and binvox hold values, and the caller says the rest.

extension VoxelGrid {
  /// Reads an NPZ file as ``write(npz:)`` lays it out, a grid with everything that belongs to it.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - dtype: of all tensors.
  /// - Throws: ``LumiIO/FileError``, or ``LumiScene/SceneError`` if the parts make no valid grid.
  public init(npz path: String, dtype: DType = .float32, limits: ReadLimits = .standard) throws {
    let file = GridArchive(path: path, arrays: try NPZFile.read(path, limits: limits), dtype: dtype)
    let values = try file.required("values")
    self.init(
      values: values, quantity: try file.name("quantity"), placement: try file.name("placement"),
      lower: try file.corner("lower"), upper: try file.corner("upper"),
      appearance: try file.appearance(), warp: try file.optional("warp"))
    _ = try validated()
  }

  /// Writes all of the grid: "values" [X, Y, Z]; "quantity" and "placement", int32, the names in ASCII;
  /// "lower" and "upper", float64 [3]; one of "color" [C], "colors" [X, Y, Z, C] and
  /// "sphericalHarmonics" [X, Y, Z, C, 9]; "warp" if there is one. Numbers keep their dtype.
  ///
  /// - Throws: ``LumiIO/FileError``; the old file stays as it was.
  public func write(npz path: String) throws {
    var arrays = Dictionary(uniqueKeysWithValues: parameters.map { ($0.path, $0.value) })
    arrays["quantity"] = Tensor(quantity.rawValue.utf8.map { Int32($0) })
    arrays["placement"] = Tensor(placement.rawValue.utf8.map { Int32($0) })
    arrays["lower"] = Tensor([lower.x, lower.y, lower.z])
    arrays["upper"] = Tensor([upper.x, upper.y, upper.z])
    try NPZFile.write(arrays, to: path)
  }

  /// Reads the values [X, Y, Z] of an NPY file, of any number type; the grid is white.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - quantity: what the values are.
  ///   - placement: where they are; in the middle of cells by default.
  ///   - lower: the box's corner with the smallest coordinates.
  ///   - upper: the box's corner with the largest coordinates.
  ///   - dtype: of the values in the grid.
  /// - Throws: ``LumiIO/FileError``, or ``LumiScene/SceneError`` if the parts make no valid grid.
  public init(
    npy path: String, quantity: Quantity, placement: Placement = .cells,
    lower: SIMD3<Double> = [-1, -1, -1], upper: SIMD3<Double> = [1, 1, 1],
    dtype: DType = .float32, limits: ReadLimits = .standard
  ) throws {
    let values = try NPYFile.read(path, limits: limits).tensor
    self = try VoxelGrid(
      values: values.cast(to: dtype), quantity: quantity, placement: placement, lower: lower,
      upper: upper
    ).validated()
  }

  /// Writes the values alone.
  ///
  /// - Throws: ``LumiIO/FileError``; the old file stays as it was.
  public func write(npy path: String) throws { try NPYFile.write(values, to: path) }

  /// Reads the values of a file without a header. See ``LumiIO/RawFile``; parameters as for
  /// ``init(npy:quantity:placement:lower:upper:dtype:limits:)``.
  ///
  /// - Throws: ``LumiIO/FileError``, or ``LumiScene/SceneError`` if the parts make no valid grid.
  public init(
    raw path: String, _ layout: RawFile.Layout, quantity: Quantity, placement: Placement = .cells,
    lower: SIMD3<Double> = [-1, -1, -1], upper: SIMD3<Double> = [1, 1, 1],
    dtype: DType = .float32, limits: ReadLimits = .standard
  ) throws {
    let values = try RawFile.read(path, layout, limits: limits)
    self = try VoxelGrid(
      values: values.cast(to: dtype), quantity: quantity, placement: placement, lower: lower,
      upper: upper
    ).validated()
  }

  /// Reads a binvox file: occupancies of 0 and 1 in cells, white. See ``LumiIO/BinvoxFile``.
  ///
  /// - Throws: ``LumiIO/FileError``, or ``LumiScene/SceneError`` for a box without volume.
  public init(
    binvox path: String, dtype: DType = .float32, limits: ReadLimits = .standard
  ) throws {
    let file = try BinvoxFile.read(path, limits: limits)
    self = try VoxelGrid(
      values: file.filled.cast(to: dtype), quantity: .occupancy, lower: file.translate,
      upper: file.upper
    ).validated()
  }

  /// Writes which cells are filled, with their box, whose cells must be cubes.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - level: cells are filled above it, below it for signed distances and emptiness; 0 for signed
  ///     distances and ½ for other quantities if nil.
  /// - Throws: ``LumiScene/SceneError`` if cells are no cubes (sides that differ by more than a
  ///   millionth) or values are on nodes; ``LumiIO/FileError``, the old file stays as it was.
  public func write(binvox path: String, level: Double? = nil) throws {
    guard placement == .cells else {
      throw SceneError(field: "voxels.placement", expected: "cells", actual: "\(placement)")
    }
    guard spacing.max() - spacing.min() <= 1e-6 * spacing.max() else {
      throw SceneError(
        field: "voxels.upper", expected: "cells that are cubes", actual: "\(spacing)")
    }
    let level = level ?? (quantity == .signedDistance ? 0 : 0.5)
    let isFilledBelow = quantity == .signedDistance || quantity == .emptiness
    try BinvoxFile.write(
      BinvoxGrid(
        filled: isFilledBelow ? values .< level : values .> level, translate: lower,
        scale: extent.max()), to: path)
  }
}

/// The arrays of an NPZ file by their roles in a grid.
private struct GridArchive {
  let path: String
  let arrays: [String: NumPyArray]
  let dtype: DType

  func optional(_ key: String) throws -> Tensor? { arrays[key]?.tensor.cast(to: dtype) }

  func required(_ key: String) throws -> Tensor {
    guard let tensor = try optional(key) else {
      throw error(key, .missing, "the array is missing")
    }
    return tensor
  }

  /// A value of an enumeration by its name in ASCII.
  func name<Value: RawRepresentable & CaseIterable>(_ key: String) throws -> Value
  where Value.RawValue == String {
    guard let array = arrays[key]?.tensor else {
      throw error(key, .missing, "the array is missing")
    }
    let known = Value.allCases.map(\.rawValue)
    let codes = array.count <= 64 ? array.scalars(as: Int64.self) : []
    let name = String(decoding: codes.map { UInt8(clamping: $0) }, as: UTF8.self)
    guard let value = Value(rawValue: name) else {
      throw error(key, .malformed, "one of \(known) expected")
    }
    return value
  }

  func corner(_ key: String) throws -> SIMD3<Double> {
    guard let array = arrays[key]?.tensor else {
      throw error(key, .missing, "the array is missing")
    }
    guard array.shape == [3] else {
      throw error(key, .malformed, "three numbers expected, found shape \(array.shape)")
    }
    let numbers = array.scalars(as: Double.self)
    return [numbers[0], numbers[1], numbers[2]]
  }

  /// White if the file says nothing.
  func appearance() throws -> VoxelAppearance? {
    let found = ["color", "colors", "sphericalHarmonics"].filter { arrays[$0] != nil }
    guard found.count <= 1 else { throw error(found[1], .malformed, "\(found[0]) is there too") }
    if let color = try optional("color") { return .uniform(color) }
    if let colors = try optional("colors") { return .colors(colors) }
    return try optional("sphericalHarmonics").map { .sphericalHarmonics($0) }
  }

  private func error(_ key: String, _ cause: FileError.Cause, _ message: String) -> FileError {
    FileError(file: path, place: .part("array \(key)"), cause: cause, message: message)
  }
}
