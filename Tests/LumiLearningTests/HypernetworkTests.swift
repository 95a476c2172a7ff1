import LumiLearning
import LumiTensor
import Testing

/// The implicit function of SDF-SRN: a backbone without affine normalisation and two heads.
private struct ImplicitShape: Parameterized, Sendable {
  var backbone: LayerNormalizedPerceptron
  var distance: Linear
  var color: Linear

  init(width: Int) {
    backbone = LayerNormalizedPerceptron(
      widths: [33, width, width, width, width], skips: [1, 2, 3], affine: false, seed: 1)
    var random = RandomGenerator(seed: 2)
    distance = Linear(inputs: width, outputs: 1, using: &random)
    color = Linear(inputs: width, outputs: 3, activation: .tanh, using: &random)
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ImplicitShape {
    var result = self
    result.backbone = try backbone.mapParameters { try transform("backbone.\($0)", $1) }
    result.distance = try distance.mapParameters { try transform("distance.\($0)", $1) }
    result.color = try color.mapParameters { try transform("color.\($0)", $1) }
    return result
  }
}

@Suite struct HypernetworkTests {
  static let prototype = MultilayerPerceptron(
    widths: [2, 3, 1], activation: .tanh, seed: 3, dtype: .float64)

  static func network(spread: Double = 0.1) -> Hypernetwork<MultilayerPerceptron> {
    Hypernetwork(
      prototype: prototype, codeWidth: 4, hidden: [5], spread: spread, seed: 4, dtype: .float64)
  }

  static func codes(_ count: Int) -> Tensor {
    var random = RandomGenerator(seed: 5)
    return random.normal([count, 4], dtype: .float64)
  }

  @Test func sizesOfSDFSRN() {
    let shape = Hypernetwork(
      prototype: ImplicitShape(width: 128), codeWidth: 8, hidden: [4], seed: 6)
    #expect(shape.layers.map(\.outputs) == [4352, 20736, 20736, 20736, 129, 387])
    #expect(shape.layers.map(\.name).suffix(2) == ["distance", "color"])
    // Latent 512, five hidden layers of 512.
    let outputs = shape.layers.reduce(0) { $0 + $1.outputs }
    #expect(6 * 5 * (512 * 512 + 512) + 513 * outputs == 42_289_668)
    // Latent 256, one hidden layer of 256, backbone of 64.
    let pascal = Hypernetwork(
      prototype: ImplicitShape(width: 64), codeWidth: 256, hidden: [256], seed: 6)
    #expect(pascal.parameters.reduce(0) { $0 + $1.value.count } == 5_856_516)
  }

  @Test func firstRowIsTheBias() {
    let network = Self.network()
    let code = Self.codes(1)
    let target = network(code[0])
    let output = network.generators[0](code).reshaped([3, 3])
    #expect(target.layers[0].bias!.relativeDistance(to: output[0]) == 0)
    #expect(
      target.layers[0].weight.relativeDistance(to: output[1..<3].transposed(1, 0)) == 0)
  }

  @Test func startsNearThePrototype() throws {
    for (path, value) in Self.network(spread: 0)(Self.codes(1)[0]).parameters {
      #expect(try value.relativeDistance(to: Self.prototype.parameter(path)) == 0)
    }
    let wide = MultilayerPerceptron(widths: [20, 30, 10], seed: 8)
    let network = Hypernetwork(
      prototype: wide, codeWidth: 64, hidden: [64, 64], spread: 0.1, seed: 9)
    var random = RandomGenerator(seed: 10)
    let moved = network(random.normal([64]))
    let weight = wide.layers[0].weight
    let distance = (moved.layers[0].weight - weight).square().mean().sqrt().value
    let size = weight.square().mean().sqrt().value
    #expect((0.04...0.25).contains(distance / size))
  }

  @Test func batchesAreManyCodes() {
    let network = Self.network()
    let codes = Self.codes(3)
    var random = RandomGenerator(seed: 11)
    let x = random.normal([3, 6, 2], dtype: .float64)
    let values = network.parameters(for: codes)
    #expect(values["layers.0.weight"]!.shape == [3, 3, 2])
    let hidden = batchedLinear(
      x, weight: values["layers.0.weight"]!, bias: values["layers.0.bias"]!, activation: .tanh)
    let together = batchedLinear(
      hidden, weight: values["layers.1.weight"]!, bias: values["layers.1.bias"]!)
    for (index, target) in network.targets(for: codes).enumerated() {
      #expect(together[index].relativeDistance(to: target(x[index])) < 1e-13)
      #expect(target(x[index]).relativeDistance(to: network(codes[index])(x[index])) < 1e-12)
    }
  }

  @Test func gradientsReachCodeAndGenerators() throws {
    let network = Self.network(spread: 1)
    let names = network.parameters.map(\.path)
    #expect(names.first == "generators.0.layers.0.weight")
    var random = RandomGenerator(seed: 12)
    let x = random.normal([2, 2], dtype: .float64)
    try checkGradients(
      at: [Self.codes(1)[0], x] + network.parameters.map(\.value), names: ["code", "x"] + names
    ) { values in
      let moved = try network.replacing(Dictionary(uniqueKeysWithValues: zip(names, values[2...])))
      return moved(values[0])(values[1])
    }
  }

  /// The eikonal term of a generated function: its derivative by code and generators is a second
  /// derivative.
  @Test func secondDerivativesReachTheCode() throws {
    let network = Self.network(spread: 1)
    var random = RandomGenerator(seed: 13)
    let x = random.normal([3, 2], dtype: .float64)
    try checkGradients(at: [Self.codes(1)[0]]) { values in
      let target = network(values[0])
      return (gradient(at: x) { target($0).sum() }.norm(axis: -1) - 1).square()
    }
  }

  @Test func otherParametersFollowEachOther() {
    let prototype = LayerNormalizedPerceptron(widths: [2, 3], seed: 1, dtype: .float64)
    let network = Hypernetwork(
      prototype: prototype, codeWidth: 4, hidden: [], spread: 0, seed: 2, dtype: .float64)
    #expect(network.layers.map(\.outputs) == [9, 6])
    let target = network(Self.codes(1)[0])
    #expect(target.norms[0].gain!.scalars(as: Double.self) == [1, 1, 1])
    #expect(target.norms[0].bias!.scalars(as: Double.self) == [0, 0, 0])
  }
}
