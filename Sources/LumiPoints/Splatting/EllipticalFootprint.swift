import LumiRendering
import LumiScene
import LumiTensor

/// Gaussians in tangent planes, projected onto the screen and filtered to the pixel: the elliptical
/// weighted average of surface splatting (Zwicker et al. 2001).
///
/// With tangent axes e₁, e₂ of variances v₁, v₂ and u = J e, J being the screen's derivative with
/// respect to the world: G = Σ vₖ uₖ uₖᵀ + σ (pixel)² 1. A point weighs s exp(-Q/2) at the offset d,
/// with Q = dᵀ G⁻¹ d and s = |u₁ × u₂| / (2π √det G).
public struct EllipticalFootprint: Sendable {
  /// [N, 3]: G's xx, xy and yy, in squared screen units.
  public let covariances: Tensor
  /// [N, 3]: a, b, c of Q = a dx² + b dx dy + c dy².
  public let forms: Tensor
  /// [N, 2]: how far Q ≤ cutoff reaches in x and y.
  public let reaches: Tensor
  /// [N]: s.
  public let scales: Tensor

  /// - Parameters:
  ///   - jacobians: [N, 2, 3], of screen x and y with respect to the world.
  ///   - axes: [N, 2, 3], orthonormal in each point's tangent plane.
  ///   - variances: [N, 2] along the axes, in squared world units.
  ///   - lowPass: added to G's diagonal, in squared screen units.
  ///   - cutoff: the Q at which the splat ends.
  public init(
    jacobians: Tensor, axes: Tensor, variances: Tensor, lowPass: Double, cutoff: Double
  ) {
    // [N, 2 axes, 2 of the screen].
    let images = axes.matmul(jacobians, transposingRight: true)
    func image(_ axis: Int, _ coordinate: Int) -> Tensor {
      images.slice(axis: 1, from: axis, to: axis + 1)
        .slice(axis: 2, from: coordinate, to: coordinate + 1).flattened()
    }
    let (x1, y1, x2, y2) = (image(0, 0), image(0, 1), image(1, 0), image(1, 1))
    let (v1, v2) = (variances.column(0), variances.column(1))
    let xx = v1 * x1 * x1 + v2 * x2 * x2 + lowPass
    let xy = v1 * x1 * y1 + v2 * x2 * y2
    let yy = v1 * y1 * y1 + v2 * y2 * y2 + lowPass
    let determinant = xx * yy - xy * xy
    covariances = .stack([xx, xy, yy], axis: 1)
    forms = .stack([yy / determinant, -2 * xy / determinant, xx / determinant], axis: 1)
    // 4 c C / (4 a c - b²) = C G's own diagonal.
    reaches = .stack([(xx * cutoff).sqrt(), (yy * cutoff).sqrt()], axis: 1)
    scales = (x1 * y2 - x2 * y1).abs() / (determinant.sqrt() * (2 * Double.pi))
  }

  /// Two orthonormal directions [N, 2, 3] at right angles to unit normals [N, 3].
  ///
  /// - Parameter normals: unit length; a normal of 0 gives two axes of the world.
  public static func tangentAxes(normals: Tensor) -> Tensor {
    // Duff et al. 2017, "Building an Orthonormal Basis, Revisited": continuous but at z = 0.
    let (x, y, z) = (normals.column(0), normals.column(1), normals.column(2))
    let sign = Tensor.where(
      z.stoppingGradient() .< 0, Tensor(-1, dtype: z.dtype), Tensor(1, dtype: z.dtype))
    let a = -1 / (sign + z)
    let b = x * y * a
    let first = Tensor.stack([sign * x * x * a + 1, sign * b, -sign * x], axis: 1)
    let second = Tensor.stack([b, y * y * a + sign, -y], axis: 1)
    return .stack([first, second], axis: 1)
  }

  /// [N, 2, 3]: how x and y on the screen change with world points [N, 3]. Without a derivative.
  public static func jacobians(at points: Tensor, from camera: Camera) -> Tensor {
    let fixed = camera.mapParameters { $1.stoppingGradient() }
    let product = vectorJacobianProduct(at: [points.stoppingGradient()]) { inputs in
      [ProjectedMesh.screen(fixed.cameraPoints(inputs[0]), fixed)]
    }
    // Each point moves its own place alone: one pull per coordinate gives all rows.
    let count = points.shape[0]
    let rows = (0..<2).map { axis in
      let direction = Tensor((0..<3).map { $0 == axis ? 1.0 : 0 }).cast(to: points.dtype)
      return product.pullback([direction.broadcast(to: [count, 3])])[0]
    }
    return Tensor.stack(rows, axis: 1).stoppingGradient()
  }
}
