// The networks of Scene Representation Networks: a field of features in space, a recurrent cell that
// walks along rays, and a generator that makes colours of the features where rays end.
//
// They cannot: promise that a ray ends at a surface (depth is a by-product of colours), know what is
// in front of what, or draw a background of the scene's; whatever is seen is learned. A derivative
// that is bounded at every step (``SceneRepresentationNetwork/adjointBound``) is none of the picture's.
//
// V. Sitzmann, M. Zollhöfer, G. Wetzstein, "Scene Representation Networks: Continuous
// 3D-Structure-Aware Neural Scene Representations", NeurIPS 2019.
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor

/// A scene that networks hold: the shape of ``SceneRepresentationRenderer``.
///
/// Parameter paths: "field.…" (features), "cell.…" and "step.…" (the way along rays), "generator.…"
/// (colours).
public struct SceneRepresentationNetwork: SceneShape {
  public static var parameterPrefix: String { "network." }

  /// From points [N, 3] to features [N, F]; published four layers of 256.
  public var field: LayerNormalizedPerceptron
  /// Sees the features where the ray is; published 16 units.
  public var cell: LongShortTermMemoryCell
  /// From the cell's state to how far to go on, [N, 1], in world units; may go back.
  public var step: Linear
  /// From features to colours [N, 3] from -1 (dark) to 1, not bounded.
  public var generator: LayerNormalizedPerceptron
  /// How often a ray goes on. Published 10.
  public var stepCount: Int
  /// The largest derivative, in each component, that passes the cell's state from behind at every
  /// step. Published 10; nil leaves the derivative what it is.
  public var adjointBound: Double?

  /// Fresh networks.
  ///
  /// - Parameters:
  ///   - features: F, width of all layers of field and generator.
  ///   - fieldLayers: at least 1.
  ///   - isFieldAffine: whether the field's normalisations have a gain and a bias.
  ///   - units: of the cell.
  ///   - generatorLayers: at least 1, before the linear one.
  ///   - stepCount: at least 0.
  ///   - adjointBound: none by default.
  ///   - seed: of the weights.
  ///   - dtype: of the parameters.
  public init(
    features: Int = 256, fieldLayers: Int = 4, isFieldAffine: Bool = true, units: Int = 16,
    generatorLayers: Int = 5, stepCount: Int = 10, adjointBound: Double? = nil, seed: UInt64,
    dtype: DType = .float32
  ) {
    require(
      features > 0 && fieldLayers > 0 && units > 0 && generatorLayers > 0 && stepCount >= 0,
      """
      SceneRepresentationNetwork: \(features) features, \(fieldLayers) and \(generatorLayers) layers, \
      \(units) units, \(stepCount) steps; expected all above 0, steps 0 or more
      """)
    let width = [Int](repeating: features, count: max(fieldLayers, generatorLayers))
    var random = RandomGenerator(seed: seed)
    self.init(
      field: LayerNormalizedPerceptron(
        widths: [3] + width.prefix(fieldLayers), affine: isFieldAffine, seed: random.next(),
        dtype: dtype),
      cell: LongShortTermMemoryCell(
        inputs: features, units: units, dtype: dtype, using: &random),
      // Uniform in ±1/√units.
      step: Linear(
        inputs: units, outputs: 1, initializer: .kaimingUniform(gain: (1.0 / 3).squareRoot()),
        dtype: dtype, using: &random),
      generator: LayerNormalizedPerceptron(
        widths: [features] + width.prefix(generatorLayers), outputs: 3, seed: random.next(),
        dtype: dtype),
      stepCount: stepCount, adjointBound: adjointBound)
  }

  /// Networks that exist already and fit together.
  public init(
    field: LayerNormalizedPerceptron, cell: LongShortTermMemoryCell, step: Linear,
    generator: LayerNormalizedPerceptron, stepCount: Int = 10, adjointBound: Double? = nil
  ) {
    self.field = field
    self.cell = cell
    self.step = step
    self.generator = generator
    self.stepCount = stepCount
    self.adjointBound = adjointBound
  }

