// A chain of linear layer, layer normalisation and ReLU: the field and the pixel network of Scene
// Representation Networks, and the backbone that SDF-SRN generates.
//
// V. Sitzmann, M. Zollhöfer, G. Wetzstein, "Scene Representation Networks: Continuous
// 3D-Structure-Aware Neural Scene Representations", NeurIPS 2019.
// C.-H. Lin, C. Wang, S. Lucey, "SDF-SRN: Learning Signed Distance 3D Object Reconstruction from
// Static Images", NeurIPS 2020.
import LumiTensor

/// Layers of relu(normalise(linear(x))), the input optionally concatenated behind the previous
/// output further on, and optionally a plain linear layer at the end.
///
/// Parameters: "layers.i.weight", "layers.i.bias", "norms.i.gain", "norms.i.bias" (if affine),
/// "head.weight", "head.bias" (if there is one).
public struct LayerNormalizedPerceptron: Module {
  public var layers: [Linear]
  public var norms: [LayerNormalization]
  public var head: Linear?
  /// Positions in ``layers`` of the layers whose input is [previous output, network input].
  public let skips: Set<Int>

  /// - Parameters:
  ///   - widths: extents of the input and of every normalised layer.
  ///   - outputs: extent of a plain linear layer at the end; nil for none.
  ///   - skips: layers that see the network's input behind the previous output; not layer 0.
  ///   - affine: whether the normalisations have a gain and a bias.
  ///   - initializer: how the weights begin; biases start at 0.
  ///   - seed: of the weights.
  ///   - dtype: the type of the tensors.
  public init(
    widths: [Int], outputs: Int? = nil, skips: Set<Int> = [], affine: Bool = true,
    initializer: Initializer = .kaimingNormal(), seed: UInt64, dtype: DType = .float32
  ) {
    let count = widths.count - 1
    require(
      count >= 1 && widths.allSatisfy { $0 > 0 } && outputs ?? 1 > 0,
      "LayerNormalizedPerceptron: widths \(widths), outputs \(outputs ?? 0), expected all above 0")
    require(
      skips.allSatisfy { (1..<max(count, 1)).contains($0) },
      "LayerNormalizedPerceptron: skips \(skips.sorted()), expected layers 1..<\(count)")
    var random = RandomGenerator(seed: seed)
    layers = (0..<count).map { index in
      Linear(
        inputs: widths[index] + (skips.contains(index) ? widths[0] : 0),
        outputs: widths[index + 1], initializer: initializer, dtype: dtype, using: &random)
    }
    norms = widths.dropFirst().map {
      LayerNormalization(features: $0, affine: affine, activation: .relu, dtype: dtype)
    }
    head = outputs.map {
      Linear(
        inputs: widths[count], outputs: $0, initializer: initializer, dtype: dtype, using: &random)
    }
    self.skips = skips
  }

  /// - Parameter x: [..., widths.first].
  /// - Returns: [..., outputs], or [..., widths.last] without a plain layer at the end.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    var value = x
    for (index, layer) in layers.enumerated() {
      let parts = skips.contains(index) ? [value, x] : [value]
      value = norms[index](
        linear(concatenating: parts, weight: layer.effectiveWeight, bias: layer.bias))
    }
    return head.map { $0(value) } ?? value
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> LayerNormalizedPerceptron {
    var result = self
    for index in layers.indices {
      result.layers[index] = try layers[index].mapParameters(under: "layers.\(index)", transform)
      result.norms[index] = try norms[index].mapParameters(under: "norms.\(index)", transform)
    }
    result.head = try head?.mapParameters(under: "head", transform)
    return result
  }
}
