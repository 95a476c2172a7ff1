import Foundation
import LumiTensor

/// An approximation of the earth mover's distance between two clouds of equal total mass: entropic
/// optimal transport, solved by Sinkhorn's iterations in the log domain.
///
/// M. Cuturi, "Sinkhorn Distances", NeurIPS 2013; G. Peyré and M. Cuturi, "Computational Optimal
/// Transport", 2019 (log domain, scaling of ε); J. Altschuler et al., "Near-linear time approximation
/// algorithms for optimal transport via Sinkhorn iteration", NeurIPS 2017 (rounding to a plan).
///
/// The loss is min over plans P of ΣP c + ε KL(P | uniform), from ``lowerBound`` of ΣP c up to its
/// minimum plus ε log min(N, M). The derivative is that of ΣP c with P fixed (envelope theorem): exact
/// as far as the iterations have converged, which ``residual`` tells.
///
/// It cannot: be 0 for equal clouds (it is at most ε log N then), or be used for large clouds: it
/// holds matrices [N, M], and takes an exponential of each entry in every iteration.
public struct EarthMover: Sendable {
  /// Differentiable once with respect to both clouds; a second derivative stops the program.
  public let loss: Tensor
  /// Not above the earth mover's cost Σ c of the best plan, whatever the convergence: a solution of
  /// the dual problem.
  public let lowerBound: Double
  /// Not below it: the cost of a plan that moves all mass.
  public let upperBound: Double
  /// The mass that the last plan puts to wrong places, from 0 to 2.
  public let residual: Double
  public let iterations: Int

  /// - Parameters:
  ///   - x: [N, D] with N at least 1; each point has the mass 1/N.
  ///   - y: [M, D] with M at least 1 of the same dtype; each point has the mass 1/M.
  ///   - epsilon: above 0, in units of the cost. The smaller, the nearer to the earth mover's cost,
  ///     and the more iterations.
  ///   - distance: the cost c of moving a unit of mass; Euclidean by default.
  ///   - maximumIterations: at the last ε; default 500.
  ///   - tolerance: stops when ``residual`` is below; default 1e-6.
  public init(
    _ x: Tensor, _ y: Tensor, epsilon: Double, distance: PointDistance = .euclidean,
    maximumIterations: Int = 500, tolerance: Double = 1e-6
  ) {
    require(
      x.rank == 2 && y.rank == 2 && x.shape[1] == y.shape[1] && x.dtype == y.dtype
        && x.dtype.isFloatingPoint && x.shape[0] > 0 && y.shape[0] > 0,
      "EarthMover: \(x.dtype) \(x.shape) and \(y.dtype) \(y.shape)")
    require(
      epsilon > 0 && epsilon.isFinite && maximumIterations >= 0,
      "EarthMover: epsilon \(epsilon), \(maximumIterations) iterations")
    let (from, to) = (
      x.stoppingGradient().cast(to: .float64), y.stoppingGradient().cast(to: .float64)
    )
    let cost = distance(from.expandingDims(at: 1) - to.expandingDims(at: 0))
    var solver = Sinkhorn(cost)
    // Large ε converge fast and hand on a start for smaller ones.
    var scale = cost.max().value
    while scale > 2 * epsilon && scale.isFinite {
      for _ in 0..<5 { solver.step(scale) }
      scale *= 0.5
    }
    (iterations, residual) = solver.run(epsilon, maximumIterations, tolerance)
    let plan = solver.plan(epsilon)
    lowerBound = solver.dualBound()
    upperBound = solver.roundedCost(plan)
    let value = Tensor(solver.objective(epsilon, plan), dtype: x.dtype)
    let weights = Self.slopes(plan, cost, distance).cast(to: x.dtype)
    loss =
      customOperation("earth mover", inputs: [x, y], outputs: [value]) { cotangents, _ in
        guard let cotangent = cotangents[0] else { return [nil, nil] }
        let scaled = cotangent * weights
        return [
          scaled.sum(axis: 1, keepDims: true) * x - scaled.matmul(y),
          scaled.sum(axis: 0).expandingDims(at: 1) * y - scaled.transposed().matmul(x),
        ]
      }[0]
  }

