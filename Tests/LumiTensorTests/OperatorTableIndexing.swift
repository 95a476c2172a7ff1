import LumiTensor

private let cube = Elements.mixed([2, 3, 4])
private let table = Elements.mixed([5, 3])

/// Gather, scatter, sorting: operations steered by positions, repeated ones included.
let indexingTable: [OperatorCase] = gathers + scatters + alongs + orders

private let gathers: [OperatorCase] =
  (0..<3).map { axis in
    let last = Int32(cube.shape[axis] - 1)
    let chosen: [Int32] = [last, 0, last, last, 0, 1]
    var shape = cube.shape
    shape.replaceSubrange(axis...axis, with: [2, 3])
    return .array(
      "gather axis \(axis)", cube, to: shape,
      { $0.gather(Tensor(chosen, shape: [2, 3]), axis: axis) }
    ) { index in
      var place = index
      let which = index[axis] * 3 + index[axis + 1]
      place.replaceSubrange(axis...axis + 1, with: [Int(chosen[which])])
      return cube[place]
    }
  } + [
    .array("gather int64", table, to: [4, 3], { $0.gather(Tensor([4, 4, 0, 4] as [Int64])) }) {
      table[[[4, 4, 0, 4][$0[0]], $0[1]]]
    },
    .array("gather one", table, to: [3], { $0.gather(Tensor(scalar: 2 as Int32)) }) {
      table[[2, $0[0]]]
    },
    .array("gather none", table, to: [0, 3], { $0.gather(Tensor([Int32]())) }) { _ in 0 },
  ]

private let scatters: [OperatorCase] = [
  .array(
    "scatterAdd", table, to: [4, 3],
    { Tensor.scatterAdd(rows: $0, at: Tensor([3, 0, 3, 3, 1] as [Int32]), count: 4) }
  ) { place in
    [3, 0, 3, 3, 1].enumerated().reduce(0) {
      $0 + ($1.element == place[0] ? table[[$1.offset, place[1]]] : 0)
    }
  },
  .array(
    "scatterAdd at a matrix of positions", cube, to: [3, 4],
    {
      Tensor.scatterAdd(
        rows: $0, at: Tensor([[1, 1, 0], [0, 1, 1]] as [[Int64]]), count: 3)
    }
  ) { place in
    let rows = [[1, 1, 0], [0, 1, 1]]
    return (0..<6).reduce(0) {
      $0 + (rows[$1 / 3][$1 % 3] == place[0] ? cube[[$1 / 3, $1 % 3, place[1]]] : 0)
    }
  },
  .array(
    "scatterAdd of numbers", Elements.mixed([4]), to: [2],
    { Tensor.scatterAdd(rows: $0, at: Tensor([1, 1, 1, 1] as [Int32]), count: 2) }
  ) { $0[0] == 0 ? 0 : Elements.mixed([4]).values.reduce(0, +) },
]

private let alongs: [OperatorCase] = (0..<3).map { axis in
  var shape = cube.shape
  shape[axis] = 5
  // Positions that repeat: ten times 0 or 1, the rest the last.
  let chosen = Elements(shape: shape) { index in
    let sum = index.reduce(0, +)
    return Double(sum % 3 == 0 ? cube.shape[axis] - 1 : sum % 2)
  }
  let positions = chosen.tensor.cast(to: .int64)
  return .array("takeAlong axis \(axis)", cube, to: shape, { $0.takeAlong(positions, axis: axis) })
  {
    var place = $0
    place[axis] = Int(chosen[$0])
    return cube[place]
  }
}

private let orders: [OperatorCase] = (0..<3).flatMap { axis -> [OperatorCase] in
  func ranked(_ index: [Int], _ inOrder: (Double, Double) -> Bool) -> Double {
    let line = (0..<cube.shape[axis]).map { position -> Double in
      var place = index
      place[axis] = position
      return cube[place]
    }
    return line.sorted(by: inOrder)[index[axis]]
  }
  var two = cube.shape
  two[axis] = 2
  return [
    .array("sorted axis \(axis)", cube, to: cube.shape, { $0.sorted(axis: axis).values }) {
      ranked($0, <)
    },
    .array(
      "sorted descending axis \(axis)", cube, to: cube.shape,
      { $0.sorted(axis: axis, descending: true).values }
    ) { ranked($0, >) },
    .array("topK axis \(axis)", cube, to: two, { $0.topK(2, axis: axis).values }) {
      ranked($0, >)
    },
  ]
}
