import CLumiKernels
import LumiTensor

extension MultilayerPerceptron {
  /// The outputs, and the derivative of the first one by the input.
  ///
  /// In float32 this is one operation with a first derivative of its own, by the input and every
  /// parameter: what a loss of values, features and gradients needs, such as the eikonal term. It
  /// has no second derivative and stops the program when asked for one. In float64, and inside
  /// nested gradients, the derivative comes from the tape, to any order.
  ///
  /// - Parameter x: [N, inputs].
  /// - Returns: [N, outputs] and [N, inputs].
  public func outputsAndGradient(at x: Tensor) -> (outputs: Tensor, gradient: Tensor) {
    canFuse(x) && x.rank == 2
      ? fusedOutputsAndGradient(at: x) : composedOutputsAndGradient(at: x)
  }

  /// Whether fused kernels, which have first derivatives only, are what `x` wants.
  package func canFuse(_ x: Tensor) -> Bool { x.dtype == .float32 && lumi_tape_depth() <= 1 }

  /// By the tape: the readable twin.
  package func composedOutputsAndGradient(at x: Tensor) -> (outputs: Tensor, gradient: Tensor) {
    let (found, pullback) = vectorJacobianProduct(at: [x]) { x in
      let outputs = self(x[0])
      return [outputs.slice(axis: -1, from: 0, to: 1), outputs]
    }
    let first = Tensor.ones(like: found[0].stoppingGradient())
    let rest = Tensor.zeros(like: found[1].stoppingGradient())
    return (found[1], pullback([first, rest])[0])
  }

  /// By the fused kernels.
  package func fusedOutputsAndGradient(at x: Tensor) -> (outputs: Tensor, gradient: Tensor) {
    let operands = operands(x)
    let network = FusedPerceptronGradient(operands)
    let inputs = operands.tensors
    let isRecorded = lumi_tape_depth() > 0 && inputs.contains { $0.source != nil }
    let (outputs, gradient, record) = network.forward(savingForBackward: isRecorded)
    let results = customOperation(
      "network with gradient", inputs: inputs, outputs: [outputs, gradient]
    ) { cotangents, needs in
      network.backward(
        outputs: outputs, record: record!, outputCotangent: cotangents[0],
        gradientCotangent: cotangents.count > 1 ? cotangents[1] : nil, needs: needs)
    }
    return (results[0], results[1])
  }

  /// The outputs behind an encoding of points, as ``callAsFunction(_:)`` of the encoded points, but
  /// without making those where nothing is differentiated.
  ///
  /// - Parameters:
  ///   - points: [N, n].
  ///   - encoding: of the network's input.
  /// - Returns: [N, outputs].
  public func values(at points: Tensor, encoding: PositionalEncoding) -> Tensor {
    let isConstant = !isRecorded(with: points)
    guard points.dtype == .float32 && points.rank == 2 && isConstant else {
      return self(encoding(points))
    }
    return fusedValues(at: points, frequencies: encoding.frequencies)
  }

  package func fusedValues(at points: Tensor, frequencies: Int) -> Tensor {
    let width = points.shape[1] * (1 + 2 * frequencies)
    let operands = operands(Tensor.zeros([0, width]))
    return FusedPerceptron(operands: operands, frequencies: frequencies).values(at: points)
  }

  /// Whether the tape remembers what is made of `x` and the parameters.
  func isRecorded(with x: Tensor) -> Bool {
    guard lumi_tape_depth() > 0 else { return false }
    return x.source != nil
      || layers.contains {
        $0.weight.source != nil || $0.bias?.source != nil || $0.gain?.source != nil
      }
  }

  private func operands(_ x: Tensor) -> PerceptronOperands {
    let operands = PerceptronOperands(
      x: x, weights: layers.indices.map(multiplyingWeight), biases: layers.map(\.bias),
      activations: layers.map(\.activation), skips: skips)
    operands.requireShapes()
    return operands
  }

  /// The same function with gains and scales multiplied into the weights: what to take where a
  /// network is evaluated many times with the same weights.
  public func multipliedOut() -> MultilayerPerceptron {
    var result = self
    for index in layers.indices {
      result.layers[index].weight = multiplyingWeight(index)
      result.layers[index].gain = nil
    }
    result.skipScale = 1
    return result
  }

  /// Operations of ``outputsAndGradient(at:)`` for `points` points, in the sense of
  /// ``forwardOperations(points:)``: the way back ends in the first output alone.
  public func gradientOperations(points: Int) -> Double {
    let top = layers.last!.weight.shape
    return forwardOperations(points: points) * 2 - 2 * Double(points * (top[0] - 1) * top[1])
  }
}
