import CLumiKernels
import LumiTensor

/// The derivative of values and spatial gradients together.
///
/// First upwards through what the gradient was made by, from G's cotangent at the input: the
/// cotangent of u is that of g·W times Wᵀ, and u = g ⊙ f'(z) hands it on to g of the next layer and
/// to z. Then downwards through the layers as ever, with what z has got already.
extension FusedPerceptronGradient {
  /// Where derivatives are added up; nil where nobody asks.
  private struct Sums {
    let weights: [GroupSums?]
    let biases: [GroupSums?]
    let x: Storage?

    init(_ operands: PerceptronOperands, groups: Int, needs: [Bool]) {
      var next = 1 + operands.layerCount
      weights = operands.weights.enumerated().map { layer, weight in
        needs[1 + layer] ? GroupSums(groups: groups, shape: weight.shape) : nil
      }
      var biases: [GroupSums?] = []
      for bias in operands.biases {
        guard let bias else {
          biases.append(nil)
          continue
        }
        biases.append(needs[next] ? GroupSums(groups: groups, shape: bias.shape) : nil)
        next += 1
      }
      self.biases = biases
      x =
        needs[0] ? Storage(byteCount: operands.x.count * MemoryLayout<Float>.stride) : nil
    }

    func clear(_ group: Int) {
      for sums in weights + biases {
        if let sums { sums[group].update(repeating: 0, count: sums.count) }
      }
    }
  }

  /// What a thread works in.
  private struct Scratch {
    /// z's cotangents of every layer.
    let z: LayerArrays
    private let others: LayerArrays

    init(_ network: FusedPerceptronGradient) {
      let rows = network.blocks.rowsPerBlock
      z = LayerArrays(rows: rows, widths: (0...network.last).map(network.operands.width))
      others = LayerArrays(
        rows: rows, widths: [network.widest, network.widest, network.widest, 1, 1, 1])
    }

    /// Takes turns between two.
    func cotangent(_ layer: Int) -> Floats { others[layer % 2, 0] }
    var u: Floats { others[2, 0] }
    /// The column of the network's first output: what is saved of it, ones, z's cotangent.
    var saved: Floats { others[3, 0] }
    var ones: Floats { others[4, 0] }
    var zOfFirst: Floats { others[5, 0] }
  }

  /// - Parameters:
  ///   - outputs: what ``forward(savingForBackward:)`` gave.
  ///   - record: of the same call.
  ///   - outputCotangent: [rows, outputs]; nil counts as zeros.
  ///   - gradientCotangent: [rows, inputs]; nil counts as zeros.
  ///   - needs: whose derivatives are wanted, in the order of ``PerceptronOperands/tensors``.
  func backward(
    outputs: Tensor, record: Record, outputCotangent: Tensor?, gradientCotangent: Tensor?,
    needs: [Bool]
  ) -> [Tensor?] {
    let sums = Sums(operands, groups: blocks.groupCount, needs: needs)
    let values = Floats(mutating: outputs.pointer(Float.self))
    parallelFor(blocks.groupCount) { group in
      let scratch = Scratch(self)
      sums.clear(group)
      for index in blocks.blocks(ofGroup: group) {
        let start = blocks[index].lowerBound
        let pass = Pass(
          self, blocks[index], record: record, firstRow: start,
          outputs: values + start * operands.outputs)
        let slopes = gradientCotangent.map { $0.pointer(Float.self) + start * operands.inputs }
        differentiateGradient(pass, slopes, scratch, sums, group)
        let arriving = outputCotangent.map { $0.pointer(Float.self) + start * operands.outputs }
        let x = sums.x.map {
          $0.pointer.assumingMemoryBound(to: Float.self) + start * operands.inputs
        }
        differentiateValues(pass, arriving, scratch, sums, group, x: x)
      }
    }
    let x = sums.x.map { Tensor(storage: $0, shape: operands.x.shape, dtype: .float32) }
    let biases = zip(operands.biases, sums.biases).filter { $0.0 != nil }.map { $0.1?.total() }
    return [x] + sums.weights.map { $0?.total() } + biases
  }

  /// Upwards: fills z's cotangents, and adds to weights what the gradient owes them.
  private func differentiateGradient(
    _ pass: Pass, _ arriving: ConstantFloats?, _ scratch: Scratch, _ sums: Sums, _ group: Int
  ) {
    guard let arriving else {
      for layer in 0...last {
        scratch.z[layer, 0].update(repeating: 0, count: pass.rows * operands.width(layer))
      }
      return
    }
    for layer in 0...last {
      let before = ConstantFloats(scratch.cotangent(layer + 1))
      let width = slopeWidth(layer)
      operands.multiply(
        layer, outputs: width, rows: pass.rows, x: arriving, hidden: before,
        into: scratch.cotangent(layer))
      pullBackSlopes(layer, pass, scratch)
      if let weight = sums.weights[layer] {
        operands.addWeightGradient(
          layer, outputs: width, rows: pass.rows, delta: ConstantFloats(scratch.u), x: arriving,
          hidden: before, to: weight[group])
      }
    }
  }

  /// From u's cotangent to g's, in place, and to z's.
  private func pullBackSlopes(_ layer: Int, _ pass: Pass, _ scratch: Scratch) {
    let activation = operands.activations[layer]
    guard layer == last else {
      return activation.pullBackSlope(
        pass.rows * operands.width(layer), saved: pass.saved(layer),
        g: ConstantFloats(pass.slopes(layer)), cotangent: scratch.cotangent(layer), u: scratch.u,
        zCotangent: scratch.z[layer, 0])
    }
    pass.copySavedOfFirst(columns: operands.outputs, to: scratch.saved)
    scratch.ones.update(repeating: 1, count: pass.rows)
    activation.pullBackSlope(
      pass.rows, saved: scratch.saved, g: scratch.ones, cotangent: scratch.cotangent(layer),
      u: scratch.u, zCotangent: scratch.zOfFirst)
    let z = scratch.z[layer, 0]
    z.update(repeating: 0, count: pass.rows * operands.outputs)
    for row in 0..<pass.rows { z[row * operands.outputs] = scratch.zOfFirst[row] }
  }

  /// Downwards: the derivative of the outputs, with z's cotangents so far.
  private func differentiateValues(
    _ pass: Pass, _ outputCotangent: ConstantFloats?, _ scratch: Scratch, _ sums: Sums,
    _ group: Int, x: Floats?
  ) {
    x?.update(repeating: 0, count: pass.rows * operands.inputs)
    var arriving = outputCotangent
    for layer in stride(from: last, through: 0, by: -1) {
      let width = operands.width(layer)
      let z = scratch.z[layer, 0]
      if let arriving {
        operands.activations[layer].addTimesSlope(
          pass.rows * width, saved: pass.saved(layer), cotangent: arriving, to: z)
      }
      if let bias = sums.biases[layer] {
        lumi_add_rows_f32(pass.rows, width, z, width, bias[group])
      }
      if let weight = sums.weights[layer] {
        operands.addWeightGradient(
          layer, outputs: width, rows: pass.rows, delta: ConstantFloats(z), x: pass.x,
          hidden: ConstantFloats(pass.hidden(before: layer)), to: weight[group])
      }
      operands.multiplyBack(
        layer, outputs: width, rows: pass.rows, delta: ConstantFloats(z), addingToX: x,
        hidden: scratch.cotangent(layer))
      arriving = ConstantFloats(scratch.cotangent(layer))
    }
  }
}
