import LumiTensor

// What columns mean, by the names that programs give them.

extension PointData {
  /// [N, 3] of x, y, z.
  public func positions(dtype: DType = .float32) -> Tensor? {
    matrix(["x", "y", "z"], dtype: dtype)
  }

  /// [N, 3] as stored, of nx, ny, nz or PCD's normal_x, normal_y, normal_z.
  public func normals(dtype: DType = .float32) -> Tensor? {
    matrix(["nx", "ny", "nz"], dtype: dtype)
      ?? matrix(["normal_x", "normal_y", "normal_z"], dtype: dtype)
  }

  /// [N, 3] in 0...1 as stored, without decoding: red, green, blue or r, g, b, or PCD's packed rgb
  /// or rgba. 8 and 16 bits are divided by their largest number; other types are taken as they are.
  public func colors(dtype: DType = .float32) -> Tensor? {
    for names in [["red", "green", "blue"], ["r", "g", "b"]] {
      if let colors = matrix(names, dtype: dtype) {
        let scales = names.map { column($0)!.type.colorScale }
        return colors / Tensor(scales).cast(to: dtype)
      }
    }
    guard let packed = packedColors else { return nil }
    return Self.bytes(of: packed, shifts: [16, 8, 0], dtype)
  }

  /// [N] in 0...1: the column alpha, or the fourth byte of PCD's rgba.
  public func alpha(dtype: DType = .float32) -> Tensor? {
    if let alpha = column("alpha"), alpha.width == 1 {
      return alpha.values.cast(to: dtype).reshaped([count]) / alpha.type.colorScale
    }
    guard column("rgba") != nil, let packed = packedColors else { return nil }
    return Self.bytes(of: packed, shifts: [24], dtype).reshaped([count])
  }

  /// 0xAARRGGBB of every point: the bits of a float32 or the number itself.
  private var packedColors: [UInt32]? {
    guard let column = column("rgba") ?? column("rgb"), column.width == 1 else { return nil }
    switch column.type {
    case .float32: return column.values.scalars(as: Float.self).map(\.bitPattern)
    case .int32, .uint32:
      return column.values.scalars(as: Int64.self).map { UInt32(truncatingIfNeeded: $0) }
    default: return nil
    }
  }

  private static func bytes(of packed: [UInt32], shifts: [UInt32], _ dtype: DType) -> Tensor {
    let levels = packed.flatMap { word in shifts.map { Double(word >> $0 & 255) / 255 } }
    return Tensor(levels, shape: [packed.count, shifts.count]).cast(to: dtype)
  }
}

/// The 8-bit level of a value in 0...1. A NaN compares false with everything and ends as 0.
func colorLevel(_ value: Double) -> UInt8 { UInt8((value > 0 ? min(value, 1) * 255 : 0).rounded()) }

extension PointData {
  /// Adds red, green, blue (and alpha where there are four channels) in 8 bits.
  public mutating func append(colors: Tensor) {
    let names = Array(["red", "green", "blue", "alpha"].prefix(colors.shape.last ?? 0))
    let levels = colors.scalars(as: Double.self).map { Int32(colorLevel($0)) }
    append(names, .uint8, Tensor(levels, shape: colors.shape))
  }

  /// Adds alpha in 8 bits.
  public mutating func append(alpha: Tensor) {
    let levels = alpha.scalars(as: Double.self).map { Int32(colorLevel($0)) }
    append(["alpha"], .uint8, Tensor(levels, shape: [count, 1]))
  }
}
