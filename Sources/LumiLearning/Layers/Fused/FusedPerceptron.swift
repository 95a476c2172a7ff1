import CLumiKernels
import LumiTensor

/// A float32 network that nobody differentiates: every block of rows goes through all layers while
/// it is in the cache, and nothing is kept.
struct FusedPerceptron {
  let operands: PerceptronOperands
  /// Octaves of ``positionalEncoding(_:frequencies:)`` between what is given and the first layer.
  let frequencies: Int

  /// - Parameter points: [rows, n], of which `frequencies` octaves are the network's input.
  /// - Returns: [rows, outputs].
  func values(at points: Tensor) -> Tensor {
    let rows = points.shape[0]
    let blocks = RowBlocks(rows: rows, work: operands.work)
    return Tensor.build([rows, operands.outputs], Float.self) { out in
      parallelFor(blocks.count) { index in
        let block = blocks[index]
        evaluate(
          block, points.pointer(Float.self) + block.lowerBound * points.shape[1], points.shape[1],
          into: out + block.lowerBound * operands.outputs)
      }
    }
  }

  private func evaluate(
    _ block: Range<Int>, _ points: ConstantFloats, _ coordinates: Int, into out: Floats
  ) {
    let rows = block.count
    let last = operands.layerCount - 1
    let widest = (0..<last).map(operands.width).max() ?? 0
    let encodedWidth = (1 + 2 * frequencies) * coordinates
    let scratch = LayerArrays(rows: rows, widths: [encodedWidth, widest, widest])
    var x = points
    if frequencies > 0 {
      lumi_positional_encoding_f32(rows, coordinates, frequencies, points, scratch[0, 0])
      x = ConstantFloats(scratch[0, 0])
    }
    var hidden = x
    for layer in 0...last {
      let target = layer == last ? out : scratch[1 + layer % 2, 0]
      let width = operands.width(layer)
      operands.multiply(layer, outputs: width, rows: rows, x: x, hidden: hidden, into: target)
      operands.activations[layer].apply(
        rows: rows, columns: width, bias: operands.biases[layer]?.pointer(Float.self), to: target)
      hidden = ConstantFloats(target)
    }
  }
}
