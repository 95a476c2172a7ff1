import LumiTensor

/// How a vertex's neighbours count in a Laplacian.
public enum LaplacianWeights: Sendable, Hashable {
  /// Every neighbour alike.
  case uniform
  /// By the sum of the cotangents of the two angles opposite to the shared edge, constant to the
  /// derivative. M. Desbrun et al., "Implicit Fairing of Irregular Meshes Using Diffusion and
  /// Curvature Flow", SIGGRAPH 1999.
  case cotangent
}

extension Loss {
  /// Σ |x_i - mean of the neighbours of x_i|², the form of S. Liu et al., "Soft Rasterizer",
  /// ICCV 2019. A vertex without neighbours adds nothing.
  ///
  /// - Parameters:
  ///   - vertices: [V, 3].
  ///   - edges: every undirected edge once, int32 [E, 2].
  public static func squaredLaplacian(vertices: Tensor, edges: Tensor) -> Tensor {
    requireMesh("squaredLaplacian", vertices, edges, columns: 2)
    return uniformLaplacian(vertices, edges).square().sum()
  }

  /// mean |weighted mean of the neighbours of x_i - x_i| over all vertices, the form of N. Ravi et
  /// al., "Accelerating 3D Deep Learning with PyTorch3D", 2020. A vertex without neighbours, or
  /// whose weights add up to nothing, counts as smooth.
  ///
  /// - Parameters:
  ///   - vertices: [V, 3].
  ///   - faces: int32 [F, 3].
  ///   - edges: every undirected edge of the faces once, int32 [E, 2].
  ///   - weights: uniform or cotangent.
  public static func laplacian(
    vertices: Tensor, faces: Tensor, edges: Tensor, weights: LaplacianWeights = .uniform
  ) -> Tensor {
    roughness(vertices, faces, edges, weights).sum() / Double(max(vertices.shape[0], 1))
  }

  /// ``laplacian(vertices:faces:edges:weights:)`` of every mesh of a packed batch, [meshes]: the
  /// vertices of mesh i are `offsets[i]..<offsets[i + 1]`. A mesh without vertices gives 0.
  public static func laplacian(
    vertices: Tensor, faces: Tensor, edges: Tensor, offsets: [Int],
    weights: LaplacianWeights = .uniform
  ) -> Tensor {
    roughness(vertices, faces, edges, weights).segmentMeans(offsets)
  }

  /// The Laplacian's length at every vertex, [V].
  private static func roughness(
    _ vertices: Tensor, _ faces: Tensor, _ edges: Tensor, _ weights: LaplacianWeights
  ) -> Tensor {
    requireMesh("laplacian", vertices, edges, columns: 2)
    requireMesh("laplacian", vertices, faces, columns: 3)
    let difference =
      weights == .uniform
      ? uniformLaplacian(vertices, edges) : cotangentLaplacian(vertices, faces)
    return difference.norm(axis: -1)
  }
}

/// mean of neighbours - x for every vertex.
private func uniformLaplacian(_ vertices: Tensor, _ edges: Tensor) -> Tensor {
  let weights = Tensor.ones([edges.shape[0], 1], dtype: vertices.dtype)
  return weightedLaplacian(vertices, from: column(edges, 0), to: column(edges, 1), weights)
}

private func cotangentLaplacian(_ vertices: Tensor, _ faces: Tensor) -> Tensor {
  let corners = (0..<3).map { column(faces, $0) }
  let positions = corners.map { vertices.stoppingGradient().gather($0) }
  // The angle at corner k faces the edge between the other two.
  let cotangents = (0..<3).map { k in
    cotangent(
      positions[(k + 1) % 3] - positions[k], positions[(k + 2) % 3] - positions[k])
  }
  return weightedLaplacian(
    vertices, from: Tensor.concatenate((0..<3).map { corners[($0 + 1) % 3] }),
    to: Tensor.concatenate((0..<3).map { corners[($0 + 2) % 3] }),
    Tensor.concatenate(cotangents))
}

/// (Σ_j w_ij x_j) / (Σ_j w_ij) - x_i, over undirected edges that may repeat; 0 where the weights
/// cancel or there are none.
private func weightedLaplacian(
  _ vertices: Tensor, from: Tensor, to: Tensor, _ weights: Tensor
) -> Tensor {
  let count = vertices.shape[0]
  func gathered(_ rows: (_ other: Tensor) -> Tensor) -> Tensor {
    Tensor.scatterAdd(rows: rows(to), at: from, count: count)
      + Tensor.scatterAdd(rows: rows(from), at: to, count: count)
  }
  let total = gathered { _ in weights }
  let magnitude = gathered { _ in weights.abs() }
  let isUsable = total.abs() .> magnitude * 1e-6
  let safe = Tensor.where(isUsable, total, Tensor.ones(like: total))
  let mean = gathered { weights * vertices.gather($0) } / safe
  return Tensor.where(isUsable, mean - vertices, Tensor.zeros(like: vertices))
}

/// The cotangent of the angle between rows of two [N, 3] tensors, at most 10⁶ in magnitude; 0 where
/// a row vanishes.
private func cotangent(_ u: Tensor, _ v: Tensor) -> Tensor {
  let lengths = u.norm(axis: -1, keepDims: true) * v.norm(axis: -1, keepDims: true)
  let sine = Tensor.maximum(Tensor.cross(u, v).norm(axis: -1, keepDims: true), lengths * 1e-6)
  let vanishes = lengths .== 0
  let safe = Tensor.where(vanishes, Tensor.ones(like: sine), sine)
  let cosine = (u * v).sum(axis: -1, keepDims: true)
  return Tensor.where(vanishes, Tensor.zeros(like: sine), cosine / safe)
}

/// One column of an index tensor.
func column(_ indices: Tensor, _ position: Int) -> Tensor {
  indices.slice(axis: 1, from: position, to: position + 1).squeezed(axis: 1)
}

func requireMesh(_ operation: String, _ vertices: Tensor, _ indices: Tensor, columns: Int) {
  require(
    vertices.rank == 2 && vertices.shape[1] == 3 && vertices.dtype.isFloatingPoint,
    "\(operation): vertices \(vertices.dtype) \(vertices.shape), expected [V, 3]")
  require(
    indices.rank == 2 && indices.shape[1] == columns
      && (indices.dtype == .int32 || indices.dtype == .int64),
    "\(operation): indices \(indices.dtype) \(indices.shape), expected int32 [N, \(columns)]")
}
