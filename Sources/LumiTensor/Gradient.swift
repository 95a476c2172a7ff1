import CLumiKernels

/// The value of a scalar function and its derivatives with respect to `parameters`.
///
/// Nest calls for higher derivatives. A parameter that the value does not depend on stops the
/// program with its position and shape, because a silent zero hides a broken graph; pass
/// `unreachable: .zeros` where independence is meant.
public func valueAndGradient(
  at parameters: [Tensor], unreachable: UnreachableParameter = .trap,
  of function: ([Tensor]) throws -> Tensor
) rethrows -> (value: Tensor, gradients: [Tensor]) {
  let depth = lumi_tape_depth()
  let leaves = parameters.map { leaf($0, "valueAndGradient") }
  let value = try Tape.withDepth(depth + 1) { try function(leaves) }
  require(
    value.count == 1, "valueAndGradient: the function gave shape \(value.shape), expected a scalar")
  let seed = Tensor.ones(like: value.detached)
  let found = backpropagate([value], [seed], to: leaves)
  let gradients = zip(parameters, found).enumerated().map { index, pair in
    orZeros(pair.1, pair.0, index, unreachable)
  }
  return depth == 0 ? (value.detached, gradients.map(\.detached)) : (value, gradients)
}

/// The value of a scalar function of one tensor and its derivative.
public func valueAndGradient(
  at parameter: Tensor, unreachable: UnreachableParameter = .trap,
  of function: (Tensor) throws -> Tensor
) rethrows -> (value: Tensor, gradient: Tensor) {
  let result = try valueAndGradient(at: [parameter], unreachable: unreachable) {
    try function($0[0])
  }
  return (result.value, result.gradients[0])
}

/// The derivatives of a scalar function with respect to `parameters`.
public func gradient(
  at parameters: [Tensor], unreachable: UnreachableParameter = .trap,
  of function: ([Tensor]) throws -> Tensor
) rethrows -> [Tensor] {
  try valueAndGradient(at: parameters, unreachable: unreachable, of: function).gradients
}

/// The derivative of a scalar function of one tensor.
public func gradient(
  at parameter: Tensor, unreachable: UnreachableParameter = .trap,
  of function: (Tensor) throws -> Tensor
) rethrows -> Tensor {
  try valueAndGradient(at: parameter, unreachable: unreachable, of: function).gradient
}

/// What ``valueAndGradient(at:unreachable:of:)-([Tensor],_,_)`` does with a parameter that the
/// value does not depend on.
public enum UnreachableParameter: Sendable {
  case trap, zeros
}

/// The values of a function and a map from their cotangents to its parameters' cotangents:
/// the product of the cotangents with the Jacobian.
///
/// The pullback may be called any number of times. A parameter that no value depends on gets
/// zeros.
public func vectorJacobianProduct(
  at parameters: [Tensor], of function: ([Tensor]) throws -> [Tensor]
) rethrows -> (values: [Tensor], pullback: ([Tensor]) -> [Tensor]) {
  let product = try LinearizedFunction(at: parameters, of: function)
  return (
    product.values,
    { cotangents in
      zip(parameters, product.reachable(cotangents)).enumerated().map { index, pair in
        orZeros(pair.1, pair.0, index, .zeros)
      }
    }
  )
}

/// A function that has run once and can be pulled back.
struct LinearizedFunction {
  let values: [Tensor]
  private let attached: [Tensor]
  private let leaves: [Tensor]
  private let depth: Int32

  init(at parameters: [Tensor], of function: ([Tensor]) throws -> [Tensor]) rethrows {
    depth = lumi_tape_depth()
    leaves = parameters.map { leaf($0, "vectorJacobianProduct") }
    attached = try Tape.withDepth(depth + 1) { [leaves] in try function(leaves) }
    values = depth == 0 ? attached.map(\.detached) : attached
  }

  /// Whether a value also depends on a recorded tensor that is not among the parameters.
  var dependsOnOthers: Bool {
    let leafNodes = Set(leaves.map { $0.source!.node.sequence })
    var seen: Set<UInt64> = []
    var pending = attached.compactMap { $0.source?.node }
    while let node = pending.popLast() {
      guard !leafNodes.contains(node.sequence), seen.insert(node.sequence).inserted else {
        continue
      }
      let inputs = node.inputs.compactMap { $0?.node }
      if inputs.isEmpty { return true }
      pending += inputs
    }
    return false
  }

