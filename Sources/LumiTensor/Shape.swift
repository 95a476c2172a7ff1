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
      precondition(
        left == right || left == 1 || right == 1, "\(operation): shapes \(a) and \(b) do not broadcast")
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
    precondition((0..<rank).contains(result), "\(operation): axis \(axis) of \(rank) axes")
    return result
  }

  /// A shape seen as [outer, length, inner] around one axis.
  static func around(_ axis: Int, _ shape: [Int]) -> (outer: Int, length: Int, inner: Int) {
    (shape[..<axis].reduce(1, *), shape[axis], shape[(axis + 1)...].reduce(1, *))
  }
}

/// Merges axes that two operands walk alike, so that inner loops are as long as they can be.
struct BroadcastPlan {
  let shape: [Int]
  let stridesA: [Int]
  let stridesB: [Int]

  init(_ shapeA: [Int], _ shapeB: [Int], to target: [Int]) {
    let a = ShapeRules.broadcastStrides(shapeA, to: target)
    let b = ShapeRules.broadcastStrides(shapeB, to: target)
    var shape: [Int] = []
    var left: [Int] = []
    var right: [Int] = []
    for axis in target.indices where target[axis] != 1 {
      if let outer = shape.last, left.last! == a[axis] * target[axis],
        right.last! == b[axis] * target[axis]
      {
        shape[shape.count - 1] = outer * target[axis]
        left[left.count - 1] = a[axis]
        right[right.count - 1] = b[axis]
      } else {
        shape.append(target[axis])
        left.append(a[axis])
        right.append(b[axis])
      }
    }
    self.shape = shape.isEmpty ? [1] : shape
    self.stridesA = shape.isEmpty ? [0] : left
    self.stridesB = shape.isEmpty ? [0] : right
  }

  /// Elements of the innermost axis.
  var inner: Int { shape[shape.count - 1] }
  /// How many innermost rows there are.
  var rows: Int { shape[..<(shape.count - 1)].reduce(1, *) }

  /// Calls `body(offsetA, offsetB, row)` for rows `range` in order.
  @inline(__always)
  func forEachRow(_ range: Range<Int>, _ body: (Int, Int, Int) -> Void) {
    let outer = shape.count - 1
    var index = [Int](repeating: 0, count: max(outer, 1))
    var rest = range.lowerBound
    for axis in stride(from: outer - 1, through: 0, by: -1) {
      index[axis] = rest % shape[axis]
      rest /= shape[axis]
    }
    var a = 0
    var b = 0
    for axis in 0..<outer {
      a += index[axis] * stridesA[axis]
      b += index[axis] * stridesB[axis]
    }
    for row in range {
      body(a, b, row)
      var axis = outer - 1
      while axis >= 0 {
        index[axis] += 1
        a += stridesA[axis]
        b += stridesB[axis]
        if index[axis] < shape[axis] { break }
        a -= shape[axis] * stridesA[axis]
        b -= shape[axis] * stridesB[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