  /// W with ∂ΣPc/∂x = Σ W (x - y). Coincident points have no direction, and 0.
  private static func slopes(
    _ plan: Tensor, _ cost: Tensor, _ distance: PointDistance
  ) -> Tensor {
    switch distance {
    case .squared: return 2 * plan
    case .euclidean:
      let isZero = cost .== 0
      return Tensor.where(isZero, 0, plan / Tensor.where(isZero, 1, cost))
    }
  }
}

/// The two potentials of the dual problem, in float64.
private struct Sinkhorn {
  private let cost: Tensor
  private var f: Tensor
  private var g: Tensor
  private let logMasses: (x: Double, y: Double)

  init(_ cost: Tensor) {
    self.cost = cost
    f = .zeros([cost.shape[0], 1], dtype: .float64)
    g = .zeros([1, cost.shape[1]], dtype: .float64)
    logMasses = (-log(Double(cost.shape[0])), -log(Double(cost.shape[1])))
  }

  /// First the columns' masses are met, then the rows'.
  mutating func step(_ epsilon: Double) {
    g = -epsilon * ((f - cost) / epsilon + logMasses.x).logSumExp(axis: 0, keepDims: true)
    f = -epsilon * ((g - cost) / epsilon + logMasses.y).logSumExp(axis: 1, keepDims: true)
  }

  mutating func run(
    _ epsilon: Double, _ most: Int, _ tolerance: Double
  ) -> (iterations: Int, residual: Double) {
    var iterations = 0
    while true {
      let residual = columnResidual(plan(epsilon))
      guard iterations < most, residual > tolerance else { return (iterations, residual) }
      for _ in 0..<min(10, most - iterations) {
        step(epsilon)
        iterations += 1
      }
    }
  }

  func plan(_ epsilon: Double) -> Tensor {
    ((f + g - cost) / epsilon + (logMasses.x + logMasses.y)).exp()
  }

  private func columnResidual(_ plan: Tensor) -> Double {
    let masses = plan.sum(axis: 0) - 1 / Double(cost.shape[1])
    let rows = plan.sum(axis: 1) - 1 / Double(cost.shape[0])
    return masses.abs().sum().value + rows.abs().sum().value
  }

  /// The dual objective with entropy, which is the primal one at convergence and never above it.
  func objective(_ epsilon: Double, _ plan: Tensor) -> Double {
    f.mean().value + g.mean().value + epsilon * (1 - plan.sum().value)
  }

  /// Without entropy: f with the largest g that it allows.
  func dualBound() -> Double {
    f.mean().value + (cost - f).min(axis: 0).mean().value
  }

  /// Altschuler et al., algorithm 2: rows and columns with too much mass are scaled down, what is
  /// missing is added as a product.
  func roundedCost(_ plan: Tensor) -> Double {
    let (a, b) = (1 / Double(cost.shape[0]), 1 / Double(cost.shape[1]))
    func shrink(_ plan: Tensor, _ axis: Int, _ mass: Double) -> Tensor {
      let sums = plan.sum(axis: axis, keepDims: true)
      let tooMuch = sums .> mass
      return plan * Tensor.where(tooMuch, mass / Tensor.where(tooMuch, sums, 1), 1.0)
    }
    let shrunk = shrink(shrink(plan, 1, a), 0, b)
    let (rows, columns) = (
      a - shrunk.sum(axis: 1, keepDims: true), b - shrunk.sum(axis: 0, keepDims: true)
    )
    let missing = rows.sum().value
    let direct = (shrunk * cost).sum().value
    guard missing > 0 else { return direct }
    return direct + (rows.transposed().matmul(cost).matmul(columns.transposed())).value / missing
  }
}
