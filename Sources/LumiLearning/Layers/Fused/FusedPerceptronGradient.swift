import CLumiKernels
import LumiTensor

/// A float32 network with the derivative of its first output by its input, as one operation.
///
/// Forward, a block of rows runs through the layers and back again: u = g ⊙ f'(z), and g of the
/// layer before is u·W, from g = 1 for the first output on. FusedPerceptronGradient+Backward.swift
/// differentiates both ways by hand, once; there is no second derivative.
struct FusedPerceptronGradient {
  let operands: PerceptronOperands
  let blocks: RowBlocks

  /// What the derivative needs of the forward pass; the block's own unless it is saved.
  struct Record {
    /// Outputs of the layers but the last.
    let hidden: LayerArrays
    /// The inputs of activations whose derivative needs them.
    let inputs: LayerArrays
    /// g: the derivatives of the first output by `hidden`.
    let slopes: LayerArrays

    init(_ operands: PerceptronOperands, rows: Int) {
      let widths = (0..<operands.layerCount).map(operands.width)
      hidden = LayerArrays(rows: rows, widths: widths.dropLast())
      slopes = LayerArrays(rows: rows, widths: widths.dropLast())
      inputs = LayerArrays(
        rows: rows,
        widths: zip(widths, operands.activations).map { $1.derivativeNeedsInput ? $0 : 0 })
    }
  }

  init(_ operands: PerceptronOperands) {
    self.operands = operands
    // Half as many rows as for values: twice the arrays are at work at once.
    blocks = RowBlocks(rows: operands.rows, work: 2 * operands.work, mostRows: 256)
  }

  var last: Int { operands.layerCount - 1 }
  var widest: Int { (0...last).map(operands.width).max()! }

  /// Outputs of a layer that the first output of the network depends on.
  func slopeWidth(_ layer: Int) -> Int { layer == last ? 1 : operands.width(layer) }

  // MARK: Forward

  /// - Returns: [rows, outputs], [rows, inputs], and if it is to be differentiated what that needs.
  func forward(savingForBackward isSaving: Bool) -> (
    outputs: Tensor, gradient: Tensor, record: Record?
  ) {
    let record = isSaving ? Record(operands, rows: operands.rows) : nil
    let gradient = Storage(byteCount: operands.x.count * MemoryLayout<Float>.stride)
    let outputs = Tensor.build([operands.rows, operands.outputs], Float.self) { out in
      parallelFor(blocks.count) { index in
        let block = blocks[index]
        let pass = Pass(
          self, block, record: record ?? Record(operands, rows: block.count),
          firstRow: isSaving ? block.lowerBound : 0,
          outputs: out + block.lowerBound * operands.outputs)
        evaluate(pass)
        differentiate(
          pass,
          into: gradient.pointer.assumingMemoryBound(to: Float.self) + block.lowerBound
            * operands.inputs)
      }
    }
    return (outputs, Tensor(storage: gradient, shape: operands.x.shape, dtype: .float32), record)
  }

  /// The rows of one block and where their arrays are.
  struct Pass {
    let rows: Int
    let x: ConstantFloats
    let outputs: Floats
    private let record: Record
    private let firstRow: Int
    private let last: Int
    private let needsInput: [Bool]

    init(
      _ network: FusedPerceptronGradient, _ block: Range<Int>, record: Record, firstRow: Int,
      outputs: Floats
    ) {
      rows = block.count
      x = network.operands.x.pointer(Float.self) + block.lowerBound * network.operands.inputs
      self.outputs = outputs
      self.record = record
      self.firstRow = firstRow
      last = network.last
      needsInput = network.operands.activations.map(\.derivativeNeedsInput)
    }

    /// The output of a layer.
    func output(_ layer: Int) -> Floats {
      layer == last ? outputs : record.hidden[layer, firstRow]
    }

    /// What enters a layer beside the network's input.
    func hidden(before layer: Int) -> Floats { output(max(layer - 1, 0)) }

    /// The input of an activation, if that is kept.
    func input(_ layer: Int) -> Floats? {
      needsInput[layer] ? record.inputs[layer, firstRow] : nil
    }

    /// What an activation's derivative is made of.
    func saved(_ layer: Int) -> ConstantFloats { ConstantFloats(input(layer) ?? output(layer)) }

    /// g of a hidden layer.
    func slopes(_ layer: Int) -> Floats { record.slopes[layer, firstRow] }

    /// Copies what ``saved(_:)`` gives for the network's first output.
    func copySavedOfFirst(columns: Int, to target: Floats) {
      let saved = saved(last)
      for row in 0..<rows { target[row] = saved[row * columns] }
    }
  }

  private func evaluate(_ pass: Pass) {
    for layer in 0...last {
      let width = operands.width(layer)
      operands.multiply(
        layer, outputs: width, rows: pass.rows, x: pass.x,
        hidden: ConstantFloats(pass.hidden(before: layer)), into: pass.output(layer))
      operands.activations[layer].apply(
        rows: pass.rows, columns: width, bias: operands.biases[layer]?.pointer(Float.self),
        to: pass.output(layer), keepingInput: pass.input(layer))
    }
  }

  private func differentiate(_ pass: Pass, into gradient: Floats) {
    let scratch = LayerArrays(rows: pass.rows, widths: [widest, 1, 1])
    let (u, first, ones) = (scratch[0, 0], scratch[1, 0], scratch[2, 0])
    pass.copySavedOfFirst(columns: operands.outputs, to: first)
    ones.update(repeating: 1, count: pass.rows)
    operands.activations[last].multiplyBySlope(pass.rows, saved: first, cotangent: ones, into: u)
    gradient.update(repeating: 0, count: pass.rows * operands.inputs)
    for layer in stride(from: last, through: 0, by: -1) {
      operands.multiplyBack(
        layer, outputs: slopeWidth(layer), rows: pass.rows, delta: u, addingToX: gradient,
        hidden: layer > 0 ? pass.slopes(layer - 1) : gradient)
      if layer > 0 {
        operands.activations[layer - 1].multiplyBySlope(
          pass.rows * operands.width(layer - 1), saved: pass.saved(layer - 1),
          cotangent: pass.slopes(layer - 1), into: u)
      }
    }
  }
}
