import LumiTensor

/// Residuals or a Jacobian that least squares cannot work with.
public enum LeastSquaresError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A residual or a derivative is infinite or NaN.
  case nonFiniteResiduals(at: String)
  case dtype(DType)
  /// The number of residuals differs from that at the start.
  case residualCount(expected: Int, actual: Int)
  /// A derivative that the caller gave; nil if it is missing.
  case jacobian(parameter: String, expected: [Int], actual: [Int]?)

  public var description: String {
    switch self {
    case .nonFiniteResiduals(let place):
      "least squares: residuals or derivatives are not finite at \(place)"
    case .dtype(let dtype): "least squares: residuals are \(dtype), expected float32 or float64"
    case .residualCount(let expected, let actual):
      "least squares: \(actual) residuals, \(expected) at the start"
    case .jacobian(let parameter, let expected, let actual):
      """
      least squares: the derivative of "\(parameter)" \
      \(actual.map { "has shape \($0)" } ?? "is missing"), expected \(expected)
      """
    }
  }
}

/// Residuals as a function of named parameters, with its linear model.
struct LeastSquaresProblem {
  let layout: ParameterLayout
  let jacobian: LevenbergMarquardt.Jacobian
  let residuals: ([String: Tensor]) throws -> Tensor

  struct Point {
    let parameters: [String: Tensor]
    /// float64 [m].
    let residuals: Tensor
    /// ½ ‖r‖².
    let cost: Double
  }

  /// The normal equations at a point.
  struct System {
    /// JᵀJ, float64 [n, n].
    let matrix: Tensor
    /// Jᵀr, float64 [n].
    let gradient: Tensor
    /// Of ``matrix``.
    let diagonal: [Double]

    /// h of (JᵀJ + μD) h = -Jᵀr; nil if that has no finite solution.
    func step(damping: Double, scales: [Double]) -> Tensor? {
      let n = diagonal.count
      let added = Tensor(scales.map { $0 * damping }).reshaped([1, n])
      let damped = matrix + Tensor.eye(n, dtype: .float64) * added
      guard let h = try? Tensor.solve(damped, -gradient.reshaped([n, 1])) else { return nil }
      return h.isFinite().all().item(as: Bool.self) ? h.flattened() : nil
    }
  }

  func point(_ parameters: [String: Tensor]) throws -> Point {
    let found = try residuals(parameters)
    guard found.dtype.isFloatingPoint else { throw LeastSquaresError.dtype(found.dtype) }
    let vector = found.stoppingGradient().cast(to: .float64).flattened()
    return Point(
      parameters: parameters, residuals: vector, cost: 0.5 * vector.square().sum().value)
  }

  func system(at point: Point) throws -> System {
    let n = layout.count
    let m = point.residuals.count
    let j = try derivatives(at: point)
    guard j.isFinite().all().item(as: Bool.self) else {
      throw LeastSquaresError.nonFiniteResiduals(at: "\(layout.names.joined(separator: ", "))")
    }
    guard n > 0 && m > 0 else {
      return System(
        matrix: .zeros([n, n], dtype: .float64), gradient: .zeros([n], dtype: .float64),
        diagonal: [Double](repeating: 0, count: n))
    }
    let matrix = j.matmul(j, transposingLeft: true)
    return System(
      matrix: matrix,
      gradient: j.matmul(point.residuals.reshaped([m, 1]), transposingLeft: true).flattened(),
      diagonal: (matrix * Tensor.eye(n, dtype: .float64)).sum(axis: 1).scalars(as: Double.self))
  }

  /// J, float64 [m, n].
  private func derivatives(at point: Point) throws -> Tensor {
    let m = point.residuals.count
    switch jacobian {
    case .rows: return try rows(at: point)
    case .columns: return try columns(at: point)
    case .given(let give):
      let given = try give(point.parameters)
      let blocks = try zip(layout.names, layout.shapes).map { name, shape in
        guard let block = given[name], block.shape == [m] + shape else {
          throw LeastSquaresError.jacobian(
            parameter: name, expected: [m] + shape, actual: given[name]?.shape)
        }
        return block.cast(to: .float64).reshaped([m, shape.reduce(1, *)])
      }
      return blocks.isEmpty ? .zeros([m, 0], dtype: .float64) : .concatenate(blocks, axis: 1)
    }
  }

  /// The residuals as a function of the parameters in the layout's order.
  private func ordered(_ point: Point) -> ([Tensor]) throws -> [Tensor] {
    { leaves in
      let named = Dictionary(uniqueKeysWithValues: zip(layout.names, leaves))
      let found = try residuals(point.parameters.merging(named) { $1 })
      guard found.count == point.residuals.count else {
        throw LeastSquaresError.residualCount(
          expected: point.residuals.count, actual: found.count)
      }
      return [found]
    }
  }

  /// One pullback of a unit vector per residual.
  private func rows(at point: Point) throws -> Tensor {
    let (values, pullback) = try vectorJacobianProduct(
      at: layout.names.map { point.parameters[$0]! }, of: ordered(point))
    let units = units(like: values[0])
    guard !units.isEmpty else { return .zeros([0, layout.count], dtype: .float64) }
    return .stack(units.map { joined(pullback([$0])) })
  }

  /// The pullback u ↦ Jᵀu is linear, so its own pullback of a unit vector is a column of J.
  private func columns(at point: Point) throws -> Tensor {
    let places = layout.names.map { point.parameters[$0]! }
    guard point.residuals.count > 0 && layout.count > 0 else {
      return .zeros([point.residuals.count, layout.count], dtype: .float64)
    }
    let seed = try Tensor.zeros(like: residuals(point.parameters))
    let (slopes, pullback) = try vectorJacobianProduct(at: [seed]) { u in
      try vectorJacobianProduct(at: places, of: ordered(point)).pullback(u)
    }
    let zeros = slopes.map { Tensor.zeros(like: $0) }
    let columns = slopes.indices.flatMap { index in
      units(like: slopes[index]).map { unit in
        var cotangents = zeros
        cotangents[index] = unit
        return joined(pullback(cotangents))
      }
    }
    return .stack(columns, axis: 1)
  }

  private func joined(_ tensors: [Tensor]) -> Tensor {
    tensors.isEmpty
      ? .zeros([0], dtype: .float64)
      : .concatenate(tensors.map { $0.cast(to: .float64).flattened() })
  }

  /// Every tensor of that shape and dtype with one element 1 and the others 0.
  private func units(like tensor: Tensor) -> [Tensor] {
    (0..<tensor.count).map { index in
      var values = [Double](repeating: 0, count: tensor.count)
      values[index] = 1
      return Tensor(values, shape: tensor.shape).cast(to: tensor.dtype)
    }
  }
}
