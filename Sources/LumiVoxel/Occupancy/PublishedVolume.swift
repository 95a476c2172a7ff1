import LumiRendering
import LumiTensor

/// The layers of PlatonicGAN as released, for volumes [Z, Y, X] that are looked at along z from
/// z = -1, and the rotation that turns a volume to a direction of view first.
public enum PublishedVolume {
  /// How coordinates from -1 to 1 become positions of n values: with the half-pixel rule
  /// ((c + 1)·n - 1)/2, or with the ends on the outermost values (c + 1)(n - 1)/2, as the library of
  /// the release's time did by default.
  public enum Alignment: Sendable {
    case halfPixel, corners

    func position(_ coordinate: Tensor, _ count: Int) -> Tensor {
      switch self {
      case .halfPixel: ((coordinate + 1) * Double(count) - 1) * 0.5
      case .corners: (coordinate + 1) * (Double(count - 1) * 0.5)
      }
    }
  }

  /// 1 - exp(-Σ V) along z: [Y, X].
  public static func visualHull(_ volume: Tensor) -> Tensor {
    let rays = columns(volume)
    return alpha(.visualHull, rays, .ones(like: rays.stoppingGradient()), volume)
  }

  /// 1 - Π clamp(1 - V·factor/n, 1e-5, 1) along z: [Y, X].
  ///
  /// - Parameters:
  ///   - volume: [Z, Y, X].
  ///   - factor: published 20.
  public static func absorptionOnly(_ volume: Tensor, factor: Double = 20) -> Tensor {
    let rays = columns(volume)
    let length = Tensor(factor / Double(volume.shape[0]), dtype: volume.dtype)
    return alpha(.absorption(factor: factor), rays, length.broadcast(to: rays.shape), volume)
  }

  /// Emission and absorption of a volume of C colours and a density: [C + 1, N, N], alpha last. It
  /// is padded by one voxel of nothing on every side.
  ///
  /// - Parameters:
  ///   - volume: [C + 1, N, N, N], density last, from 0 to planes/factor.
  ///   - planes: along z; published 1024.
  ///   - factor: published 100.
  ///   - alignment: of the padded volume.
  public static func emissionAbsorption(
    _ volume: Tensor, planes: Int = 1024, factor: Double = 100, alignment: Alignment = .halfPixel
  ) -> Tensor {
    let (channels, side) = (volume.shape[0], volume.shape[1])
    var padded = volume.transposed(1, 2, 3, 0)
    for axis in 0..<3 { padded = padded.padded(axis: axis, before: 1, after: 1) }
    let line = alignment.position(.linspace(-1, 1, side, dtype: volume.dtype), side + 2)
    let depth = alignment.position(.linspace(-1, 1, planes, dtype: volume.dtype), side + 2)
    let shape = [side, side, planes]
    let points = Tensor.stack(
      [
        depth.broadcast(to: shape), line.reshaped([side, 1, 1]).broadcast(to: shape),
        line.reshaped([1, side, 1]).broadcast(to: shape),
      ], axis: -1)
    let samples = sampleTrilinear(padded, at: points.reshaped([-1, 3]))
      .reshaped([side * side, planes, channels])
    let density = samples.slice(axis: 2, from: channels - 1, to: channels).squeezed(axis: 2)
    let weights = PlatonicRenderer.Medium.emissionAbsorption(factor: factor).weights(
      of: density,
      lengths: Tensor(factor / Double(planes), dtype: volume.dtype).broadcast(to: density.shape))
    let colors = weights.composite(
      samples.slice(axis: 2, from: 0, to: channels - 1),
      background: .zeros([channels - 1], dtype: volume.dtype))
    let alpha = (1 - weights.remainder).expandingDims(at: 1)
    return Tensor.concatenate([colors, alpha], axis: 1).transposed()
      .reshaped([channels, side, side])
  }

  /// The axes of a view from `eye` [3] as columns: x = up × z, y = z × x, z = eye/|eye|, up being
  /// (0, 1, 0). An eye straight above gives x = y = 0.
  public static func viewMatrix(eye: Tensor) -> Tensor {
    let z = eye.unitVectors()
    let up = Tensor([0.0, 1, 0]).cast(to: eye.dtype)
    let x = Tensor.cross(up, z).unitVectors()
    return .stack([x, .cross(z, x), z], axis: 1)
  }

  /// A cubic volume [N, N, N] turned by a matrix [3, 3] of ``viewMatrix(eye:)``. Array axes z, y, x
  /// are -z, -y, x of the view's coordinates.
  public static func rotated(
    _ volume: Tensor, by matrix: Tensor, alignment: Alignment = .halfPixel
  ) -> Tensor {
    let shape = volume.shape
    let side = shape[0]
    let line = Tensor.linspace(-1, 1, side, dtype: volume.dtype)
    let own = Tensor.stack(
      [
        line.broadcast(to: shape), -line.reshaped([1, side, 1]).broadcast(to: shape),
        -line.reshaped([side, 1, 1]).broadcast(to: shape),
      ], axis: -1)
    let source = own.reshaped([-1, 3]).matmul(matrix, transposingRight: true)
    func axis(_ k: Int) -> Tensor { source.slice(axis: 1, from: k, to: k + 1) }
    let points = Tensor.concatenate([-axis(2), -axis(1), axis(0)], axis: 1)
    return sampleTrilinear(volume.expandingDims(at: 3), at: alignment.position(points, side))
      .reshaped(shape)
  }

  /// [Y·X, Z].
  private static func columns(_ volume: Tensor) -> Tensor {
    volume.reshaped([volume.shape[0], -1]).transposed()
  }

  private static func alpha(
    _ medium: PlatonicRenderer.Medium, _ rays: Tensor, _ lengths: Tensor, _ volume: Tensor
  ) -> Tensor {
    (1 - medium.weights(of: rays, lengths: lengths).remainder)
      .reshaped(Array(volume.shape.dropFirst()))
  }
}
