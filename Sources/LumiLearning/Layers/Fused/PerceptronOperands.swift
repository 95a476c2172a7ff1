import COpenBLAS
import LumiTensor

/// What a fused network works on.
struct PerceptronOperands {
  /// [rows, inputs].
  let x: Tensor
  /// [outputs, inputs] of every layer, as they multiply: with gains and scales.
  let weights: [Tensor]
  /// [outputs].
  let biases: [Tensor?]
  let activations: [Activation]
  /// Layers whose input is [x, previous output].
  let skips: Set<Int>

  /// A share of a layer's input: the network's input or the previous layer's output.
  struct Part {
    let isNetworkInput: Bool
    let width: Int
    /// Of the layer's weight, where the share begins.
    let column: Int
  }

  var rows: Int { x.shape[0] }
  var inputs: Int { x.shape[1] }
  var layerCount: Int { weights.count }
  var outputs: Int { weights.last!.shape[0] }
  /// Multiplications for one row.
  var work: Int { weights.reduce(0) { $0 + $1.count } }

  /// Outputs of a layer.
  func width(_ layer: Int) -> Int { weights[layer].shape[0] }

  func parts(_ layer: Int) -> [Part] {
    if layer == 0 { return [Part(isNetworkInput: true, width: inputs, column: 0)] }
    let previous = width(layer - 1)
    guard skips.contains(layer) else {
      return [Part(isNetworkInput: false, width: previous, column: 0)]
    }
    return [
      Part(isNetworkInput: true, width: inputs, column: 0),
      Part(isNetworkInput: false, width: previous, column: inputs),
    ]
  }

  /// Every tensor in the order of a pullback's results: x, the weights, and the biases there are.
  var tensors: [Tensor] { [x] + weights + biases.compactMap { $0 } }

  /// Stops the program unless every layer takes what the one before gives.
  func requireShapes() {
    for layer in weights.indices {
      let expected = parts(layer).reduce(0) { $0 + $1.width }
      let bias = biases[layer]
      require(
        weights[layer].rank == 2 && weights[layer].shape[1] == expected
          && (bias.map { $0.shape == [width(layer)] } ?? true)
          && tensors.allSatisfy { $0.dtype == .float32 },
        """
        MultilayerPerceptron: layer \(layer) has weight \(weights[layer].shape), bias \
        \(bias.map { "\($0.shape)" } ?? "none"), dtype \(weights[layer].dtype); expected \
        \(expected) inputs, as many biases as outputs, dtype \(x.dtype)
        """)
    }
  }
}

/// The products of a layer for some rows; one for each part, so that no input is concatenated.
extension PerceptronOperands {
  /// out = input·weightᵀ for the first `outputs` outputs of a layer.
  func multiply(
    _ layer: Int, outputs: Int, rows: Int, x: ConstantFloats, hidden: ConstantFloats,
    into out: Floats
  ) {
    let weight = weights[layer].pointer(Float.self)
    let stride = weights[layer].shape[1]
    for (index, part) in parts(layer).enumerated() {
      lumi_sgemm(
        0, 1, rows, outputs, part.width, 1, part.isNetworkInput ? x : hidden, part.width,
        weight + part.column, stride, index == 0 ? 0 : 1, out, outputs)
    }
  }

  /// Pulls `delta` [rows, outputs] back through the first `outputs` rows of a layer's weight: adds
  /// to x's derivative if there is a place for it, and overwrites that of the previous output.
  func multiplyBack(
    _ layer: Int, outputs: Int, rows: Int, delta: ConstantFloats, addingToX x: Floats?,
    hidden: Floats
  ) {
    let weight = weights[layer].pointer(Float.self)
    let stride = weights[layer].shape[1]
    for part in parts(layer) {
      guard let target = part.isNetworkInput ? x : hidden else { continue }
      lumi_sgemm(
        0, 0, rows, part.width, outputs, 1, delta, outputs, weight + part.column, stride,
        part.isNetworkInput ? 1 : 0, target, part.width)
    }
  }

  /// Adds deltaᵀ·input to the first `outputs` rows of the derivative of a layer's weight.
  func addWeightGradient(
    _ layer: Int, outputs: Int, rows: Int, delta: ConstantFloats, x: ConstantFloats,
    hidden: ConstantFloats, to gradient: Floats
  ) {
    let stride = weights[layer].shape[1]
    for part in parts(layer) {
      lumi_sgemm(
        1, 0, outputs, part.width, rows, 1, delta, outputs, part.isNetworkInput ? x : hidden,
        part.width, 1, gradient + part.column, stride)
    }
  }
}

/// An array [rows, width] for every layer.
struct LayerArrays {
  private let storage: Storage
  private let widths: [Int]
  private let offsets: [Int]

  /// Not initialised.
  init(rows: Int, widths: [Int]) {
    self.widths = widths
    var offsets = [0]
    for width in widths { offsets.append(offsets.last! + rows * width) }
    self.offsets = offsets
    storage = Storage(byteCount: offsets.last! * MemoryLayout<Float>.stride)
  }

  /// The memory of a layer from a row on.
  subscript(layer: Int, row: Int) -> Floats {
    storage.pointer.assumingMemoryBound(to: Float.self) + offsets[layer] + row * widths[layer]
  }
}