  public var dtype: DType { step.weight.dtype }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> SceneRepresentationNetwork {
    var result = self
    result.field = try field.mapParameters { try transform("field.\($0)", $1) }
    result.cell = try cell.mapParameters { try transform("cell.\($0)", $1) }
    result.step = try step.mapParameters { try transform("step.\($0)", $1) }
    result.generator = try generator.mapParameters { try transform("generator.\($0)", $1) }
    return result
  }

  // MARK: The way along rays

  /// Where rays end, and how they came there.
  public struct March: Sendable {
    /// [R, 3].
    public let points: Tensor
    /// [R] each, camera z: where the ray begins, and where it is after every step.
    public let depths: [Tensor]

    /// [R], camera z where rays end.
    public var depth: Tensor { depths.last! }
  }

  /// Walks along rays: look at the features, ask the cell, go on.
  ///
  /// - Parameters:
  ///   - points: where rays begin, [R, 3].
  ///   - directions: [R, 3], unit vectors.
  ///   - depth: camera z [R] of points [R, 3] on those rays.
  public func march(
    from points: Tensor, along directions: Tensor, depth: (Tensor) -> Tensor
  ) -> March {
    var place = points
    var state = cell.initialState([points.shape[0]])
    var depths = [depth(place)]
    for _ in 0..<stepCount {
      state = cell(field(place), state)
      if let adjointBound { state.hidden = state.hidden.boundingAdjoint(adjointBound) }
      place += directions * step(state.hidden)
      depths.append(depth(place))
    }
    return March(points: place, depths: depths)
  }

  /// Walks along a camera's rays.
  ///
  /// - Parameters:
  ///   - rays: R of them.
  ///   - initialDepths: [R], camera z where they begin; see ``initialDepths(_:seed:dtype:)``.
  public func march(along rays: PixelRays, from initialDepths: Tensor) -> March {
    let (origins, directions) = (rays.rays.origins, rays.rays.directions)
    // Rays to the side of a fisheye lens have no place of that depth.
    let isAhead = rays.depthPerDistance.stoppingGradient() .> 1e-6
    let slope = Tensor.where(isAhead, rays.depthPerDistance, 1)
    let start = origins + directions * (initialDepths / slope).expandingDims(at: 1)
    return march(from: start, along: directions) { points in
      ((points - origins) * directions).sum(axis: 1) * rays.depthPerDistance
    }
  }

  /// The colours [N, 3], from -1 to 1 where trained, at points [N, 3].
  public func colors(at points: Tensor) -> Tensor { generator(field(points)) }

  /// Where rays begin, [count], camera z: about 0.05, a little different from ray to ray.
  public static func initialDepths(_ count: Int, seed: UInt64 = 0, dtype: DType) -> Tensor {
    var random = RandomGenerator(seed: seed)
    return random.normal([count], mean: 0.05, deviation: 5e-4, dtype: dtype)
  }

  // MARK: Losses with their published weights

  /// 200 · mean (colour - target)², colours from -1 to 1.
  public static func imageLoss(_ colors: Tensor, _ target: Tensor) -> Tensor {
    Loss.meanSquaredError(colors, target) * 200
  }

  /// 10 · mean min(depth, 0)²: rays shall not end behind the camera.
  ///
  /// - Parameter depth: [R], where they end.
  public static func depthPenalty(_ depth: Tensor) -> Tensor {
    depth.clamped(max: 0).square().mean() * 10
  }

  /// mean z² of a scene's code z.
  public static func codePrior(_ code: Tensor) -> Tensor { code.square().mean() }
}

extension Tensor {
  /// The same values; of the derivative that arrives, each component is limited to ±bound.
  func boundingAdjoint(_ bound: Double) -> Tensor {
    customOperation(
      "boundingAdjoint", inputs: [self], outputs: [stoppingGradient()], differentiableTwice: true
    ) { cotangents, _ in
      [cotangents[0]!.clamped(min: -bound, max: bound)]
    }[0]
  }
}
