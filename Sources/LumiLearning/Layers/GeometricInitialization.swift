import LumiTensor

extension MultilayerPerceptron {
  /// A network that begins as the signed distance to a sphere, roughly: its values have the sphere's
  /// sign and a slope of about 1 almost everywhere.
  ///
  /// The first output is the distance, further ones are features. Behind ``PositionalEncoding`` only
  /// the coordinates themselves count at the start, so that the sines and cosines do not spoil the
  /// sphere. With few or narrow layers the zero set is a sphere of a somewhat different radius.
  ///
  /// M. Atzmon, Y. Lipman, "SAL: Sign Agnostic Learning of Shapes from Raw Data", CVPR 2020, as the
  /// authors of IDR (Yariv et al., NeurIPS 2020) use it.
  ///
  /// - Parameters:
  ///   - inputs: of the network: three coordinates, and whatever comes after them.
  ///   - hidden: extents of the hidden layers.
  ///   - outputs: at least 1.
  ///   - radius: of the sphere.
  ///   - skips: layers that see the network's input again; what they see is divided by √2, and the
  ///     layer before has as many fewer outputs as the input has entries.
  ///   - beta: sharpness of the softplus between layers.
  ///   - isWeightNormalized: whether rows of weights are directions with a gain of their own.
  ///   - seed: of the weights.
  ///   - dtype: the type of the tensors.
  public static func sphere(
    inputs: Int = 3, hidden: [Int], outputs: Int = 1, radius: Double = 0.6, skips: Set<Int> = [],
    beta: Double = 100, isWeightNormalized: Bool = true, seed: UInt64, dtype: DType = .float32
  ) -> MultilayerPerceptron {
    require(
      inputs >= 3 && outputs >= 1 && radius > 0 && hidden.allSatisfy { $0 > 0 },
      """
      MultilayerPerceptron.sphere: \(inputs) inputs, \(outputs) outputs, radius \(radius), hidden \
      \(hidden); expected at least 3 inputs, 1 output, all above 0
      """)
    var widths = [inputs] + hidden + [outputs]
    for skip in skips where (1..<widths.count - 1).contains(skip) {
      require(
        widths[skip] > inputs,
        "MultilayerPerceptron.sphere: layer \(skip - 1) has \(widths[skip]) outputs, expected more"
          + " than the \(inputs) inputs that follow them")
      widths[skip] -= inputs
    }
    var network = MultilayerPerceptron(
      widths: widths, activation: .softplus(beta: beta), skips: skips,
      skipScale: 2.0.squareRoot() / 2, seed: seed, dtype: dtype)
    var random = RandomGenerator(seed: seed)
    for index in network.layers.indices {
      let shape = network.layers[index].weight.shape
      if index == network.layers.count - 1 {
        let mean = (Double.pi / Double(shape[1])).squareRoot()
        network.layers[index].weight = random.normal(shape, deviation: 1e-4, dtype: dtype) + mean
        network.layers[index].bias = Tensor.full([outputs], -radius, dtype: dtype)
      } else {
        let deviation = (2 / Double(shape[0])).squareRoot()
        let weight = random.normal(shape, deviation: deviation, dtype: dtype)
        // The input comes first where it is seen again, and its encoding begins behind the third.
        let seesInput = index == 0 || skips.contains(index)
        network.layers[index].weight =
          seesInput ? weight * onlyCoordinates(shape[1], inputs: inputs, dtype: dtype) : weight
      }
    }
    return isWeightNormalized ? network.weightNormalized() : network
  }

  /// [count]: 0 for the entries of an input beyond its three coordinates.
  private static func onlyCoordinates(_ count: Int, inputs: Int, dtype: DType) -> Tensor {
    let factors = (0..<count).map { (3..<inputs).contains($0) ? 0.0 : 1 }
    return Tensor(factors).cast(to: dtype)
  }
}
