import LumiTensor

#if canImport(Glibc)
  import Glibc
#endif

private let cube = Elements.mixed([2, 3, 4])

/// The elements that agree with `place` outside `axes`, in row-major order.
private func line(_ source: Elements, _ axes: [Int], _ place: [Int]) -> [Double] {
  Elements(shape: source.shape.indices.map { axes.contains($0) ? source.shape[$0] : 1 }) { index in
    source[index.indices.map { axes.contains($0) ? index[$0] : place[$0] }]
  }.values
}

/// A reduction of the cube along one axis, all axes or several, with and without kept extents.
private func everyAxis(
  _ name: String, of source: Elements = cube,
  _ function: @escaping @Sendable (Tensor, Int?, Bool) -> Tensor,
  _ reference: ([Double]) -> Double
) -> [OperatorCase] {
  var cases: [OperatorCase] = []
  for axis in [nil, 0, 1, 2, -1] {
    let places = axis.map { [$0 < 0 ? $0 + 3 : $0] } ?? [0, 1, 2]
    let kept = source.shape.indices.map { places.contains($0) ? 1 : source.shape[$0] }
    let full = Elements(shape: kept) { reference(line(source, places, $0)) }
    let label = axis.map { "axis \($0)" } ?? "all"
    cases.append(
      OperatorCase(
        name: "\(name) \(label) kept", inputs: [source.tensor],
        function: { function($0[0], axis, true) }, expected: full))
    let reduced = source.shape.indices.filter { !places.contains($0) }.map { source.shape[$0] }
    cases.append(
      OperatorCase(
        name: "\(name) \(label)", inputs: [source.tensor],
        function: { function($0[0], axis, false) },
        expected: Elements(full.values, shape: reduced)))
  }
  return cases
}

private func length(_ x: [Double], smoothing: Double = 0) -> Double {
  var total = smoothing * smoothing
  for value in x { total += value * value }
  return total.squareRoot()
}

private func deviation(_ x: [Double]) -> Double { mean(x.map { ($0 - mean(x)) * ($0 - mean(x)) }) }

private func product(_ x: [Double]) -> Double { x.reduce(1, *) }

private func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }

private func withZeros(_ places: Int...) -> Elements {
  var result = cube
  for place in places { result.values[place] = 0 }
  return result
}

/// The values of an operation that maps every line along an axis to a line.
private func along(
  _ source: Elements, _ axis: Int, _ map: ([Double]) -> [Double]
) -> Elements {
  Elements(shape: source.shape) { index in map(line(source, [axis], index))[index[axis]] }
}

private func running(_ x: [Double], _ combine: (Double, Double) -> Double) -> [Double] {
  x.indices.map { x[...$0].dropFirst().reduce(x[0], combine) }
}

private func softmax(_ x: [Double]) -> [Double] {
  let total = x.reduce(0) { $0 + exp($1) }
  return x.map { exp($0) / total }
}

/// Reductions and scans.
let reductionTable: [OperatorCase] = byAxis + bySeveralAxes + scans + farFromZero

private let byAxis: [OperatorCase] = lines.flatMap { $0 }
private let lines: [[OperatorCase]] = [
  everyAxis("sum", { $0.sum(axis: $1, keepDims: $2) }) { $0.reduce(0, +) },
  everyAxis("mean", { $0.mean(axis: $1, keepDims: $2) }) { mean($0) },
  everyAxis("variance", { $0.variance(axis: $1, keepDims: $2) }) { deviation($0) },
  everyAxis("prod", { $0.prod(axis: $1, keepDims: $2) }) { product($0) },
  everyAxis("prod with a zero", of: withZeros(5), { $0.prod(axis: $1, keepDims: $2) }) {
    product($0)
  },
  everyAxis("prod with zeros", of: withZeros(0, 1, 4, 23), { $0.prod(axis: $1, keepDims: $2) }) {
    product($0)
  },
  everyAxis("max", { $0.max(axis: $1, keepDims: $2) }) { $0.max()! },
  everyAxis("min", { $0.min(axis: $1, keepDims: $2) }) { $0.min()! },
  everyAxis("norm", { $0.norm(axis: $1, keepDims: $2) }) { length($0) },
  everyAxis("norm epsilon", { $0.norm(axis: $1, keepDims: $2, epsilon: 0.5) }) {
    length($0, smoothing: 0.5)
  },
]

