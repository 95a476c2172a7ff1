import LumiTensor

/// Matrix products and small matrices.
let linearAlgebraTable: [OperatorCase] =
  matrixProducts + vectorProducts + systems + determinants + crossAndDot

private func mixed(_ shape: [Int]) -> Elements { .mixed(shape, -1, 1.2) }

/// Σ over k with explicit indices, for stored shapes and transposition flags.
private func product(
  _ a: Elements, _ b: Elements, _ transposeA: Bool, _ transposeB: Bool, _ shape: [Int]
) -> Elements {
  let depth = a.shape[a.shape.count - (transposeA ? 2 : 1)]
  return Elements(shape: shape) { index in
    let batch = Array(index.dropLast(2))
    let (i, j) = (index[index.count - 2], index[index.count - 1])
    return (0..<depth).reduce(0) { total, k in
      total + a[batch + (transposeA ? [k, i] : [i, k])]
        * b[batch + (transposeB ? [j, k] : [k, j])]
    }
  }
}

private let matrixProducts: [OperatorCase] = [
  (false, false), (true, false), (false, true), (true, true),
]
.flatMap { transposeA, transposeB -> [OperatorCase] in
  let a = transposeA ? [4, 2] : [2, 4]
  let b = transposeB ? [3, 4] : [4, 3]
  let batches: [([Int], [Int], [Int])] = [
    ([], [], []), ([2], [2], [2]), ([2], [], [2]), ([], [3], [3]), ([2, 1], [3], [2, 3]),
    ([1], [2], [2]),
  ]
  return batches.map { left, right, batch in
    let (x, y) = (mixed(left + a), mixed(right + b))
    return OperatorCase(
      name: "matmul \(x.shape)\(transposeA ? "ᵀ" : "") \(y.shape)\(transposeB ? "ᵀ" : "")",
      inputs: [x.tensor, y.tensor],
      function: {
        $0[0].matmul($0[1], transposingLeft: transposeA, transposingRight: transposeB)
      },
      expected: product(x, y, transposeA, transposeB, batch + [2, 3]))
  }
}

private let vectorProducts: [OperatorCase] = {
  let (v, w) = (mixed([4]), Elements.mixed([4], 0.3, 2))
  let (left, right, batch) = (mixed([3, 4]), mixed([4, 2]), mixed([2, 3, 4]))
  func sum(_ term: (Int) -> Double) -> Double { (0..<4).reduce(0) { $0 + term($1) } }
  return [
    OperatorCase(
      name: "matmul vector vector", inputs: [v.tensor, w.tensor], function: { $0[0].matmul($0[1]) },
      expected: Elements([sum { v[[$0]] * w[[$0]] }], shape: [])),
    OperatorCase(
      name: "matmul matrix vector", inputs: [left.tensor, v.tensor],
      function: { $0[0].matmul($0[1]) },
      expected: Elements(shape: [3]) { index in sum { left[[index[0], $0]] * v[[$0]] } }),
    OperatorCase(
      name: "matmul vector matrix", inputs: [v.tensor, right.tensor],
      function: { $0[0].matmul($0[1]) },
      expected: Elements(shape: [2]) { index in sum { v[[$0]] * right[[$0, index[0]]] } }),
    OperatorCase(
      name: "matmul batch vector", inputs: [batch.tensor, v.tensor],
      function: { $0[0].matmul($0[1]) },
      expected: Elements(shape: [2, 3]) { index in sum { batch[index + [$0]] * v[[$0]] } }),
    OperatorCase(
      name: "matmul of one tensor with itself", inputs: [left.tensor],
      function: { $0[0].matmul($0[0], transposingRight: true) },
      expected: Elements(shape: [3, 3]) { index in
        sum { left[[index[0], $0]] * left[[index[1], $0]] }
      }),
  ]
}()

/// Well-conditioned matrices that need pivoting.
private func regular(_ batch: [Int], _ n: Int) -> Elements {
  var result = Elements.mixed(batch + [n, n], -0.4, 0.4)
  for flat in 0..<result.values.count where (flat / n + 1) % n == flat % n {
    result.values[flat] += 2
  }
  return result
}

