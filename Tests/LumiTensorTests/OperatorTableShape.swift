import LumiTensor

private let cube = Elements.mixed([2, 3, 4])
private let row = Elements.mixed([7])

/// Operations that move elements.
let shapeTable: [OperatorCase] = reshapes + transposes + parts + joins

private let reshapes: [OperatorCase] = [
  .array("reshaped", cube, to: [4, 6], { $0.reshaped([4, -1]) }) {
    cube.values[$0[0] * 6 + $0[1]]
  },
  .array("flattened", cube, to: [24], { $0.flattened() }) { cube.values[$0[0]] },
  .array("expandingDims front", row, to: [1, 7], { $0.expandingDims(at: 0) }) { row[[$0[1]]] },
  .array("expandingDims back", row, to: [7, 1], { $0.expandingDims(at: -1) }) { row[[$0[0]]] },
  .array("squeezed", row, to: [7], { $0.expandingDims(at: 1).squeezed(axis: -1) }) { row[$0] },
  .array("broadcast new axis", row, to: [2, 7], { $0.broadcast(to: [2, 7]) }) { row[[$0[1]]] },
  .array("broadcast extent 1", row, to: [7, 3], { $0.reshaped([7, 1]).broadcast(to: [7, 3]) }) {
    row[[$0[0]]]
  },
  .array("broadcast scalar", Elements([1.5], shape: []), to: [2, 2], { $0.broadcast(to: [2, 2]) }) {
    _ in 1.5
  },
  .array("summed to", cube, to: [3, 1], { $0.summed(to: [3, 1]) }) { place in
    (0..<2).reduce(0) { total, i in
      total + (0..<4).reduce(0) { $0 + cube[[i, place[0], $1]] }
    }
  },
]

private let transposes: [OperatorCase] = [
  .array("transposed", cube, to: [2, 4, 3], { $0.transposed() }) { cube[[$0[0], $0[2], $0[1]]] },
  .array("transposed 2 0 1", cube, to: [4, 2, 3], { $0.transposed(2, 0, 1) }) {
    cube[[$0[1], $0[2], $0[0]]]
  },
  .array("transposed negative", cube, to: [4, 3, 2], { $0.transposed(-1, -2, -3) }) {
    cube[[$0[2], $0[1], $0[0]]]
  },
  .array("swappedAxes", cube, to: [3, 2, 4], { $0.swappedAxes(0, 1) }) {
    cube[[$0[1], $0[0], $0[2]]]
  },
]

private let parts: [OperatorCase] = [
  .array("index", cube, to: [3, 4], { $0[1] }) { cube[[1, $0[0], $0[1]]] },
  .array("negative index", cube, to: [2, 3], { $0[.all, .all, -1] }) { cube[[$0[0], $0[1], 3]] },
  .array("range", cube, to: [2, 2, 4], { $0[.all, 1..<3] }) { cube[[$0[0], $0[1] + 1, $0[2]]] },
  .array("index and range", cube, to: [2, 2], { $0[.all, 0, 1..<3] }) {
    cube[[$0[0], 0, $0[1] + 1]]
  },
  .array("new axis", cube, to: [2, 1, 3, 2], { $0[.all, .newAxis, .all, .range(2..<4)] }) {
    cube[[$0[0], $0[2], $0[3] + 2]]
  },
  .array("stride", row, to: [3], { $0[.stride(1, 7, 2)] }) { row[[1 + 2 * $0[0]]] },
  .array("stride 3", row, to: [3], { $0.slice(axis: 0, from: 0, to: 7, by: 3) }) {
    row[[3 * $0[0]]]
  },
  .array("stride of a middle axis", cube, to: [2, 2, 4], { $0[.all, .stride(0, 3, 2)] }) {
    cube[[$0[0], 2 * $0[1], $0[2]]]
  },
  .array("empty slice beside", row, to: [2], { Tensor.concatenate([$0[2..<2], $0[0..<2]]) }) {
    row[$0]
  },
  .array("flipped", cube, to: [2, 3, 4], { $0.flipped(axis: 1) }) {
    cube[[$0[0], 2 - $0[1], $0[2]]]
  },
  .array("flipped last", cube, to: [2, 3, 4], { $0.flipped(axis: -1) }) {
    cube[[$0[0], $0[1], 3 - $0[2]]]
  },
  .array("padded", cube, to: [2, 6, 4], { $0.padded(axis: 1, before: 1, after: 2) }) {
    (1..<4).contains($0[1]) ? cube[[$0[0], $0[1] - 1, $0[2]]] : 0
  },
]

private let joins: [OperatorCase] = (0..<3).flatMap { axis -> [OperatorCase] in
  var longer = cube.shape
  longer[axis] += 2
  let other = Elements.mixed(cube.shape.indices.map { $0 == axis ? 2 : cube.shape[$0] }, 3, 5)
  let joined = Elements(shape: longer) { index in
    var place = index
    if index[axis] < cube.shape[axis] { return cube[place] }
    place[axis] -= cube.shape[axis]
    return other[place]
  }
  var stacked = cube.shape
  stacked.insert(2, at: axis)
  return [
    OperatorCase(
      name: "concatenate axis \(axis)", inputs: [cube.tensor, other.tensor],
      function: { Tensor.concatenate($0, axis: axis) }, expected: joined),
    OperatorCase(
      name: "split axis \(axis)", inputs: [joined.tensor],
      function: {
        let parts = $0[0].split(sizes: [cube.shape[axis], 0, 2], axis: axis)
        return Tensor.concatenate([parts[0] * 2, parts[2], parts[1]], axis: axis)
      },
      expected: Elements(shape: longer) {
        joined[$0] * ($0[axis] < cube.shape[axis] ? 2 : 1)
      }),
    OperatorCase(
      name: "stack axis \(axis)", inputs: [cube.tensor],
      function: { Tensor.stack([$0[0], $0[0] * 3], axis: axis) },
      expected: Elements(shape: stacked) { index in
        var place = index
        let which = place.remove(at: axis)
        return cube[place] * (which == 0 ? 1 : 3)
      }),
    .array("repeated axis \(axis)", cube, to: scaled(axis, 3), { $0.repeated(3, axis: axis) }) {
      var place = $0
      place[axis] /= 3
      return cube[place]
    },
    .array("tiled axis \(axis)", cube, to: scaled(axis, 2), { $0.tiled(2, axis: axis) }) {
      var place = $0
      place[axis] %= cube.shape[axis]
      return cube[place]
    },
  ]
}

private func scaled(_ axis: Int, _ times: Int) -> [Int] {
  cube.shape.indices.map { cube.shape[$0] * ($0 == axis ? times : 1) }
}
