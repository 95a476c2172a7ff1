/// A value made of named tensors: a scene, a camera, a network.
///
/// Names are dotted paths such as "camera.rotation" or "light.0.intensity". The one requirement
/// visits every parameter exactly once, in a fixed order; everything else follows from it.
public protocol Parameterized {
  /// The same value with every parameter passed through `transform`.
  func mapParameters(_ transform: (_ path: String, _ value: Tensor) throws -> Tensor) rethrows
    -> Self
}

/// A parameter name that does not exist, or a parameter that the value does not depend on.
public enum ParameterError: Error, Sendable, Equatable, CustomStringConvertible {
  case unknown(String, known: [String])
  case shape(String, expected: [Int], actual: [Int])
  case unreachable(String)

  public var description: String {
    switch self {
    case .unknown(let name, let known):
      "there is no parameter \"\(name)\"; there are \(known.joined(separator: ", "))"
    case .shape(let name, let expected, let actual):
      "parameter \"\(name)\" has shape \(expected), not \(actual)"
    case .unreachable(let name): "the value does not depend on parameter \"\(name)\""
    }
  }
}

extension Parameterized {
  /// Every parameter in order.
  public var parameters: [(path: String, value: Tensor)] {
    var result: [(path: String, value: Tensor)] = []
    _ = mapParameters { path, value in
      result.append((path, value))
      return value
    }
    return result
  }

  /// One parameter by name.
  public func parameter(_ path: String) throws -> Tensor {
    let all = parameters
    guard let found = all.first(where: { $0.path == path }) else {
      throw ParameterError.unknown(path, known: all.map(\.path))
    }
    return found.value
  }

  /// The same value with some parameters replaced by others of the same shape.
  public func replacing(_ values: [String: Tensor]) throws -> Self {
    var unused = Set(values.keys)
    let result = try mapParameters { path, value in
      guard let new = values[path] else { return value }
      unused.remove(path)
      guard new.shape == value.shape else {
        throw ParameterError.shape(path, expected: value.shape, actual: new.shape)
      }
      return new
    }
    if let name = unused.min() {
      throw ParameterError.unknown(name, known: parameters.map(\.path))
    }
    return result
  }

  /// Visits the parameters of a part under the part's name.
  package func mapParameters(
    under part: String, _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    try mapParameters { path, value in try transform("\(part).\(path)", value) }
  }
}

/// The value of a scalar function of a parameterised value and its derivatives by name.
///
/// - Parameters:
///   - value: where to differentiate.
///   - names: which parameters; all floating-point ones if nil.
///   - unreachable: `.trap` throws ``ParameterError/unreachable(_:)`` for a parameter that the
///     result does not depend on, `.zeros` gives zeros.
///   - function: gives a scalar.
public func valueAndGradient<Value: Parameterized>(
  of value: Value, withRespectTo names: [String]? = nil,
  unreachable: UnreachableParameter = .trap, _ function: (Value) throws -> Tensor
) throws -> (value: Tensor, gradients: [String: Tensor]) {
  let result = try valueAndReachableGradients(of: value, withRespectTo: names, function)
  var gradients: [String: Tensor] = [:]
  for (name, parameter, gradient) in result.gradients {
    if gradient == nil && unreachable == .trap { throw ParameterError.unreachable(name) }
    gradients[name] = gradient ?? Tensor.zeros(like: parameter.detached)
  }
  return (result.value, gradients)
}

/// The same with every parameter in order; a gradient is nil where the value does not depend on it.
package func valueAndReachableGradients<Value: Parameterized>(
  of value: Value, withRespectTo names: [String]? = nil, _ function: (Value) throws -> Tensor
) throws -> (value: Tensor, gradients: [(path: String, parameter: Tensor, gradient: Tensor?)]) {
  let chosen =
    names ?? value.parameters.filter { $0.value.dtype.isFloatingPoint }.map(\.path)
  let tensors = try chosen.map { name in try value.parameter(name) }
  let product = try LinearizedFunction(at: tensors) { leaves in
    let scene = try value.replacing(Dictionary(uniqueKeysWithValues: zip(chosen, leaves)))
    let result = try function(scene)
    require(
      result.count == 1,
      "valueAndGradient: the function gave shape \(result.shape), expected a scalar")
    return [result]
  }
  let found = product.reachable([Tensor.ones(like: product.values[0].detached)])
  return (product.values[0], chosen.indices.map { (chosen[$0], tensors[$0], found[$0]) })
}
