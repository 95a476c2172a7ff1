import LumiScene
import LumiTensor

/// Distant light in an equirectangular picture.
///
/// Computes: radiance along directions, the picture behind a scene, its spherical harmonics, and the
/// picture convolved with cosine lobes: of exponent 1 the irradiance over π by normals, of a
/// material's shininess the glossy reflection by mirrored directions. All differentiable with
/// respect to the texels and the directions, the lobe with respect to its exponent too.
///
/// Directions: row 0 is at +y and the last one at -y; the middle column is at -z, a quarter of the
/// width to its right +x, to its left -x. Columns repeat; at each pole the value is the mean of the
/// row beside it, so that the map is continuous there. Between texel centres it is bilinear.
///
/// Cannot: cast shadows or reflect the scene; reflection is that of a distant surrounding.
public struct EnvironmentMap: Sendable {
  /// [H, W, C] linear radiance.
  public let image: Tensor

  /// - Parameter image: [H, W, C] with at least one texel.
  public init(_ image: Tensor) {
    require(
      image.rank == 3 && image.count > 0 && image.dtype.isFloatingPoint,
      "EnvironmentMap: image \(image.shape)")
    self.image = image
  }

  public var height: Int { image.shape[0] }
  public var width: Int { image.shape[1] }

  // MARK: Texels

  /// Unit directions of the texel centres [H·W, 3], row by row.
  public func directions() -> Tensor {
    let polar = (Tensor.arange(height, dtype: .float64) + 0.5) * (.pi / Double(height))
    let turn = (Tensor.arange(width, dtype: .float64) + 0.5) * (2 * .pi / Double(width)) - .pi
    let out = polar.sin().expandingDims(at: 1)
    let up = polar.cos().expandingDims(at: 1).broadcast(to: [height, width])
    return Tensor.stack([out * turn.sin(), up, -(out * turn.cos())], axis: 2)
      .reshaped([height * width, 3]).cast(to: image.dtype)
  }

  /// Exact solid angles of one texel of each row: [H], float64; they sum to 4π/W.
  public func solidAngles() -> Tensor {
    let heights = Self.rowEdges(height).map { Tensor($0, dtype: .float64).cos().value }
    return Tensor(zip(heights, heights.dropFirst()).map { ($0 - $1) * 2 * .pi / Double(width) })
  }

  private static func rowEdges(_ rows: Int) -> [Double] {
    (0...rows).map { .pi * Double($0) / Double(rows) }
  }

  // MARK: Look-ups

  /// Radiance along directions [N, 3] of any length: [N, C]. At the poles the derivative with
  /// respect to the direction is 0; a direction of length 0 reads the upper pole.
  public func radiance(along directions: Tensor) -> Tensor {
    let x = directions.slice(axis: 1, from: 0, to: 1)
    let y = directions.slice(axis: 1, from: 1, to: 2)
    let z = directions.slice(axis: 1, from: 2, to: 3)
    let outSquared = x * x + z * z
    let isPole = outSquared.stoppingGradient() .<= 1e-24
    let out = Tensor.where(isPole, 1, outSquared).sqrt()
    let polar = Tensor.atan2(Tensor.where(isPole, 0, out), y)
    let turn = Tensor.atan2(Tensor.where(isPole, 0, x), Tensor.where(isPole, 1, -z))
    let columns = Neighbours(
      of: (turn / (2 * .pi) + 0.5) * Double(width) - 0.5, extent: width, wrap: .repeat)
    // Row 0 and row H + 1 are the poles, half a texel from the rows beside them.
    let row = polar * (Double(height) / .pi) + 0.5
    let stretched =
      row + (row - 1).clamped(max: 0) + (row - Double(height)).clamped(min: 0)
    let rows = Neighbours(of: stretched, extent: height + 2, wrap: .clamp)
    return bilinear(texelsWithPoles(), rows, columns, width: Tensor(Double(width), dtype: .int64))
  }

  private func texelsWithPoles() -> Tensor {
    func pole(_ row: Int) -> Tensor {
      image.slice(axis: 0, from: row, to: row + 1).mean(axis: 1, keepDims: true)
        .broadcast(to: [1, width, image.shape[2]])
    }
    return Tensor.concatenate([pole(0), image, pole(height - 1)])
      .reshaped([(height + 2) * width, image.shape[2]])
  }

  /// What a camera sees of the surrounding: [height, width, C]. Over it goes a picture that was
  /// drawn before a black background: color + (1 - alpha) · this.
  public func background(from camera: Camera) -> Tensor {
    let rays = camera.rays(through: camera.pixelCentres()).directions
    return radiance(along: rays.reshaped([-1, 3]))
      .reshaped([camera.height, camera.width, image.shape[2]])
  }

  // MARK: Spherical harmonics

  /// Coefficients [(L + 1)², C] of the radiance: Σ L Y Ω over the texels, those of a map of fewer
  /// than 64 rows in parts.
  public func harmonics(order: Int) -> Tensor {
    guard height >= 64 && width >= 128 else { return resampled(rows: 64).harmonics(order: order) }
    let weights = solidAngles().cast(to: image.dtype).reshaped([height, 1, 1])
    let basis = sphericalHarmonics(directions(), order: order)
    return basis.matmul(
      (image * weights).reshaped([height * width, image.shape[2]]), transposingLeft: true)
  }

  /// Coefficients [(L + 1)², C] for `Light.sphericalHarmonics(coefficients:)` that light a surface
  /// as this map does, up to order L: those of the radiance times A_l/π.
  ///
  /// For one bright texel of 64 rows order 2 is off by up to 9 % of the brightest irradiance, order 4
  /// by 5 %, order 8 by 3 % (``convolved(exponent:rows:)``: 0.3 %); for noise by 2 %, 1 %, 0.3 %.
  public func irradianceHarmonics(order: Int = 2) -> Tensor {
    let factors = lambertFactors(order: order).enumerated().flatMap { l, factor in
      [Double](repeating: factor / .pi, count: 2 * l + 1)
    }
    return harmonics(order: order)
      * Tensor(factors, shape: [factors.count, 1]).cast(to: image.dtype)
  }
}
