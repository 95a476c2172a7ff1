import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor

/// A field that networks compute: an encoding of points, a trunk for the value and features, and a
/// head for colours.
///
/// Parameter paths: "encoding.…", "trunk.…", "head.…".
public struct NeuralField: ImplicitField {
  /// What the head sees beside features, in the order of the cases.
  public enum HeadInput: String, Sendable, Codable, CaseIterable {
    /// The points themselves.
    case position
    /// Directions from the eye, through ``NeuralField/directionEncoding``.
    case direction
    /// Spatial gradients as they are, not normalised.
    case gradient
    /// The trunk's outputs behind the first.
    case features
  }

  /// What the trunk's first output says.
  public var quantity: FieldQuantity
  /// What makes a density of the trunk's first output; `Activation.none` leaves densities below 0
  /// to the method, which takes them as 0 and may add noise before. Other quantities do without.
  public var densityActivation: Activation
  /// From [N, 3] to what the trunk takes.
  public var encoding: any Module
  /// From encoded points to [N, 1 + F]: the value and features.
  public var trunk: any Module
  /// From ``headInputs`` to colours [N, C]; nil for a shape alone.
  public var head: (any Module)?
  public var headInputs: Set<HeadInput>
  public var directionEncoding: PositionalEncoding
  public let colorChannels: Int
  public let dtype: DType

  /// - Parameters:
  ///   - quantity: what the trunk's first output says.
  ///   - densityActivation: for a density; a ReLU by default.
  ///   - encoding: of points; none by default.
  ///   - trunk: from encoded points to [N, 1 + F].
  ///   - head: to colours, if there are any.
  ///   - headInputs: what it sees; everything by default.
  ///   - directionEncoding: of viewing directions; none by default.
  ///   - colorChannels: C, the head's outputs; counts only with a head.
  ///   - dtype: of the networks.
  public init(
    _ quantity: FieldQuantity, densityActivation: Activation = .relu,
    encoding: any Module = PositionalEncoding(frequencies: 0),
    trunk: any Module, head: (any Module)? = nil,
    headInputs: Set<HeadInput> = Set(HeadInput.allCases),
    directionEncoding: PositionalEncoding = PositionalEncoding(frequencies: 0),
    colorChannels: Int = 3, dtype: DType = .float32
  ) {
    self.quantity = quantity
    self.densityActivation = densityActivation
    self.encoding = encoding
    self.trunk = trunk
    self.head = head
    self.headInputs = headInputs
    self.directionEncoding = directionEncoding
    self.colorChannels = head == nil ? 0 : colorChannels
    self.dtype = dtype
  }

  public func values(at points: Tensor) -> Tensor {
    samples(at: points, withGradients: false).values
  }

  public func samples(at points: Tensor, withGradients: Bool) -> FieldSamples {
    guard withGradients else { return split(outputs(at: points)) }
    return fusedSamples(at: points) ?? tapeSamples(at: points)
  }

  /// With gradients in one fused operation; nil if the networks or the derivatives that may follow
  /// ask for the tape.
  package func fusedSamples(at points: Tensor) -> FieldSamples? {
    guard let trunk = trunk as? MultilayerPerceptron, trunk.canFuse(points),
      let encoding = encoding as? PositionalEncoding
    else { return nil }
    let encoded = encoding(points)
    let (outputs, slopes) = trunk.outputsAndGradient(at: encoded)
    var samples = split(outputs)
    let gradients = encoding.pullback(slopes, encoded: encoded)
    samples.gradients =
      quantity == .density
      ? Tensor.where((samples.values .> 0).expandingDims(at: 1), gradients, 0) : gradients
    return samples
  }

  /// With gradients by the tape, for networks of any kind and derivatives of any order: the
  /// readable twin.
  package func tapeSamples(at points: Tensor) -> FieldSamples {
    let (found, pullback) = vectorJacobianProduct(at: [points]) { points in
      let samples = split(outputs(at: points[0]))
      return [samples.values] + (samples.features.map { [$0] } ?? [])
    }
    let seeds = [Tensor.ones(like: found[0].stoppingGradient())]
    let others = found.dropFirst().map { Tensor.zeros(like: $0.stoppingGradient()) }
    return FieldSamples(
      values: found[0], gradients: pullback(seeds + others)[0],
      features: found.count > 1 ? found[1] : nil)
  }

  /// The trunk's outputs, [N, 1 + F].
  private func outputs(at points: Tensor) -> Tensor {
    guard let network = trunk as? MultilayerPerceptron,
      let encoding = encoding as? PositionalEncoding
    else { return trunk(encoding(points)) }
    return network.values(at: points, encoding: encoding)
  }

  private func split(_ outputs: Tensor) -> FieldSamples {
    let first = outputs.slice(axis: 1, from: 0, to: 1).squeezed(axis: 1)
    let features =
      outputs.shape[1] > 1 ? outputs.slice(axis: 1, from: 1, to: outputs.shape[1]) : nil
    return FieldSamples(
      values: quantity == .density ? densityActivation(first) : first, features: features)
  }

  public var colorsNeedGradients: Bool { head != nil && headInputs.contains(.gradient) }

  public func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    guard let head else { return .zeros([points.shape[0], 0], dtype: dtype) }
    var inputs: [Tensor] = []
    if headInputs.contains(.position) { inputs.append(points) }
    if headInputs.contains(.direction) { inputs.append(directionEncoding(directions)) }
    if headInputs.contains(.gradient) {
      require(samples.gradients != nil, "NeuralField.colors: the head needs spatial gradients")
      inputs.append(samples.gradients!)
    }
    if headInputs.contains(.features), let features = samples.features { inputs.append(features) }
    return head(.concatenate(inputs, axis: 1))
  }

  /// With gains of normalised weights multiplied into them.
  public func frozen() -> NeuralField {
    var result = mapParameters { $1.stoppingGradient() }
    if let network = result.trunk as? MultilayerPerceptron {
      result.trunk = network.multipliedOut()
    }
    if let network = result.head as? MultilayerPerceptron { result.head = network.multipliedOut() }
    return result
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> NeuralField {
    var result = self
    result.encoding = try encoding.mapParameters(under: "encoding", transform)
    result.trunk = try trunk.mapParameters(under: "trunk", transform)
    if let head { result.head = try head.mapParameters(under: "head", transform) }
    return result
  }
}
