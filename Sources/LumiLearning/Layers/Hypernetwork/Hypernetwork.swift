// Hypernetworks: networks whose outputs are another network's parameters, so that one code stands
// for one function.
//
// D. Ha, A. Dai, Q. Le, "HyperNetworks", ICLR 2017; one perceptron per generated layer as in
// V. Sitzmann, M. Zollhöfer, G. Wetzstein, "Scene Representation Networks", NeurIPS 2019, and
// C.-H. Lin, C. Wang, S. Lucey, "SDF-SRN", NeurIPS 2020.
import LumiTensor

/// Perceptrons that turn a code into the parameters of a `Target`, one for each of its layers.
///
/// A layer is what shares a path up to the last dot. Its perceptron's output is, for a weight
/// [out, in] with a bias [out], a matrix [in + 1, out] whose row 0 is the bias and whose other rows
/// are the transposed weight; for anything else its parameters one after the other.
///
/// At the start the last layers' biases are the prototype's parameters, and their weights are small:
/// every code gives nearly the prototype, with its geometric, sinusoidal or other initialisation.
///
/// Parameters: "generators.0.layers.0.weight", …, in the order of the target's layers.
public struct Hypernetwork<Target: Parameterized & Sendable>: Parameterized, Sendable {
  /// What is generated: everything but the values of parameters is taken from it.
  public let prototype: Target
  /// The generated layers, in order.
  public let layers: [GeneratedLayer]
  /// A perceptron for each layer.
  public var generators: [MultilayerPerceptron]

  /// - Parameters:
  ///   - prototype: a target with the values that generated parameters start near.
  ///   - codeWidth: extent of the codes.
  ///   - hidden: widths of each perceptron's hidden layers.
  ///   - spread: how far a code of unit numbers moves a layer's parameters at the start, in units of
  ///     their root mean square; roughly.
  ///   - seed: of the weights.
  ///   - dtype: the type of the perceptrons' parameters, which is that of the target's.
  public init(
    prototype: Target, codeWidth: Int, hidden: [Int], spread: Double = 0.1, seed: UInt64,
    dtype: DType = .float32
  ) {
    self.prototype = prototype
    let parameters = prototype.parameters
    layers = GeneratedLayer.layers(of: parameters)
    require(
      !layers.isEmpty && codeWidth > 0 && spread >= 0,
      "Hypernetwork: \(layers.count) layers, codes of \(codeWidth), spread \(spread)")
    let values = Dictionary(uniqueKeysWithValues: parameters.map { ($0.path, $0.value) })
    generators = layers.enumerated().map { index, layer in
      var generator = MultilayerPerceptron(
        widths: [codeWidth] + hidden + [layer.outputs], initializer: .kaimingNormal(),
        seed: seed &+ UInt64(index), dtype: dtype)
      let start = layer.packed(values).cast(to: dtype)
      let last = generator.layers.count - 1
      let size = start.square().mean().sqrt().value / 2.0.squareRoot()
      generator.layers[last].weight *= Tensor(spread * size, dtype: dtype)
      generator.layers[last].bias = start
      return generator
    }
  }

  /// The target of one code [codeWidth].
  public func callAsFunction(_ code: Tensor) -> Target {
    require(code.rank == 1, "Hypernetwork: a code \(code.shape), expected one axis")
    return targets(for: code.expandingDims(at: 0))[0]
  }

  /// The targets of codes [batch, codeWidth]; the perceptrons run once.
  public func targets(for codes: Tensor) -> [Target] {
    let values = parameters(for: codes)
    return (0..<codes.shape[0]).map { index in
      prototype.mapParameters { path, _ in values[path]![index] }
    }
  }

