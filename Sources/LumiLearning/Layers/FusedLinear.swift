import CLumiKernels
import COpenBLAS
import LumiTensor

/// A float32 layer in row blocks that stay in the cache between the product and what surrounds it.
///
/// Blocks depend on the shapes alone. A group of blocks adds up its own weight gradient, and the
/// groups' gradients are added in order, so that no bit depends on the number of threads.
struct FusedLinear {
  private let layer: LinearOperands
  private let rows: Int
  private let inputs: Int
  private let outputs: Int
  /// Column of the weight where each part begins.
  private let offsets: [Int]

  private static let blockRows = 512
  private static let blocksPerGroup = 4
  /// Below this many multiplications a block is not worth a thread of its own (about 200 µs).
  private static let blockWork = 1 << 23

  init(_ layer: LinearOperands) {
    self.layer = layer
    rows = layer.parts[0].shape[0]
    (outputs, inputs) = (layer.weight.shape[0], layer.weight.shape[1])
    var offsets: [Int] = []
    var next = 0
    for part in layer.parts {
      offsets.append(next)
      next += part.shape[1]
    }
    self.offsets = offsets
  }

  /// Rows of one block: fewer than usual where a few rows are a lot of work.
  private var rowsPerBlock: Int {
    let work = max(inputs * outputs, 1)
    let worthwhile = (Self.blockWork + work - 1) / work
    return min(max((worthwhile + 15) / 16 * 16, 64), Self.blockRows)
  }

  private func block(_ index: Int) -> Range<Int> {
    index * rowsPerBlock..<min((index + 1) * rowsPerBlock, rows)
  }

  private var blockCount: Int { (rows + rowsPerBlock - 1) / rowsPerBlock }

  // MARK: Forward

  /// The layer's output, and what its derivative needs: the output, or for an activation whose
  /// derivative needs its input, that.
  func forward(savingForBackward isSaving: Bool) -> (output: Tensor, saved: Tensor) {
    guard isSaving && layer.activation.derivativeNeedsInput else {
      let output = Tensor.build([rows, outputs], Float.self) { out in
        parallelFor(blockCount) { index in
          let block = block(index)
          multiply(block, into: out)
          activate(block, out, bias: layer.bias)
        }
      }
      return (output, output)
    }
    var saved: Tensor?
    let output = Tensor.build([rows, outputs], Float.self) { out in
      saved = Tensor.build([rows, outputs], Float.self) { input in
        parallelFor(blockCount) { index in
          let block = block(index)
          multiply(block, into: input)
          lumi_bias_activation_f32(
            Int32(LUMI_ACTIVATION_NONE), block.count, outputs, layer.bias?.pointer(Float.self), 0,
            input + block.lowerBound * outputs)
          (out + block.lowerBound * outputs).update(
            from: input + block.lowerBound * outputs, count: block.count * outputs)
          activate(block, out, bias: nil)
        }
      }
    }
    return (output, saved!)
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

  private func activate(
    _ block: Range<Int>, _ out: UnsafeMutablePointer<Float>, bias: Tensor?
  ) {
    lumi_bias_activation_f32(
      layer.activation.kernel, block.count, outputs, bias?.pointer(Float.self),
      layer.activation.kernelParameter, out + block.lowerBound * outputs)
  }

  // MARK: Backward

  /// The derivatives of the parts, the weight and the bias that `needs` asks for.
  func backward(_ cotangent: Tensor, saved: Tensor, needs: [Bool]) -> [Tensor?] {
    let groups = (blockCount + Self.blocksPerGroup - 1) / Self.blocksPerGroup
    let parameterNeeds = needs[layer.parts.count...]
    let weightSums =
      parameterNeeds.first! ? GroupSums(groups: groups, shape: [outputs, inputs]) : nil
    let biasSums =
      layer.bias != nil && parameterNeeds.last! ? GroupSums(groups: groups, shape: [outputs]) : nil
    let parts = layer.parts.enumerated().map { index, part in
      needs[index] ? Storage(byteCount: part.count * MemoryLayout<Float>.stride) : nil
    }
    parallelFor(groups) { group in
      let scratch = Storage(byteCount: rowsPerBlock * outputs * MemoryLayout<Float>.stride)
      let delta = scratch.pointer.bindMemory(to: Float.self, capacity: rowsPerBlock * outputs)
      biasSums?[group].update(repeating: 0, count: outputs)
      let first = group * Self.blocksPerGroup
      for index in first..<min(first + Self.blocksPerGroup, blockCount) {
        let block = block(index)
        differentiateActivation(block, cotangent, saved, into: delta)
        if let biasSums { lumi_add_rows_f32(block.count, outputs, delta, outputs, biasSums[group]) }
        if let weightSums {
          addWeightGradient(block, delta, index == first ? 0 : 1, into: weightSums[group])
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
    let count = block.count * outputs
    let arrived = cotangent.pointer(Float.self) + start
    let value = saved.pointer(Float.self) + start
    if case .sine(let omega) = layer.activation {
      lumi_sine_gradient_f32(count, value, arrived, Float(omega), delta)
    } else {
      lumi_activation_gradient_f32(
        layer.activation.kernel, count, value, arrived, layer.activation.kernelParameter, delta)
    }
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

/// One sum of a given shape per group of rows, added up in order at the end.
private struct GroupSums {
  private let groups: Int
  private let shape: [Int]
  private let storage: Storage
  private var count: Int { shape.reduce(1, *) }

  /// Columns added by one thread at a time.
  private static let blockColumns = 1 << 14

  init(groups: Int, shape: [Int]) {
    self.groups = groups
    self.shape = shape
    storage = Storage(byteCount: groups * shape.reduce(1, *) * MemoryLayout<Float>.stride)
  }

  /// The sum of one group, not initialised.
  subscript(group: Int) -> UnsafeMutablePointer<Float> {
    storage.pointer.assumingMemoryBound(to: Float.self) + group * count
  }

  func total() -> Tensor {
    Tensor.build(shape, Float.self) { out in
      out.update(repeating: 0, count: count)
      parallelFor((count + Self.blockColumns - 1) / Self.blockColumns) { block in
        let start = block * Self.blockColumns
        lumi_add_rows_f32(
          groups, min(Self.blockColumns, count - start), self[0] + start, count, out + start)
      }
    }
  }
}