  /// The parameters' cotangents; nil where no value depends on a parameter.
  func reachable(_ cotangents: [Tensor]) -> [Tensor?] {
    require(
      cotangents.count == values.count
        && zip(cotangents, values).allSatisfy { $0.shape == $1.shape && $0.dtype == $1.dtype },
      """
      pullback: cotangents of shapes \(cotangents.map(\.shape)) for values of shapes \
      \(values.map(\.shape))
      """)
    let found = backpropagate(attached, cotangents, to: leaves)
    return lumi_tape_depth() == 0 ? found.map { $0?.detached } : found
  }
}

extension Tensor {
  /// The same elements, constant to every derivative.
  public func stoppingGradient() -> Tensor { detached }
}

/// A parameter's own node: this scope's backward pass ends there, an outer scope's goes through.
private func leaf(_ parameter: Tensor, _ function: String) -> Tensor {
  require(
    parameter.dtype.isFloatingPoint, "\(function): a parameter of dtype \(parameter.dtype)")
  let node = TapeNode("parameter", inputs: [parameter.source]) { $0.cotangents }
  return parameter.attached(to: node)
}

private func orZeros(
  _ found: Tensor?, _ parameter: Tensor, _ index: Int, _ unreachable: UnreachableParameter
) -> Tensor {
  if let found { return found }
  require(
    unreachable == .zeros,
    "valueAndGradient: the value does not depend on parameter \(index) of shape \(parameter.shape)")
  return Tensor.zeros(like: parameter.detached)
}

/// Walks the graph from `outputs` back to `leaves`, newest node first.
private func backpropagate(
  _ outputs: [Tensor], _ seeds: [Tensor], to leaves: [Tensor]
) -> [Tensor?] {
  let leafNodes = Set(leaves.map { $0.source!.node.sequence })
  let nodes = nodesBetween(outputs, leafNodes)
  var cotangents: [UInt64: [Tensor?]] = [:]
  func accumulate(_ source: TapeSource, _ cotangent: Tensor) {
    var slots = cotangents[source.node.sequence] ?? []
    while slots.count <= source.output { slots.append(nil) }
    slots[source.output] = slots[source.output].map { $0 + cotangent } ?? cotangent
    cotangents[source.node.sequence] = slots
  }
  for (output, seed) in zip(outputs, seeds) {
    if let source = output.source, nodes.needed.contains(source.node.sequence) {
      accumulate(source, seed)
    }
  }
  for node in nodes.order where !leafNodes.contains(node.sequence) {
    guard let arrived = cotangents.removeValue(forKey: node.sequence) else { continue }
    let needs = node.inputs.map { $0.map { nodes.needed.contains($0.node.sequence) } ?? false }
    let derivatives = node.pullBack(arrived, needs: needs)
    for (index, source) in node.inputs.enumerated() where needs[index] {
      if let derivative = derivatives[index] { accumulate(source!, derivative) }
    }
  }
  return leaves.map { cotangents[$0.source!.node.sequence]?.first ?? nil }
}

/// The nodes on some path from an output to a leaf, newest first.
private func nodesBetween(
  _ outputs: [Tensor], _ leaves: Set<UInt64>
) -> (order: [TapeNode], needed: Set<UInt64>) {
  // A node is younger than its inputs: nothing older than the oldest leaf leads to one.
  let oldest = leaves.min() ?? 0
  var seen: Set<UInt64> = []
  var found: [TapeNode] = []
  var pending = outputs.compactMap { $0.source?.node }
  while let node = pending.popLast() {
    guard node.sequence >= oldest, seen.insert(node.sequence).inserted else { continue }
    found.append(node)
    if !leaves.contains(node.sequence) { pending += node.inputs.compactMap { $0?.node } }
  }
  found.sort { $0.sequence < $1.sequence }
  var needed = leaves
  for node in found where !leaves.contains(node.sequence) {
    let leads = node.inputs.contains { $0.map { needed.contains($0.node.sequence) } ?? false }
    if leads { needed.insert(node.sequence) }
  }
  return (found.reversed().filter { needed.contains($0.sequence) }, needed)
}
