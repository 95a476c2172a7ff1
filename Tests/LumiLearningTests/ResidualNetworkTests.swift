import LumiLearning
import LumiTensor
import Testing

@Suite struct ResidualNetworkTests {
  static func small(_ dtype: DType = .float64) -> ResidualNetwork {
    ResidualNetwork(
      blocks: [1, 2], channels: 3, baseChannels: 2, outputs: 3, seed: 81, dtype: dtype)
  }

  @Test func resNet18HasThePublishedSize() {
    let network = ResidualNetwork.resNet18(outputs: 1000, seed: 1)
    let parameters = network.parameters
    #expect(parameters.reduce(0) { $0 + $1.value.count } == 11_689_512)
    #expect(parameters.count == 62)
    #expect(network.buffers.count == 40)
    #expect(network.buffers.reduce(0) { $0 + $1.value.count } == 9600)
    #expect(network(Tensor.zeros([1, 64, 48, 3])).shape == [1, 1000])
  }

  @Test func namesOfTheCollections() {
    let names = Self.small().parameters.map { ResidualNetwork.publishedName($0.path) }
    #expect(
      names == [
        "conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight", "layer1.0.bn1.weight",
        "layer1.0.bn1.bias", "layer1.0.conv2.weight", "layer1.0.bn2.weight", "layer1.0.bn2.bias",
        "layer2.0.conv1.weight", "layer2.0.bn1.weight", "layer2.0.bn1.bias",
        "layer2.0.conv2.weight", "layer2.0.bn2.weight", "layer2.0.bn2.bias",
        "layer2.0.downsample.0.weight", "layer2.0.downsample.1.weight",
        "layer2.0.downsample.1.bias", "layer2.1.conv1.weight", "layer2.1.bn1.weight",
        "layer2.1.bn1.bias", "layer2.1.conv2.weight", "layer2.1.bn2.weight", "layer2.1.bn2.bias",
        "fc.weight", "fc.bias",
      ])
    #expect(ResidualNetwork.publishedName("bn1.runningVariance") == "bn1.running_var")
  }

  @Test func publishedWeightsAreTakenOver() throws {
    let source = ResidualNetwork(
      blocks: [1, 2], channels: 3, baseChannels: 2, outputs: 3, seed: 82, dtype: .float64)
    var random = RandomGenerator(seed: 83)
    let x = random.normal([4, 9, 8, 3], dtype: .float64)
    let trained = source.training(on: x).updated
    var file: [String: Tensor] = ["bn1.num_batches_tracked": Tensor([Int64(1)])]
    for (path, value) in trained.parameters + trained.buffers {
      file[ResidualNetwork.publishedName(path)] =
        value.rank == 4 ? value.transposed(0, 3, 1, 2) : value
    }
    let all = try Self.small().adopting(published: file, includesFinalLayer: true)
    #expect(all(x).relativeDistance(to: trained(x)) == 0)
    let headless = try Self.small().adopting(published: file)
    #expect(headless.fc.weight.relativeDistance(to: Self.small().fc.weight) == 0)
    file["layer2.0.downsample.0.weight"] = Tensor.zeros([4, 2, 3, 3], dtype: .float64)
    #expect(
      throws: ParameterError.shape(
        "layer2.0.downsample.0.weight", expected: [4, 2, 1, 1], actual: [4, 2, 3, 3])
    ) { try Self.small().adopting(published: file) }
    file["conv1.weight"] = nil
    #expect(throws: ParameterError.self) { try Self.small().adopting(published: file) }
  }

  @Test func sizesOfImages() {
    let network = Self.small()
    for (height, width) in [(1, 1), (7, 2), (32, 40)] {
      let x = Tensor.ones([2, height, width, 3], dtype: .float64)
      #expect(network(x).shape == [2, 3])
      #expect(network.training(on: x).output.isAllFinite)
    }
  }

  @Test func trainingMovesAllStatistics() {
    var random = RandomGenerator(seed: 84)
    let network = Self.small()
    let updated = network.training(on: random.normal([2, 9, 9, 3], dtype: .float64)).updated
    for (old, new) in zip(network.buffers, updated.buffers) {
      #expect(old.path == new.path)
      #expect((old.value - new.value).abs().min().value > 0, "\(old.path)")
    }
  }

  @Test func gradientsMatchDifferences() throws {
    var network = ResidualNetwork(
      blocks: [1, 1], channels: 1, baseChannels: 1, outputs: 2, seed: 85, dtype: .float64)
    // Away from rectified zeros in a row.
    network.bn1.bias = Tensor.full([1], 0.3, dtype: .float64)
    var random = RandomGenerator(seed: 86)
    let x = random.normal([3, 8, 9, 1], dtype: .float64)
    let names = network.parameters.map(\.path)
    try checkGradients(at: network.parameters.map(\.value), names: names, tolerance: 1e-5) {
      let moved = try network.replacing(Dictionary(uniqueKeysWithValues: zip(names, $0)))
      return moved.training(on: x).output + moved(x)
    }
  }

  @Test func blockAddsItsInput() {
    var random = RandomGenerator(seed: 87)
    var block = ResidualConvolutionBlock(channels: 2, outputs: 2, dtype: .float64, using: &random)
    #expect(block.downsample == nil)
    block.bn2.gain = Tensor.zeros([2], dtype: .float64)
    let x = random.normal([1, 4, 4, 2], dtype: .float64)
    #expect(block(x).relativeDistance(to: x.relu()) == 0)
    let half = ResidualConvolutionBlock(
      channels: 2, outputs: 4, stride: 2, dtype: .float64, using: &random)
    #expect(half(x).shape == [1, 2, 2, 4])
  }
}
