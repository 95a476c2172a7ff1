import LumiLearning
import LumiTensor

/// The network of DVR: residual blocks of fully connected layers, each of which is told a latent code.
///
/// h = point(p); for every block h += code(c), then `LinearResidualBlock`; the outputs
/// are output(relu(h)): the logit of occupancy and three logits of colour. As a
/// ``NeuralField``'s trunk it goes with a sigmoid as the head of the features.
///
/// Parameters are named "point.weight", "latent", "codes.0.weight", "blocks.0.first.weight",
/// "blocks.0.second.weight", "output.weight" and so on.
///
/// M. Niemeyer, L. Mescheder, M. Oechsle, A. Geiger, "Differentiable Volumetric Rendering", CVPR 2020.
public struct ResidualDecoder: Module {
  /// From points to the width of the blocks.
  public var point: Linear
  /// [C]; nil for a network of one shape.
  public var latent: Tensor?
  /// From the code to the width, one per block; none without a code.
  public var codes: [Linear]
  public var blocks: [LinearResidualBlock]
  public var output: Linear

  /// - Parameters:
  ///   - point: from points to the width of the blocks.
  ///   - latent: [C], the code of the shape; nil if there is none.
  ///   - codes: from the code to the width, one per block; empty if there is none.
  ///   - blocks: of equal width.
  ///   - output: from the width to the outputs.
  public init(
    point: Linear, latent: Tensor? = nil, codes: [Linear] = [], blocks: [LinearResidualBlock],
    output: Linear
  ) {
    require(
      codes.count == (latent == nil ? 0 : blocks.count),
      "ResidualDecoder: \(codes.count) layers for codes, \(blocks.count) blocks, "
        + (latent == nil ? "no code" : "a code"))
    self.point = point
    self.latent = latent
    self.codes = codes
    self.blocks = blocks
    self.output = output
  }

  /// A network to be trained: every block adds nothing at first.
  ///
  /// - Parameters:
  ///   - inputs: 3, or what an encoding makes of points.
  ///   - width: of the blocks; published 512, or 256.
  ///   - depth: how many blocks; published 5.
  ///   - outputs: published 4.
  ///   - codeSize: C; 0 for no code. It begins with zeros.
  ///   - seed: of the weights.
  ///   - dtype: the type of the tensors.
  public init(
    inputs: Int = 3, width: Int = 512, depth: Int = 5, outputs: Int = 4, codeSize: Int = 0,
    seed: UInt64, dtype: DType = .float32
  ) {
    require(
      inputs > 0 && width > 0 && depth >= 0 && outputs > 0 && codeSize >= 0,
      "ResidualDecoder: \(inputs) inputs, width \(width), depth \(depth), \(outputs) outputs")
    var random = RandomGenerator(seed: seed)
    func layer(_ inputs: Int, _ outputs: Int) -> Linear {
      Linear(
        inputs: inputs, outputs: outputs, initializer: .kaimingUniform(), dtype: dtype,
        using: &random)
    }
    self.init(
      point: layer(inputs, width),
      latent: codeSize == 0 ? nil : .zeros([codeSize], dtype: dtype),
      codes: codeSize == 0 ? [] : (0..<depth).map { _ in layer(codeSize, width) },
      blocks: (0..<depth).map { _ in
        LinearResidualBlock(inputs: width, dtype: dtype, using: &random)
      },
      output: layer(width, outputs))
  }

  /// - Parameter x: [N, inputs].
  /// - Returns: [N, outputs].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    var value = point(x)
    for (index, block) in blocks.enumerated() {
      if let latent { value = value + codes[index](latent.expandingDims(at: 0)) }
      value = block(value)
    }
    return output(value.relu())
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ResidualDecoder {
    var result = self
    result.point = try point.mapParameters(under: "point", transform)
    result.latent = try latent.map { try transform("latent", $0) }
    for index in codes.indices {
      result.codes[index] = try codes[index].mapParameters(under: "codes.\(index)", transform)
    }
    for index in blocks.indices {
      result.blocks[index] = try blocks[index].mapParameters(under: "blocks.\(index)", transform)
    }
    result.output = try output.mapParameters(under: "output", transform)
    return result
  }
}
