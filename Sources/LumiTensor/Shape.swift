/// Shape arithmetic shared by all operations.
enum ShapeRules {
  /// The NumPy broadcast of two shapes.
  static func broadcast(_ a: [Int], _ b: [Int], _ operation: String) -> [Int] {
    if a == b { return a }
    let rank = max(a.count, b.count)
    var result = [Int](repeating: 1, count: rank)
    for axis in 0..<rank {
      let left = axis < rank - a.count ? 1 : a[axis - (rank - a.count)]
      let right = axis < rank - b.count ? 1 : b[axis - (rank - b.count)]
      require(
        left == right || left == 1 || right == 1,
        "\(operation): shapes \(a) and \(b) do not broadcast")
      result[axis] = left == 1 ? right : left
    }
    return result
  }

  /// Row-major strides in elements.
  static func strides(_ shape: [Int]) -> [Int] {
    var result = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      result[axis] = result[axis + 1] * shape[axis + 1]
    }
    return result
  }

  /// Strides that read `shape` as if it had the shape `target`: 0 along broadcast axes.
  static func broadcastStrides(_ shape: [Int], to target: [Int]) -> [Int] {
    let own = strides(shape)
    let missing = target.count - shape.count
    return target.indices.map { axis in
      axis < missing || shape[axis - missing] == 1 ? 0 : own[axis - missing]
    }
  }

  /// A non-negative axis; negative ones count from the end.
  static func axis(_ axis: Int, rank: Int, _ operation: String) -> Int {
    let result = axis < 0 ? axis + rank : axis
    require((0..<rank).contains(result), "\(operation): axis \(axis) of \(rank) axes")
    return result
  }

  /// A shape seen as [outer, length, inner] around one axis.
  static func around(_ axis: Int, _ shape: [Int]) -> (outer: Int, length: Int, inner: Int) {
    (shape[..<axis].reduce(1, *), shape[axis], shape[(axis + 1)...].reduce(1, *))
  }
}
