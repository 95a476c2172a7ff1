/// Merges axes that two operands walk alike, so that inner loops are as long as they can be.
struct BroadcastPlan {
  var shape: [Int]
  var stridesA: [Int]
  var stridesB: [Int]

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

  /// Where row `index` of the target stands in each operand.
  func offsets(ofRow index: Int) -> (Int, Int) {
    var rest = index
    var a = 0
    var b = 0
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      a += rest % shape[axis] * stridesA[axis]
      b += rest % shape[axis] * stridesB[axis]
      rest /= shape[axis]
    }
    return (a, b)
  }
}

/// Rows of equal length that two operands walk alike: what a loop over broadcast operands gets.
///
/// Steps within a row are 0 or 1, because operands are dense; the steps from row to row are any.
package struct Strip {
  package var rows: Int
  /// Elements of a row.
  package var count: Int
  package var rowX: Int
  package var stepX: Int
  package var rowY: Int
  package var stepY: Int

  /// One row.
  package static func row(_ count: Int, stepX: Int = 1, stepY: Int = 1) -> Strip {
    Strip(rows: 1, count: count, rowX: 0, stepX: stepX, rowY: 0, stepY: stepY)
  }

  /// Writes `f` of every pair. One loop per pair of steps lets each be vectorised.
  @inline(__always)
  func map<T, Out>(
    _ x: UnsafePointer<T>, _ y: UnsafePointer<T>, _ out: UnsafeMutablePointer<Out>,
    _ f: (T, T) -> Out
  ) {
    for row in 0..<rows {
      let x = x + row * rowX
      let y = y + row * rowY
      let out = out + row * count
      if stepX != 0 && stepY != 0 {
        for i in 0..<count { out[i] = f(x[i], y[i]) }
      } else if stepX != 0 {
        let right = y[0]
        for i in 0..<count { out[i] = f(x[i], right) }
      } else {
        let left = x[0]
        for i in 0..<count { out[i] = f(left, y[i * stepY]) }
      }
    }
  }

  /// Broadcasts two tensors and calls `body` for strips of them, in fixed blocks on all threads.
  @inline(__always)
  static func forEach<T: TensorScalar, Out: TensorScalar>(
    _ a: Tensor, _ b: Tensor, _ operation: String, _ type: T.Type, _ outType: Out.Type,
    _ body: (Strip, UnsafePointer<T>, UnsafePointer<T>, UnsafeMutablePointer<Out>) -> Void
  ) -> Tensor {
    let x = a.pointer(T.self)
    let y = b.pointer(T.self)
    let size = Elementwise.block
    func flat(_ shape: [Int], _ stepX: Int, _ stepY: Int) -> Tensor {
      .build(shape, Out.self) { out in
        inBlocks(shape.reduce(1, *), of: size) { range in
          let at = range.lowerBound
          body(
            .row(range.count, stepX: stepX, stepY: stepY), x + at * stepX, y + at * stepY, out + at)
        }
      }
    }
    // The usual cases need no plan: equal shapes, or a number beside a tensor.
    if a.shape == b.shape { return flat(a.shape, 1, 1) }
    if b.rank == 0 { return flat(a.shape, 1, 0) }
    if a.rank == 0 { return flat(b.shape, 0, 1) }
    let shape = ShapeRules.broadcast(a.shape, b.shape, operation)
    let plan = BroadcastPlan(a.shape, b.shape, to: shape)
    let inner = plan.inner
    if plan.rows == 1 || inner == 0 { return flat(shape, plan.stridesA.last!, plan.stridesB.last!) }
    return .build(shape, Out.self) { out in
      inBlocks(plan.rows, of: max(1, size / inner)) { range in
        plan.forEachStrip(range) { strip, offsetX, offsetY, row in
          body(strip, x + offsetX, y + offsetY, out + row * inner)
        }
      }
    }
  }
}

extension BroadcastPlan {
  /// Groups rows that follow each other evenly and calls `body(strip, offsetA, offsetB, firstRow)`.
  @inline(__always)
  func forEachStrip(_ range: Range<Int>, _ body: (Strip, Int, Int, Int) -> Void) {
    let last = shape.count - 1
    let even = last > 0 ? shape[last - 1] : 1
    var row = range.lowerBound
    while row < range.upperBound {
      let count = min(even - row % even, range.upperBound - row)
      let (a, b) = offsets(ofRow: row)
      let strip = Strip(
        rows: count, count: inner, rowX: last > 0 ? stridesA[last - 1] : 0, stepX: stridesA[last],
        rowY: last > 0 ? stridesB[last - 1] : 0, stepY: stridesB[last])
      body(strip, a, b, row)
      row += count
    }
  }
}
