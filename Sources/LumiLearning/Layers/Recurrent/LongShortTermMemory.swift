// A long short-term memory cell: a state (h, c) that gates let in, keep and show.
//
// One cell, one step at a time; the caller writes the loop over time. No peepholes.
//
// S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997; with the
// forget gate of F. Gers, J. Schmidhuber, F. Cummins, "Learning to Forget: Continual Prediction with
// LSTM", Neural Computation 12(10), 2000.
import LumiTensor

/// i, f, o = sigmoid, g = tanh of the four blocks of W_input x + b_input + W_hidden h + b_hidden,
/// in the order i, f, g, o; then c' = f c + i g and h' = o tanh(c').
///
/// Parameters: "inputWeight", "hiddenWeight", "inputBias", "hiddenBias", laid out as in common
/// libraries (`weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`).
public struct LongShortTermMemoryCell: Parameterized, Sendable {
  /// What the cell remembers.
  public struct State: Sendable {
    /// h, what the cell shows: [..., units].
    public var hidden: Tensor
    /// c, what the cell keeps: [..., units].
    public var cell: Tensor

    public init(hidden: Tensor, cell: Tensor) {
      self.hidden = hidden
      self.cell = cell
    }
  }

  /// [4 units, inputs].
  public var inputWeight: Tensor
  /// [4 units, units].
  public var hiddenWeight: Tensor
  /// [4 units].
  public var inputBias: Tensor
  /// [4 units]; added to ``inputBias``.
  public var hiddenBias: Tensor

  /// Extent of the state.
  public var units: Int { hiddenWeight.shape[1] }
  /// Extent of the inputs.
  public var inputs: Int { inputWeight.shape[1] }

  /// Input weights by Kaiming's normal distribution, recurrent weights with orthonormal columns,
  /// biases 0 but for the forget gate's.
  ///
  /// - Parameters:
  ///   - inputs: extent of the inputs.
  ///   - units: extent of the state.
  ///   - forgetBias: start of the forget gate's bias in both bias vectors, which add up.
  ///   - dtype: the type of the tensors.
  ///   - random: of the weights.
  public init(
    inputs: Int, units: Int, forgetBias: Double = 1, dtype: DType = .float32,
    using random: inout RandomGenerator
  ) {
    require(
      inputs > 0 && units > 0,
      "LongShortTermMemoryCell: \(inputs) inputs, \(units) units, expected at least 1")
    inputWeight = Initializer.kaimingNormal().weights(
      outputs: 4 * units, inputs: inputs, using: &random, dtype: dtype)
    hiddenWeight = Initializer.orthogonal().weights(
      outputs: 4 * units, inputs: units, using: &random, dtype: dtype)
    let bias = Tensor.concatenate([
      .zeros([units], dtype: dtype), .full([units], forgetBias, dtype: dtype),
      .zeros([2 * units], dtype: dtype),
    ])
    (inputBias, hiddenBias) = (bias, bias)
  }

  /// The state of zeros for inputs with the given leading axes.
  public func initialState(_ leading: [Int]) -> State {
    let zeros = Tensor.zeros(leading + [units], dtype: inputWeight.dtype)
    return State(hidden: zeros, cell: zeros)
  }

  /// The state after one step.
  ///
  /// - Parameters:
  ///   - x: [..., inputs].
  ///   - state: with the same leading axes.
  public func callAsFunction(_ x: Tensor, _ state: State) -> State {
    let expected = Array(x.shape.dropLast()) + [units]
    require(
      x.shape.last == inputs && state.hidden.shape == expected && state.cell.shape == expected,
      """
      LongShortTermMemoryCell: x \(x.shape), hidden \(state.hidden.shape), cell \
      \(state.cell.shape); expected [..., \(inputs)] and twice [..., \(units)]
      """)
    // One product of the concatenation instead of two.
    let gates = linear(
      concatenating: [x, state.hidden],
      weight: Tensor.concatenate([inputWeight, hiddenWeight], axis: 1),
      bias: inputBias + hiddenBias)
    let parts = gates.split(sizes: [Int](repeating: units, count: 4), axis: -1)
    let cell = parts[1].sigmoid() * state.cell + parts[0].sigmoid() * parts[2].tanh()
    return State(hidden: parts[3].sigmoid() * cell.tanh(), cell: cell)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> LongShortTermMemoryCell {
    var result = self
    result.inputWeight = try transform("inputWeight", inputWeight)
    result.hiddenWeight = try transform("hiddenWeight", hiddenWeight)
    result.inputBias = try transform("inputBias", inputBias)
    result.hiddenBias = try transform("hiddenBias", hiddenBias)
    return result
  }
}