private let axesToSum: [[Int]] = [[0, 1], [1, 2], [0, 2], [-1, 0], [], [0, 1, 2]]
private let bySeveralAxes: [OperatorCase] = axesToSum.flatMap { axes -> [OperatorCase] in
  let places = axes.map { $0 < 0 ? $0 + 3 : $0 }
  let kept = cube.shape.indices.map { places.contains($0) ? 1 : cube.shape[$0] }
  return [
    OperatorCase(
      name: "sum axes \(axes)", inputs: [cube.tensor],
      function: { $0[0].sum(axes: axes, keepDims: true) },
      expected: Elements(shape: kept) { line(cube, places, $0).reduce(0, +) }),
    OperatorCase(
      name: "mean axes \(axes)", inputs: [cube.tensor],
      function: { $0[0].mean(axes: axes, keepDims: true) },
      expected: Elements(shape: kept) { mean(line(cube, places, $0)) }),
  ]
}

private let scans: [OperatorCase] = (0..<3).flatMap { axis -> [OperatorCase] in
  [
    OperatorCase(
      name: "logSumExp axis \(axis)", inputs: [cube.tensor],
      function: { $0[0].logSumExp(axis: axis, keepDims: true) },
      expected: Elements(
        shape: cube.shape.indices.map { $0 == axis ? 1 : cube.shape[$0] }
      ) { log(line(cube, [axis], $0).reduce(0) { $0 + exp($1) }) }),
    OperatorCase(
      name: "softmax axis \(axis)", inputs: [cube.tensor],
      function: { $0[0].softmax(axis: axis) }, expected: along(cube, axis, softmax)),
    OperatorCase(
      name: "cumsum axis \(axis)", inputs: [cube.tensor],
      function: { $0[0].cumsum(axis: axis) }, expected: along(cube, axis) { running($0, +) }),
    OperatorCase(
      name: "cumprod axis \(axis)", inputs: [cube.tensor],
      function: { $0[0].cumprod(axis: axis) }, expected: along(cube, axis) { running($0, *) }),
    OperatorCase(
      name: "cumprod with zeros axis \(axis)", inputs: [withZeros(0, 1, 4, 13, 23).tensor],
      function: { $0[0].cumprod(axis: axis) },
      expected: along(withZeros(0, 1, 4, 13, 23), axis) { running($0, *) }),
    OperatorCase(
      name: "linearRecurrence axis \(axis)",
      inputs: [withZeros(4, 13).tensor, Elements.mixed([2, 3, 4], 0.5, 2).tensor],
      function: { Tensor.linearRecurrence($0[0], $0[1], axis: axis) },
      expected: recurrence(withZeros(4, 13), Elements.mixed([2, 3, 4], 0.5, 2), axis)),
    OperatorCase(
      name: "normalized axis \(axis)", inputs: [cube.tensor],
      function: { $0[0].normalized(axis: axis) },
      expected: along(cube, axis) { x in
        let own = length(x)
        return x.map { $0 / own }
      }),
  ]
}

private let farFromZero: [OperatorCase] = [
  OperatorCase(
    name: "logSumExp far from zero", inputs: [Tensor([[1000.0, 1001], [-1000, -1002]])],
    function: { $0[0].logSumExp(axis: 1) },
    expected: Elements([1001 + log1p(exp(-1)), -1000 + log1p(exp(-2))], shape: [2])),
  OperatorCase(
    name: "softmax far from zero", inputs: [Tensor([1000.0, 1001, 999])],
    function: { $0[0].softmax(axis: 0) },
    expected: Elements(softmax([0, 1, -1]), shape: [3]), valueTolerance: 1e-12),
  // Below epsilon, normalized is a plain division.
  OperatorCase(
    name: "normalized below epsilon", inputs: [Tensor([[0.01, -0.02, 0.005], [0, 0, 0]])],
    function: { $0[0].normalized(epsilon: 0.5) },
    expected: Elements([0.02, -0.04, 0.01, 0, 0, 0], shape: [2, 3])),
  OperatorCase(
    name: "norm at zero, smoothed", inputs: [Tensor([0.0, 0, 0])],
    function: { $0[0].norm(epsilon: 0.3) }, expected: Elements([0.3], shape: [])),
]

private func recurrence(_ a: Elements, _ b: Elements, _ axis: Int) -> Elements {
  Elements(shape: a.shape) { index in
    let (factors, terms) = (line(a, [axis], index), line(b, [axis], index))
    return (0...index[axis]).reduce(0) { $1 == 0 ? terms[0] : factors[$1] * $0 + terms[$1] }
  }
}