  /// The targets' parameters for codes [batch, codeWidth]: each [batch] + its shape, by path. See
  /// ``batchedLinear(_:weight:bias:activation:)``.
  public func parameters(for codes: Tensor) -> [String: Tensor] {
    require(
      codes.rank == 2 && codes.shape[1] == generators[0].layers[0].weight.shape[1],
      "Hypernetwork: codes \(codes.shape), expected [batch, code width]")
    var result: [String: Tensor] = [:]
    for (layer, generator) in zip(layers, generators) {
      result.merge(layer.unpacked(generator(codes))) { first, _ in first }
    }
    return result
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Hypernetwork {
    var result = self
    for index in generators.indices {
      result.generators[index] = try generators[index]
        .mapParameters(under: "generators.\(index)", transform)
    }
    return result
  }
}

/// The parameters that one perceptron of a hypernetwork generates.
public struct GeneratedLayer: Sendable, Hashable {
  /// What the parameters' paths share, such as "layers.0".
  public let name: String
  /// Paths and shapes in the target's order.
  public let paths: [String]
  public let shapes: [[Int]]

  /// Numbers to generate.
  public var outputs: Int { shapes.reduce(0) { $0 + $1.reduce(1, *) } }

  /// Positions of a weight [out, in] and its bias [out], if that is all.
  private var affine: (weight: Int, bias: Int)? {
    guard paths.count == 2, let weight = shapes.firstIndex(where: { $0.count == 2 }),
      shapes[1 - weight] == [shapes[weight][0]], paths[weight].hasSuffix("weight"),
      paths[1 - weight].hasSuffix("bias")
    else { return nil }
    return (weight, 1 - weight)
  }

  /// The parameters in groups that share their paths up to the last dot.
  static func layers(of parameters: [(path: String, value: Tensor)]) -> [GeneratedLayer] {
    var order: [String] = []
    var members: [String: [(path: String, shape: [Int])]] = [:]
    for (path, value) in parameters {
      let name = path.lastIndex(of: ".").map { String(path[..<$0]) } ?? ""
      if members[name] == nil { order.append(name) }
      members[name, default: []].append((path, value.shape))
    }
    return order.map { name in
      GeneratedLayer(
        name: name, paths: members[name]!.map(\.path), shapes: members[name]!.map(\.shape))
    }
  }

  /// Parameters as a perceptron's output [outputs].
  func packed(_ values: [String: Tensor]) -> Tensor {
    let parts = paths.map { values[$0]!.stoppingGradient() }
    guard let (weight, bias) = affine else {
      return Tensor.concatenate(parts.map { $0.flattened() })
    }
    return Tensor.concatenate([parts[bias], parts[weight].transposed(1, 0).flattened()])
  }

  /// A perceptron's outputs [batch, outputs] as parameters [batch] + shape.
  func unpacked(_ output: Tensor) -> [String: Tensor] {
    let batch = output.shape[0]
    if let (weight, bias) = affine {
      let (rows, columns) = (shapes[weight][1], shapes[weight][0])
      let matrix = output.reshaped([batch, rows + 1, columns])
      return [
        paths[bias]: matrix[.all, 0], paths[weight]: matrix[.all, 1..<rows + 1].swappedAxes(1, 2),
      ]
    }
    let parts = output.split(sizes: shapes.map { $0.reduce(1, *) }, axis: 1)
    return Dictionary(
      uniqueKeysWithValues: zip(paths, zip(parts, shapes)).map {
        ($0, $1.0.reshaped([batch] + $1.1))
      })
  }
}

/// activation(x weightᵀ + bias) with a weight for every element of a batch.
///
/// - Parameters:
///   - x: [batch, rows, inputs].
///   - weight: [batch, outputs, inputs].
///   - bias: [batch, outputs], or nil for none.
///   - activation: applied to each output.
/// - Returns: [batch, rows, outputs].
public func batchedLinear(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, activation: Activation = .none
) -> Tensor {
  require(
    x.rank == 3 && weight.rank == 3 && x.shape[0] == weight.shape[0]
      && x.shape[2] == weight.shape[2]
      && (bias.map { $0.shape == Array(weight.shape.prefix(2)) } ?? true),
    """
    batchedLinear: x \(x.shape), weight \(weight.shape), bias \
    \(bias.map { "\($0.shape)" } ?? "none"); expected [b, n, k], [b, m, k], [b, m]
    """)
  let product = x.matmul(weight, transposingRight: true)
  return activation(bias.map { product + $0.expandingDims(at: 1) } ?? product)
}
