import CLumiKernels
import COpenBLAS
import LumiTensor

/// A float32 layer in row blocks that stay in the cache between the product and what surrounds it.
///
/// A group of blocks adds up its own weight gradient, and the groups' gradients are added in order,
/// so that no bit depends on the number of threads.
struct FusedLinear {
  private let layer: LinearOperands
  private let blocks: RowBlocks
  private let rows: Int
  private let inputs: Int
  private let outputs: Int
  /// Column of the weight where each part begins.
  private let offsets: [Int]

  init(_ layer: LinearOperands) {
    self.layer = layer
    rows = layer.parts[0].shape[0]
    (outputs, inputs) = (layer.weight.shape[0], layer.weight.shape[1])
    blocks = RowBlocks(rows: rows, work: inputs * outputs)
    var offsets: [Int] = []
    var next = 0
    for part in layer.parts {
      offsets.append(next)
      next += part.shape[1]
    }
    self.offsets = offsets
  }

  // MARK: Forward

  /// The layer's output, and what its derivative needs: the output, or for an activation whose
  /// derivative needs its input, that.
  func forward(savingForBackward isSaving: Bool) -> (output: Tensor, saved: Tensor) {
    let keepsInput = isSaving && layer.activation.derivativeNeedsInput
    let input =
      keepsInput ? Storage(byteCount: rows * outputs * MemoryLayout<Float>.stride) : nil
    let output = Tensor.build([rows, outputs], Float.self) { out in
      parallelFor(blocks.count) { index in
        let block = blocks[index]
        let start = block.lowerBound * outputs
        multiply(block, into: out)
        layer.activation.apply(
          rows: block.count, columns: outputs, bias: layer.bias?.pointer(Float.self),
          to: out + start,
          keepingInput: input.map { $0.pointer.assumingMemoryBound(to: Float.self) + start })
      }
    }
    let saved = input.map { Tensor(storage: $0, shape: [rows, outputs], dtype: .float32) }
    return (output, saved ?? output)
  }

  /// One product per part, so that the concatenation of the parts is never made.
  private func multiply(_ block: Range<Int>, into out: UnsafeMutablePointer<Float>) {
    let weight = layer.weight.pointer(Float.self)
    for (index, part) in layer.parts.enumerated() {
      let width = part.shape[1]
      lumi_sgemm(
        0, 1, block.count, outputs, width, 1,
        part.pointer(Float.self) + block.lowerBound * width, width, weight + offsets[index],
        inputs, index == 0 ? 0 : 1, out + block.lowerBound * outputs, outputs)
    }
  }

  // MARK: Backward

  /// The derivatives of the parts, the weight and the bias that `needs` asks for.
  func backward(_ cotangent: Tensor, saved: Tensor, needs: [Bool]) -> [Tensor?] {
    let groups = blocks.groupCount
    let parameterNeeds = needs[layer.parts.count...]
    let weightSums =
      parameterNeeds.first! ? GroupSums(groups: groups, shape: [outputs, inputs]) : nil
    let biasSums =
      layer.bias != nil && parameterNeeds.last! ? GroupSums(groups: groups, shape: [outputs]) : nil
    let parts = layer.parts.enumerated().map { index, part in
      needs[index] ? Storage(byteCount: part.count * MemoryLayout<Float>.stride) : nil
    }
    parallelFor(groups) { group in
      let scratch = Storage(byteCount: blocks.rowsPerBlock * outputs * MemoryLayout<Float>.stride)
      let delta = scratch.pointer.assumingMemoryBound(to: Float.self)
      biasSums?[group].update(repeating: 0, count: outputs)
      let members = blocks.blocks(ofGroup: group)
      for index in members {
        let block = blocks[index]
        differentiateActivation(block, cotangent, saved, into: delta)
        if let biasSums { lumi_add_rows_f32(block.count, outputs, delta, outputs, biasSums[group]) }
        if let weightSums {
          addWeightGradient(block, delta, index == members.first ? 0 : 1, into: weightSums[group])
        }
        for (part, storage) in parts.enumerated() {
          if let storage { multiplyBack(block, delta, part: part, into: storage) }
        }
      }
    }
    let derivatives = zip(layer.parts, parts).map { part, storage in
      storage.map { Tensor(storage: $0, shape: part.shape, dtype: .float32) }
    }
    return derivatives + [weightSums?.total()] + (layer.bias == nil ? [] : [biasSums?.total()])
  }

  /// delta = cotangent ⊙ activation'.
  private func differentiateActivation(
    _ block: Range<Int>, _ cotangent: Tensor, _ saved: Tensor,
    into delta: UnsafeMutablePointer<Float>
  ) {
    let start = block.lowerBound * outputs
    layer.activation.multiplyBySlope(
      block.count * outputs, saved: saved.pointer(Float.self) + start,
      cotangent: cotangent.pointer(Float.self) + start, into: delta)
  }

  private func addWeightGradient(
    _ block: Range<Int>, _ delta: UnsafeMutablePointer<Float>, _ keep: Float,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    for (index, part) in layer.parts.enumerated() {
      let width = part.shape[1]
      lumi_sgemm(
        1, 0, outputs, width, block.count, 1, delta, outputs,
        part.pointer(Float.self) + block.lowerBound * width, width, keep,
        gradient + offsets[index], inputs)
    }
  }

  private func multiplyBack(
    _ block: Range<Int>, _ delta: UnsafeMutablePointer<Float>, part: Int, into storage: Storage
  ) {
    let width = layer.parts[part].shape[1]
    let gradient = storage.pointer.assumingMemoryBound(to: Float.self)
    lumi_sgemm(
      0, 0, block.count, width, outputs, 1, delta, outputs,
      layer.weight.pointer(Float.self) + offsets[part], inputs, 0,
      gradient + block.lowerBound * width, width)
  }
}
