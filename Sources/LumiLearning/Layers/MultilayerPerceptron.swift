import LumiTensor

/// A chain of linear layers, with the input optionally concatenated again further on.
///
/// Parameters are named "layers.0.weight", "layers.0.bias", "layers.1.weight", …, with normalised
/// weights also "layers.0.gain".
public struct MultilayerPerceptron: Module {
  public var layers: [Linear]
  /// Positions in ``layers`` of the layers whose input is [network input, previous output].
  public let skips: Set<Int>
  /// What the input of a layer in ``skips`` is multiplied by; 1/√2 keeps its size.
  public internal(set) var skipScale: Double

  /// - Parameters:
  ///   - widths: extents of the input, of every hidden layer, and of the output.
  ///   - activation: of the hidden layers.
  ///   - outputActivation: of the last layer.
  ///   - skips: layers that see the network's input beside the previous layer's output; layer 0
  ///     is the first and cannot be among them.
  ///   - skipScale: what their inputs are multiplied by.
  ///   - initializer: how the weights begin.
  ///   - seed: of the weights; biases start at 0.
  ///   - dtype: the type of the tensors.
  public init(
    widths: [Int], activation: Activation = .relu, outputActivation: Activation = .none,
    skips: Set<Int> = [], skipScale: Double = 1, initializer: Initializer = .kaimingUniform(),
    seed: UInt64,
    dtype: DType = .float32
  ) {
    require(
      widths.count >= 2 && widths.allSatisfy { $0 > 0 },
      "MultilayerPerceptron: widths \(widths), expected at least two, all above 0")
    let layerCount = widths.count - 1
    require(
      skips.allSatisfy { (1..<layerCount).contains($0) },
      "MultilayerPerceptron: skips \(skips.sorted()), expected layers 1..<\(layerCount)")
    var random = RandomGenerator(seed: seed)
    layers = (0..<layerCount).map { index in
      Linear(
        inputs: widths[index] + (skips.contains(index) ? widths[0] : 0),
        outputs: widths[index + 1],
        activation: index == layerCount - 1 ? outputActivation : activation,
        initializer: initializer, dtype: dtype, using: &random)
    }
    self.skips = skips
    self.skipScale = skipScale
  }

  /// The same function with normalised weights in every layer; see ``Linear/gain``.
  public func weightNormalized() -> MultilayerPerceptron {
    var result = self
    result.layers = layers.map { $0.weightNormalized() }
    return result
  }

  /// Where nothing is differentiated, float32 goes through all layers at once and keeps nothing.
  ///
  /// - Parameter x: [..., widths.first].
  /// - Returns: [..., widths.last].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard x.dtype == .float32 && x.rank > 0 && !isRecorded(with: x) else { return layered(x) }
    let leading = Array(x.shape.dropLast())
    let rows = x.reshaped([leading.reduce(1, *), x.shape.last!])
    return fusedValues(at: rows, frequencies: 0).reshaped(leading + [layers.last!.weight.shape[0]])
  }

  /// Layer by layer: what is differentiated, and the twin of the fused evaluation.
  package func layered(_ x: Tensor) -> Tensor {
    var value = x
    for (index, layer) in layers.enumerated() {
      value = linear(
        concatenating: skips.contains(index) ? [x, value] : [value],
        weight: multiplyingWeight(index), bias: layer.bias, activation: layer.activation)
    }
    return value
  }

  /// [outputs, inputs]: the weights of a layer as they multiply its input. The scale of a skip goes
  /// to the weights, which are fewer than the points.
  func multiplyingWeight(_ index: Int) -> Tensor {
    let weight = layers[index].effectiveWeight
    return skips.contains(index) && skipScale != 1 ? weight * skipScale : weight
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> MultilayerPerceptron {
    var result = self
    for index in layers.indices {
      result.layers[index] = try layers[index].mapParameters(under: "layers.\(index)", transform)
    }
    return result
  }

  /// Multiplications and additions of one forward pass over `points` points: two per weight.
  public func forwardOperations(points: Int) -> Double {
    2 * Double(points) * layers.reduce(0) { $0 + Double($1.weight.count) }
  }
}

extension MultilayerPerceptron {
  /// The density trunk of NeRF: 63 inputs (three coordinates with 10 frequencies, see
  /// ``positionalEncoding(_:frequencies:)``), 8 ReLU layers of 256 with the input concatenated to
  /// the fifth layer's activation, and a linear head of one output.
  ///
  /// B. Mildenhall et al., "NeRF: Representing Scenes as Neural Radiance Fields for View
  /// Synthesis", ECCV 2020, figure 7.
  public static func nerfTrunk(seed: UInt64, dtype: DType = .float32) -> MultilayerPerceptron {
    MultilayerPerceptron(
      widths: [63] + [Int](repeating: 256, count: 8) + [1], skips: [5], seed: seed, dtype: dtype)
  }
}
