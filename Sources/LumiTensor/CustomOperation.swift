import CLumiKernels

/// Records an operation whose derivative is written by hand.
///
/// The caller computes `outputs` from the inputs' elements; this function attaches them to the
/// tape. A second derivative through the operation stops the program with its name, unless
/// `differentiableTwice` says that `pullback` is itself made of tensor operations.
///
/// - Parameters:
///   - name: shown in error messages.
///   - inputs: the tensors that the outputs depend on.
///   - outputs: fresh tensors, made without recording.
///   - differentiableTwice: whether `pullback` consists of tensor operations.
///   - pullback: gets the cotangent of every output (nil where none arrived) and which inputs
///     need a derivative; returns one derivative per input, nil for none.
/// - Returns: the outputs, attached.
public func customOperation(
  _ name: String, inputs: [Tensor], outputs: [Tensor], differentiableTwice: Bool = false,
  pullback: @escaping (_ cotangents: [Tensor?], _ needs: [Bool]) -> [Tensor?]
) -> [Tensor] {
  for output in outputs { NonFiniteWatch.inspect(output, name) }
  guard Tape.isRecording, inputs.contains(where: { $0.source != nil }) else { return outputs }
  let node = TapeNode(name, inputs: inputs.map(\.source)) { input in
    let derivatives: [Tensor?]
    if differentiableTwice {
      derivatives = pullback(input.cotangents, input.needs)
    } else {
      let cotangents = input.cotangents.map { $0?.detached }
      derivatives = firstOrderOnly(
        name, Tape.withDepth(0) { pullback(cotangents, input.needs) },
        dependingOn: inputs + input.cotangents.compactMap { $0 })
    }
    for (index, derivative) in derivatives.enumerated() {
      guard let derivative, index < inputs.count else { continue }
      require(
        derivative.shape == inputs[index].shape && derivative.dtype == inputs[index].dtype,
        """
        \(name): its pullback gave \(derivative.dtype) \(derivative.shape) for input \(index), \
        which is \(inputs[index].dtype) \(inputs[index].shape)
        """)
    }
    return derivatives
  }
  return outputs.enumerated().map { $1.attached(to: node, output: $0) }
}

/// Marks derivatives so that differentiating them again is an error and not a zero.
private func firstOrderOnly(
  _ name: String, _ derivatives: [Tensor?], dependingOn inputs: [Tensor]
) -> [Tensor?] {
  guard Tape.isRecording, inputs.contains(where: { $0.source != nil }) else { return derivatives }
  return derivatives.map { derivative in
    derivative.map {
      let node = TapeNode(name, inputs: inputs.map(\.source)) { _ in
        fatalError("\(name) has no second derivative")
      }
      return $0.detached.attached(to: node)
    }
  }
}

/// Runs `body` without remembering what it does inside: the backward pass runs it again.
///
/// Trades one more forward evaluation for the memory of every intermediate. `body` must give the
/// same result each time and depend on no recorded tensor but `inputs`; a backward pass that finds
/// another one stops the program, because its derivative would be lost. Derivatives of any order
/// work.
public func checkpoint(_ inputs: [Tensor], _ body: @escaping ([Tensor]) -> [Tensor]) -> [Tensor] {
  let outputs = Tape.withDepth(0) { body(inputs.map(\.detached)) }
  guard Tape.isRecording, inputs.contains(where: { $0.source != nil }) else { return outputs }
  let node = TapeNode("checkpoint", inputs: inputs.map(\.source)) { input in
    let float = inputs.indices.filter { inputs[$0].dtype.isFloatingPoint }
    let product = LinearizedFunction(at: float.map { inputs[$0] }) { parameters in
      var all = inputs
      for (index, parameter) in zip(float, parameters) { all[index] = parameter }
      return body(all)
    }
    require(
      !product.dependsOnOthers,
      "checkpoint: its body depends on a tensor with a derivative that is not among its inputs")
    let cotangents = product.values.enumerated().map { index, value in
      (index < input.cotangents.count ? input.cotangents[index] : nil)
        ?? Tensor.zeros(like: value.detached)
    }
    var derivatives = [Tensor?](repeating: nil, count: inputs.count)
    for (index, derivative) in zip(float, product.reachable(cotangents)) {
      derivatives[index] = derivative
    }
    return derivatives
  }
  return outputs.enumerated().map { $1.attached(to: node, output: $0) }
}