/// Gauss–Jordan elimination of [A | B] for one matrix of a batch.
private func eliminated(_ a: Elements, _ b: Elements, _ batch: [Int]) -> [[Double]] {
  let n = a.shape[a.shape.count - 1]
  let columns = b.shape[b.shape.count - 1]
  var rows = (0..<n).map { i in
    (0..<n).map { a[batch + [i, $0]] } + (0..<columns).map { b[batch + [i, $0]] }
  }
  for k in 0..<n {
    let pivot = (k..<n).max { rows[$0][k].magnitude < rows[$1][k].magnitude }!
    rows.swapAt(k, pivot)
    let scale = rows[k][k]
    rows[k] = rows[k].map { $0 / scale }
    for other in 0..<n where other != k {
      let factor = rows[other][k]
      rows[other] = zip(rows[other], rows[k]).map { $0 - factor * $1 }
    }
  }
  return rows.map { Array($0[n...]) }
}

private let systems: [OperatorCase] = [
  ([], [], []), ([2], [2], [2]), ([], [2], [2]), ([2], [], [2]),
].flatMap { (left: [Int], right: [Int], batch: [Int]) -> [OperatorCase] in
  [1, 2, 3, 5].flatMap { n -> [OperatorCase] in
    let (a, b) = (regular(left, n), mixed(right + [n, 2]))
    let identity = Elements(shape: [n, n]) { $0[0] == $0[1] ? 1 : 0 }
    return [
      OperatorCase(
        name: "solve \(a.shape) \(b.shape)", inputs: [a.tensor, b.tensor],
        function: { try Tensor.solve($0[0], $0[1]) },
        expected: Elements(shape: batch + [n, 2]) { index in
          eliminated(a, b, Array(index.dropLast(2)))[index[index.count - 2]][index[index.count - 1]]
        }, valueTolerance: 1e-12),
      OperatorCase(
        name: "inverse \(a.shape)", inputs: [a.tensor], function: { try $0[0].inverse() },
        expected: Elements(shape: left + [n, n]) { index in
          eliminated(a, identity, Array(index.dropLast(2)))[index[index.count - 2]][
            index[index.count - 1]]
        }, valueTolerance: 1e-12),
    ]
  }
}

/// Leibniz's sum over permutations.
private func leibniz(_ entry: (Int, Int) -> Double, _ n: Int) -> Double {
  func sum(_ row: Int, _ free: [Int]) -> Double {
    guard row < n else { return 1 }
    return free.indices.reduce(0) { total, position in
      var rest = free
      let column = rest.remove(at: position)
      return total + (position % 2 == 0 ? 1 : -1) * entry(row, column) * sum(row + 1, rest)
    }
  }
  return sum(0, Array(0..<n))
}

private let determinants: [OperatorCase] = [1, 2, 3, 4, 5].flatMap { n -> [OperatorCase] in
  let batch = regular([2], n)
  // The last row repeats the first, or is zero for n = 1.
  var singular = regular([], n)
  for column in 0..<n {
    singular.values[(n - 1) * n + column] = n == 1 ? 0 : singular.values[column]
  }
  let degenerate = singular
  return [
    .array("determinant \(n)", batch, to: [2], { $0.determinant() }) { index in
      leibniz({ batch[[index[0], $0, $1]] }, n)
    },
    .array("determinant, singular \(n)", degenerate, to: [], { $0.determinant() }) { _ in 0 },
  ]
}

private let crossAndDot: [OperatorCase] = [
  ([3], [3], [3]), ([2, 3], [2, 3], [2, 3]), ([2, 3], [3], [2, 3]),
  ([2, 1, 3], [4, 3], [2, 4, 3]),
].flatMap { (left: [Int], right: [Int], shape: [Int]) -> [OperatorCase] in
  let (a, b) = (mixed(left), Elements.mixed(right, 0.2, 2))
  return [
    OperatorCase(
      name: "cross \(left) \(right)", inputs: [a.tensor, b.tensor],
      function: { Tensor.cross($0[0], $0[1]) },
      expected: Elements(shape: shape) { index in
        let front = Array(index.dropLast())
        let (i, j) = ((index.last! + 1) % 3, (index.last! + 2) % 3)
        return a[front + [i]] * b[front + [j]] - a[front + [j]] * b[front + [i]]
      }),
    OperatorCase(
      name: "dot \(left) \(right)", inputs: [a.tensor, b.tensor],
      function: { $0[0].dot($0[1]) },
      expected: Elements(shape: Array(shape.dropLast())) { index in
        (0..<3).reduce(0) { $0 + a[index + [$1]] * b[index + [$1]] }
      }),
  ]
}
