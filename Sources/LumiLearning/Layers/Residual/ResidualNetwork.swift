// Residual networks of basic blocks, such as ResNet-18: an image becomes one vector.
//
// No bottleneck blocks (ResNet-50 and above).
//
// K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
import LumiTensor

/// A 7×7 convolution of stride 2, a 3×3 maximum of stride 2, four stages of basic blocks of which
/// all but the first halve the sides, the mean over places and a linear layer.
///
/// Images are [batch, height, width, channels]; what their numbers mean (0 to 1, -1 to 1, ImageNet's
/// normalisation) is the caller's choice. Any size from 1×1 on works.
///
/// Weights under the names of well-known collections are taken over by ``adopting(published:includesFinalLayer:)``.
public struct ResidualNetwork: TrainingModule {
  public var conv1: Convolution
  public var bn1: BatchNormalization
  /// Stage by stage; parameters are called "layer1.0.…" and so on.
  public var stages: [[ResidualConvolutionBlock]]
  /// The final layer: parameters "fc.weight", "fc.bias".
  public var fc: Linear

  /// - Parameters:
  ///   - blocks: basic blocks of every stage.
  ///   - channels: of the images.
  ///   - baseChannels: of the first stage; every further one has twice as many.
  ///   - outputs: extent of the final layer.
  ///   - seed: of the weights.
  ///   - dtype: the type of the tensors.
  public init(
    blocks: [Int], channels: Int = 3, baseChannels: Int = 64, outputs: Int, seed: UInt64,
    dtype: DType = .float32
  ) {
    require(
      !blocks.isEmpty && blocks.allSatisfy { $0 > 0 } && channels > 0 && baseChannels > 0
        && outputs > 0,
      """
      ResidualNetwork: blocks \(blocks), \(channels) channels, \(baseChannels) in the first stage, \
      \(outputs) outputs; expected at least 1 of each
      """)
    var random = RandomGenerator(seed: seed)
    conv1 = .residual(channels, baseChannels, kernel: 7, stride: 2, dtype, &random)
    bn1 = BatchNormalization(channels: baseChannels, dtype: dtype)
    stages = []
    var width = baseChannels
    for (stage, count) in blocks.enumerated() {
      let outputs = baseChannels << stage
      stages.append(
        (0..<count).map { index in
          defer { width = outputs }
          return ResidualConvolutionBlock(
            channels: width, outputs: outputs, stride: index == 0 && stage > 0 ? 2 : 1,
            dtype: dtype, using: &random)
        })
    }
    fc = Linear(
      inputs: width, outputs: outputs, initializer: .kaimingUniform(gain: 1 / 3.0.squareRoot()),
      dtype: dtype, using: &random)
  }

  /// ResNet-18: 11,689,512 parameters with three channels and 1000 outputs.
  public static func resNet18(
    channels: Int = 3, outputs: Int, seed: UInt64, dtype: DType = .float32
  ) -> ResidualNetwork {
    ResidualNetwork(
      blocks: [2, 2, 2, 2], channels: channels, outputs: outputs, seed: seed, dtype: dtype)
  }

  /// - Parameter x: [batch, height, width, channels].
  /// - Returns: [batch, outputs].
  public func callAsFunction(_ x: Tensor) -> Tensor { forward(x, inTraining: false).output }

  public func training(on x: Tensor) -> (output: Tensor, updated: ResidualNetwork) {
    forward(x, inTraining: true)
  }

  private func forward(
    _ x: Tensor, inTraining: Bool
  ) -> (output: Tensor, updated: ResidualNetwork) {
    var updated = self
    let stem = updated.bn1.run(conv1(x), inTraining: inTraining).relu()
    var value = maximumPooling(stem, kernel: 3, stride: 2, padding: 1)
    for stage in stages.indices {
      for index in stages[stage].indices {
        if inTraining {
          (value, updated.stages[stage][index]) = stages[stage][index].training(on: value)
        } else {
          value = stages[stage][index](value)
        }
      }
    }
    return (fc(globalAveragePooling(value)), updated)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ResidualNetwork {
    var result = self
    result.conv1 = try conv1.mapParameters(under: "conv1", transform)
    result.bn1 = try bn1.mapParameters(under: "bn1", transform)
    for stage in stages.indices {
      for index in stages[stage].indices {
        result.stages[stage][index] = try stages[stage][index]
          .mapParameters(under: "layer\(stage + 1).\(index)", transform)
      }
    }
    result.fc = try fc.mapParameters(under: "fc", transform)
    return result
  }

  public func mapBuffers(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ResidualNetwork {
    var result = self
    result.bn1 = try bn1.mapBuffers(under: "bn1", transform)
    for stage in stages.indices {
      for index in stages[stage].indices {
        result.stages[stage][index] = try stages[stage][index]
          .mapBuffers(under: "layer\(stage + 1).\(index)", transform)
      }
    }
    return result
  }
}

// MARK: - Published weights

extension ResidualNetwork {
  /// The network with weights named and laid out as in the well-known collections (torchvision).
  ///
  /// | there | here |
  /// |---|---|
  /// | `conv1.weight`, `layer1.0.conv2.weight`, …: [O, C, h, w] | the same name, [O, h, w, C] |
  /// | `….downsample.0.weight`: [O, C, 1, 1] | `….downsample.conv.weight`, [O, 1, 1, C] |
  /// | `….bn1.weight`, `….downsample.1.weight` | `….bn1.gain`, `….downsample.bn.gain` |
  /// | `….bn1.bias` | the same name |
  /// | `….bn1.running_mean`, `….running_var` | `….bn1.runningMean`, `….runningVariance` |
  /// | `….num_batches_tracked` | nothing |
  /// | `fc.weight`, `fc.bias` | the same name |
  ///
  /// - Parameters:
  ///   - published: tensors by their names there; what this network has no place for is ignored.
  ///   - includesFinalLayer: whether "fc" is taken over too; not where outputs differ in number.
  /// - Throws: `ParameterError` for a tensor that is missing or has another shape, by its name
  ///   there.
  public func adopting(
    published: [String: Tensor], includesFinalLayer: Bool = false
  ) throws -> ResidualNetwork {
    var values: [String: Tensor] = [:]
    for (path, own) in parameters + buffers
    where includesFinalLayer || !path.hasPrefix("fc.") {
      let name = Self.publishedName(path)
      guard let found = published[name] else {
        throw ParameterError.unknown(name, known: published.keys.sorted())
      }
      let expected = own.rank == 4 ? [0, 3, 1, 2].map { own.shape[$0] } : own.shape
      guard found.shape == expected else {
        throw ParameterError.shape(name, expected: expected, actual: found.shape)
      }
      values[path] = (own.rank == 4 ? found.transposed(0, 2, 3, 1) : found).cast(to: own.dtype)
    }
    return try restoring(values)
  }

  /// A parameter's or buffer's name in the well-known collections; see ``adopting(published:includesFinalLayer:)``.
  public static func publishedName(_ path: String) -> String {
    let renamed = [
      "gain": "weight", "runningMean": "running_mean", "runningVariance": "running_var",
    ]
    var parts = path.split(separator: ".").map(String.init)
    if let last = parts.last { parts[parts.count - 1] = renamed[last] ?? last }
    if let at = parts.firstIndex(of: "downsample") {
      parts[at + 1] = parts[at + 1] == "conv" ? "0" : "1"
    }
    return parts.joined(separator: ".")
  }
}
