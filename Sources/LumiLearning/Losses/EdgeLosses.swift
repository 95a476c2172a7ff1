import LumiTensor

// Losses over edges, and over pairs of faces that share one. A pair is a row (a, b, o0, o1) of an
// index tensor: the shared edge, and the vertex of each face that is not on it.

extension Loss {
  /// mean (|x_a - x_b| - target)² over edges; 0 without edges. An edge of length 0 has no
  /// direction, so it adds to the value but not to the derivative.
  ///
  /// - Parameters:
  ///   - vertices: [V, 3].
  ///   - edges: every undirected edge once, int32 [E, 2].
  ///   - target: the wanted length.
  public static func edgeLength(vertices: Tensor, edges: Tensor, target: Double = 0) -> Tensor {
    squaredDeviations(vertices, edges, target).sum() / Double(max(edges.shape[0], 1))
  }

  /// ``edgeLength(vertices:edges:target:)`` of every mesh of a packed batch, [meshes]: the edges of
  /// mesh i are `offsets[i]..<offsets[i + 1]`. A mesh without edges gives 0.
  public static func edgeLength(
    vertices: Tensor, edges: Tensor, offsets: [Int], target: Double = 0
  ) -> Tensor {
    squaredDeviations(vertices, edges, target).segmentMeans(offsets)
  }

  private static func squaredDeviations(
    _ vertices: Tensor, _ edges: Tensor, _ target: Double
  ) -> Tensor {
    requireMesh("edgeLength", vertices, edges, columns: 2)
    let difference = vertices.gather(column(edges, 0)) - vertices.gather(column(edges, 1))
    return (difference.norm(axis: -1) - target).square()
  }

  /// Σ (cos θ + 1)² over pairs of faces, θ being the angle between the two half-planes at their
  /// edge, so that a flat pair gives 0: the flatten loss of S. Liu et al., "Soft Rasterizer",
  /// ICCV 2019.
  ///
  /// A half-plane's direction is o - a less its part along b - a, normalised. A pair with a face
  /// whose angle at a is below 10⁻⁶, or whose edge is that much shorter than the face, has cos θ =
  /// 0 and no derivative.
  ///
  /// - Parameters:
  ///   - vertices: [V, 3].
  ///   - pairs: (a, b, o0, o1), int32 [I, 4].
  public static func flatten(vertices: Tensor, pairs: Tensor) -> Tensor {
    requireMesh("flatten", vertices, pairs, columns: 4)
    let corners = PairCorners(vertices, pairs)
    let cosine = (halfPlane(corners.edge, corners.side0) * halfPlane(corners.edge, corners.side1))
      .sum(axis: -1)
    return (cosine + 1).square().sum()
  }

  /// mean (1 - cos(n₀, n₁)) over pairs of faces, with normals that point to the same side of a
  /// flat pair; 0 without pairs. The form of N. Ravi et al., "Accelerating 3D Deep Learning with
  /// PyTorch3D", 2020.
  ///
  /// A pair with a face whose angle at a is below 10⁻⁶ adds 1 and no derivative.
  ///
  /// - Parameters:
  ///   - vertices: [V, 3].
  ///   - pairs: (a, b, o0, o1), int32 [I, 4].
  public static func normalConsistency(vertices: Tensor, pairs: Tensor) -> Tensor {
    inconsistencies(vertices, pairs).sum() / Double(max(pairs.shape[0], 1))
  }

  /// ``normalConsistency(vertices:pairs:)`` of every mesh of a packed batch, [meshes]: the pairs of
  /// mesh i are `offsets[i]..<offsets[i + 1]`. A mesh without pairs gives 0.
  public static func normalConsistency(
    vertices: Tensor, pairs: Tensor, offsets: [Int]
  ) -> Tensor {
    inconsistencies(vertices, pairs).segmentMeans(offsets)
  }

  /// 1 - cos(n₀, n₁), [I].
  private static func inconsistencies(_ vertices: Tensor, _ pairs: Tensor) -> Tensor {
    requireMesh("normalConsistency", vertices, pairs, columns: 4)
    let corners = PairCorners(vertices, pairs)
    let cosine = (normal(corners.edge, corners.side0) * normal(corners.side1, corners.edge))
      .sum(axis: -1)
    return 1 - cosine
  }
}

/// Vectors from the edge's first vertex, [I, 3] each.
private struct PairCorners {
  let edge, side0, side1: Tensor

  init(_ vertices: Tensor, _ pairs: Tensor) {
    let corners = (0..<4).map { vertices.gather(column(pairs, $0)) }
    edge = corners[1] - corners[0]
    side0 = corners[2] - corners[0]
    side1 = corners[3] - corners[0]
  }
}

/// The unit vector in the face of `edge` and `side`, perpendicular to the edge, towards the side.
private func halfPlane(_ edge: Tensor, _ side: Tensor) -> Tensor {
  let edgeSquared = squaredLength(edge)
  let sideSquared = squaredLength(side).stoppingGradient()
  let hasEdge = edgeSquared.stoppingGradient() .> sideSquared * (sine * sine)
  let safe = Tensor.where(hasEdge, edgeSquared, Tensor.ones(like: sideSquared))
  let along = edge * ((edge * side).sum(axis: -1, keepDims: true) / safe)
  let reference = Tensor.where(hasEdge, sideSquared, Tensor.full([], .infinity, dtype: edge.dtype))
  return unit(side - along, longerThan: reference)
}

/// The unit normal u × v / |u × v|.
private func normal(_ u: Tensor, _ v: Tensor) -> Tensor {
  let reference = squaredLength(u).stoppingGradient() * squaredLength(v).stoppingGradient()
  return unit(Tensor.cross(u, v), longerThan: reference)
}

/// The smallest sine of an angle in a face that is not taken for degenerate: well above the
/// rounding of float32.
private let sine = 1e-6

/// x / |x|, or 0 with no derivative where |x|² is not above `sine`² times a reference.
private func unit(_ x: Tensor, longerThan reference: Tensor) -> Tensor {
  let squared = squaredLength(x)
  let isUsable = squared.stoppingGradient() .> reference * (sine * sine)
  let safe = Tensor.where(isUsable, squared, Tensor.ones(like: reference))
  return Tensor.where(isUsable, x * safe.rsqrt(), Tensor.zeros(like: x))
}

private func squaredLength(_ x: Tensor) -> Tensor { x.square().sum(axis: -1, keepDims: true) }
