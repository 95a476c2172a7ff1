import LumiTensor

/// Vertices of a mesh as the solution of (I + λL) x = u, L being the combinatorial Laplacian of its
/// edges: descent in u takes large steps without folding the mesh, because a gradient that meets
/// one vertex moves its surroundings smoothly.
///
/// The derivative goes through the solve. The system is factored once (`SparseCholesky`,
/// in double precision), so neither direction can fail to converge. It cannot: change the result
/// that descent in x would reach in the end, or the mesh's connectivity.
///
/// B. Nicolet, A. Jacobson, W. Jakob, "Large Steps in Inverse Rendering of Geometry", SIGGRAPH Asia
/// 2021.
public struct LargeSteps: Sendable {
  public let lambda: Double
  private let matrix: SparseMatrix
  private let factor: SparseCholesky

  /// - Parameters:
  ///   - edges: every undirected edge once, int32 [E, 2]. Vertices without edges move by themselves.
  ///   - vertexCount: number of vertices.
  ///   - lambda: λ, 0 or more; 0 is ordinary descent, the paper uses about 10 to 100.
  /// - Throws: `SparseError` for a λ that leaves the system without a solution, and for
  ///   edges so dense that the factor would not fit.
  public init(edges: Tensor, vertexCount: Int, lambda: Double = 19) throws {
    requireEdges(edges)
    self.lambda = lambda
    matrix = .graphLaplacian(edges: edges, count: vertexCount, identity: 1, laplacian: lambda)
    factor = try SparseCholesky(matrix)
  }

  /// u = (I + λL) x, to begin with.
  public func parameters(ofVertices vertices: Tensor) -> Tensor { matrix.times(vertices) }

  /// x = (I + λL)⁻¹ u, differentiable to any order with respect to u [V, C].
  ///
  /// - Complexity: O(V log V · C) for surface meshes.
  public func vertices(ofParameters parameters: Tensor) -> Tensor { factor.solve(parameters) }

  /// (I + λL)⁻¹ g: the derivative with respect to u from the one with respect to x. The matrix is
  /// symmetric.
  func parameterGradient(ofVertexGradient gradient: Tensor) -> Tensor { factor.solve(gradient) }
}

/// An optimizer that moves some parameters in the coordinates of ``LargeSteps`` and the rest as they
/// are. Callers see vertices and their gradients only.
///
/// Moments live in u; ``state`` is the base optimizer's.
public struct LargeStepsOptimizer<Base: Optimizer>: Optimizer {
  public private(set) var base: Base
  /// By parameter name: "mesh.vertices".
  public let operators: [String: LargeSteps]

  /// - Parameters:
  ///   - base: moves u. ``AdamUniform`` is the paper's choice.
  ///   - operators: which parameters are vertices of which mesh.
  public init(_ base: Base, operators: [String: LargeSteps]) {
    (self.base, self.operators) = (base, operators)
  }

  public var learningRate: LearningRateSchedule {
    get { base.learningRate }
    set { base.learningRate = newValue }
  }
  public var step: Int { base.step }
  public var state: [String: Tensor] { base.state }
  public mutating func restore(_ state: [String: Tensor]) throws { try base.restore(state) }

  public mutating func updated(
    _ parameters: [String: Tensor], gradients: [String: Tensor]
  ) throws -> [String: Tensor] {
    // Before the solve, so that errors name what the caller gave.
    try validateGradients(parameters, gradients)
    var (points, slopes) = (parameters, gradients)
    let chosen = operators.filter { gradients[$0.key] != nil }
    for (name, steps) in chosen {
      points[name] = steps.parameters(ofVertices: parameters[name]!.stoppingGradient())
      slopes[name] = steps.parameterGradient(
        ofVertexGradient: gradients[name]!.stoppingGradient())
    }
    var moved = try base.updated(points, gradients: slopes)
    for (name, steps) in chosen { moved[name] = steps.vertices(ofParameters: moved[name]!) }
    return moved
  }
}

private func requireEdges(_ edges: Tensor) {
  require(
    edges.rank == 2 && edges.shape[1] == 2 && (edges.dtype == .int32 || edges.dtype == .int64),
    "LargeSteps: edges \(edges.dtype) \(edges.shape), expected int32 [E, 2]")
}
