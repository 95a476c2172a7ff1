import LumiTensor
import Testing

/// One line of the operator table: an operation at a point, its value by independent means, and
/// thereby (through central differences) its first and second derivative.
struct OperatorCase: Sendable, CustomTestStringConvertible {
  let name: String
  let inputs: [Tensor]
  let function: @Sendable ([Tensor]) throws -> Tensor
  /// The value, computed without the tensor library: shape and row-major elements.
  let expected: Elements
  /// Largest relative error of a value, against max(1, |value|).
  var valueTolerance = 1e-13
  /// Steps of the central differences; smaller ones where the function bends sharply.
  var steps = [1e-3, 1e-4, 1e-5, 1e-6]

  var testDescription: String { name }
}

/// Shape and row-major elements, in plain Swift.
struct Elements: Sendable, Equatable {
  var shape: [Int]
  var values: [Double]

  init(_ values: [Double], shape: [Int]) {
    self.shape = shape
    self.values = values
  }

  /// Each element from its position along every axis.
  init(shape: [Int], _ element: ([Int]) -> Double) {
    self.shape = shape
    values = []
    let count = shape.reduce(1, *)
    for flat in 0..<count {
      var index = [Int](repeating: 0, count: shape.count)
      var rest = flat
      for axis in shape.indices.reversed() {
        index[axis] = rest % shape[axis]
        rest /= shape[axis]
      }
      values.append(element(index))
    }
  }

  /// The element at a position; axes of extent 1 and missing leading axes repeat.
  subscript(_ index: [Int]) -> Double {
    var flat = 0
    let skipped = index.count - shape.count
    for axis in shape.indices {
      flat = flat * shape[axis] + (shape[axis] == 1 ? 0 : index[axis + skipped])
    }
    return values[flat]
  }

  var tensor: Tensor { Tensor(values, shape: shape) }

  /// Reproducible numbers between `low` and `high`, no two alike.
  static func mixed(_ shape: [Int], _ low: Double = -2, _ high: Double = 2) -> Elements {
    let count = shape.reduce(1, *)
    // Steps of the golden ratio spread over the interval without repeating.
    let values = (0..<count).map { i -> Double in
      let fraction = (0.37 + Double(i) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1)
      return low + (high - low) * fraction
    }
    return Elements(values, shape: shape)
  }
}

extension OperatorCase {
  /// A function of one number, at several of them.
  static func unary(
    _ name: String, _ points: [Double], _ function: @escaping @Sendable (Tensor) -> Tensor,
    _ reference: (Double) -> Double
  ) -> OperatorCase {
    OperatorCase(
      name: name, inputs: [Tensor(points)], function: { function($0[0]) },
      expected: Elements(points.map(reference), shape: [points.count]))
  }

  /// A function of two numbers, for every way two shapes can meet.
  static func binary(
    _ name: String, _ low: Double, _ high: Double,
    _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor,
    _ reference: (Double, Double) -> Double
  ) -> [OperatorCase] {
    let shapes: [([Int], [Int], [Int])] = [
      ([5], [5], [5]), ([2, 3], [3], [2, 3]), ([3], [2, 3], [2, 3]), ([2, 1], [1, 3], [2, 3]),
      ([], [4], [4]), ([4], [], [4]), ([2, 3, 2], [3, 1], [2, 3, 2]),
      ([2, 1, 2], [3, 1], [2, 3, 2]),
    ]
    return shapes.map { left, right, result in
      let a = Elements.mixed(left, low, high)
      var b = Elements.mixed(right, low, high)
      b.values = b.values.reversed().map { $0 * 0.9 + 0.05 * (low + high) }
      return OperatorCase(
        name: "\(name) \(left) \(right)", inputs: [a.tensor, b.tensor],
        function: { function($0[0], $0[1]) },
        expected: Elements(shape: result) { reference(a[$0], b[$0]) })
    }
  }

  /// A function of one array.
  static func array(
    _ name: String, _ input: Elements, to shape: [Int],
    _ function: @escaping @Sendable (Tensor) throws -> Tensor,
    _ element: ([Int]) -> Double
  ) -> OperatorCase {
    OperatorCase(
      name: name, inputs: [input.tensor], function: { try function($0[0]) },
      expected: Elements(shape: shape, element))
  }
}

/// Checks value, first and second derivative of one line.
func check(_ line: OperatorCase) throws {
  let value = try line.function(line.inputs)
  #expect(value.shape == line.expected.shape)
  for (actual, expected) in zip(value.scalars(as: Double.self), line.expected.values) {
    let error = (actual - expected).magnitude / max(1, expected.magnitude)
    #expect(error <= line.valueTolerance, "\(line.name): \(actual), expected \(expected)")
  }
  let first = try checkGradients(
    at: line.inputs, steps: line.steps, tolerance: 1e-6, of: line.function)
  #expect(first.compared == line.inputs.reduce(0) { $0 + $1.count })

  let second = try checkGradients(at: line.inputs, steps: line.steps, tolerance: 1e-4) { inputs in
    let slopes = try gradient(at: inputs, unreachable: .zeros) { try bent(line.function($0)) }
    return Tensor.concatenate(slopes.map { $0.flattened() })
  }
  WorstErrors.shared.note(line.name, first, second)
}

/// A scalar in which every element counts and bends, so that linear operations have second
/// derivatives to check, too.
private func bent(_ y: Tensor) -> Tensor {
  let weights = Elements.mixed(y.shape, 0.5, 1.5).tensor
  return (weights * (y + y.square() * 0.5)).sum()
}
