import LumiScene
import LumiTensor

extension OccupancyFieldProbing {
  /// What ``OccupancyFieldProbing/normalConsistency(of:at:offsets:settings:)`` is made of. The published
  /// constants are not known to us where none is called published.
  public struct NormalSettings: Sendable, Hashable {
    /// Of the central differences that make normals, h, in world units. Published 0.03.
    public var step: Double
    /// The power of differences between normals, p. Below 1 edges cost less than bends. Published 0.8.
    public var exponent: Double
    /// How far from ½ a probability still counts as near the surface.
    public var surfaceWidth: Double
    /// How far neighbours count, in world units.
    public var neighbourWidth: Double
    /// s of signed distances, see ``OccupancyFieldProbing/softness``.
    public var softness: Double

    /// - Parameters:
    ///   - step: above 0.
    ///   - exponent: above 0.
    ///   - surfaceWidth: above 0.
    ///   - neighbourWidth: above 0.
    ///   - softness: above 0, for fields of signed distances only.
    public init(
      step: Double = 0.03, exponent: Double = 0.8, surfaceWidth: Double = 0.2,
      neighbourWidth: Double = 0.03, softness: Double = 1
    ) {
      require(
        [step, exponent, surfaceWidth, neighbourWidth, softness].allSatisfy { $0 > 0 },
        """
        NormalSettings: step \(step), exponent \(exponent), surfaceWidth \(surfaceWidth), \
        neighbourWidth \(neighbourWidth), softness \(softness); expected all above 0
        """)
      self.step = step
      self.exponent = exponent
      self.surfaceWidth = surfaceWidth
      self.neighbourWidth = neighbourWidth
      self.softness = softness
    }
  }

  /// How much normals turn near the surface, []:
  ///
  ///     mean over q of I(q) Σ_e w_e (|n(q + e) - n(q)|² + 10⁻¹²)^(p/2)
  ///     I(q) = exp(-(f(q) - ½)²/(2 surfaceWidth²))     w_e = exp(-|e|²/(2 neighbourWidth²))
  ///
  /// with the probability f to be inside and its normalised differences n. It asks the field at
  /// 6·N·(L + 1) + N points. Published weight beside the silhouette loss: 0.01.
  ///
  /// - Parameters:
  ///   - field: of occupancy logits or signed distances.
  ///   - points: q, [N, 3].
  ///   - offsets: e, [L, 3], in world units.
  ///   - settings: see there.
  /// - Returns: 0 for no points.
  public static func normalConsistency(
    of field: any ImplicitField, at points: Tensor, offsets: Tensor,
    settings: NormalSettings = NormalSettings()
  ) -> Tensor {
    require(
      points.rank == 2 && points.shape[1] == 3 && offsets.rank == 2 && offsets.shape[1] == 3,
      "normalConsistency: points \(points.shape), offsets \(offsets.shape), expected [N, 3], [L, 3]"
    )
    let (count, around) = (points.shape[0], offsets.shape[0])
    guard count > 0 && around > 0 else { return .zeros([], dtype: points.dtype) }
    let inside = field.occupancyLogits(at: points, softness: settings.softness).sigmoid()
    let places =
      points.expandingDims(at: 1)
      + Tensor.concatenate([.zeros([1, 3], dtype: offsets.dtype), offsets])
    let normals = normals(of: field, at: places.reshaped([-1, 3]), settings)
      .reshaped([count, around + 1, 3])
    let own = normals.slice(axis: 1, from: 0, to: 1)
    let turns = (normals.slice(axis: 1, from: 1, to: around + 1) - own).square().sum(axis: 2)
    let near = bell(offsets.square().sum(axis: 1), width: settings.neighbourWidth)
    let atSurface = bell((inside - 0.5).square(), width: settings.surfaceWidth)
    return (atSurface * ((turns + 1e-12).pow(settings.exponent / 2) * near).sum(axis: 1)).mean()
  }

  private static func bell(_ squared: Tensor, width: Double) -> Tensor {
    (squared * (-0.5 / (width * width))).exp()
  }

  /// [N, 3], towards the inside, of unit length unless the field is flat.
  private static func normals(
    of field: any ImplicitField, at points: Tensor, _ settings: NormalSettings
  ) -> Tensor {
    let steps = Tensor.eye(3, dtype: points.dtype) * settings.step
    let places = points.expandingDims(at: 1) + Tensor.concatenate([steps, -steps])
    let inside = field.occupancyLogits(
      at: places.reshaped([-1, 3]), softness: settings.softness
    ).sigmoid().reshaped([points.shape[0], 6])
    let slopes =
      (inside.slice(axis: 1, from: 0, to: 3) - inside.slice(axis: 1, from: 3, to: 6))
      / (2 * settings.step)
    return slopes / (slopes.norm(axis: 1, keepDims: true) + 1e-12)
  }
}
