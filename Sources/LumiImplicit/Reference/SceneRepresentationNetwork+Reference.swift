import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor

extension SceneRepresentationRenderer {
  /// Answers the vectors "srn": the march, its colours, and derivatives of both by all networks and by
  /// all entries of the camera's matrix.
  public static let reference = ReferenceAdapter(methods: ["srn"]) { vector in
    let network = try network(vector)
    let camera = try vector.tensor("c2w")
    let picture = try picture(vector)
    let (march, colors) = try picture(network, camera)
    var outputs = [
      "final_coords": march.points, "depths": Tensor.stack(march.depths), "rgb": colors,
    ]
    let weights = (try vector.tensor("weights_rgb"), try vector.tensor("weights_depth"))
    func loss(_ network: SceneRepresentationNetwork, _ camera: Tensor) throws -> Tensor {
      let (march, colors) = try picture(network, camera)
      return (colors * weights.0).sum() + (march.depth * weights.1).sum()
    }
    let (value, slopes) = try valueAndGradient(of: network) { try loss($0, camera) }
    outputs["loss"] = value
    for (path, slope) in slopes { outputs["grad_" + published(path, of: network)] = slope }
    outputs["grad_c2w"] = try gradient(at: camera) { try loss(network, $0) }
    return outputs
  }

  /// The published camera: a matrix of any entries, whose inverse gives depths.
  private static func picture(
    _ vector: ReferenceCase
  ) throws -> (
    _ network: SceneRepresentationNetwork, _ camera: Tensor
  ) throws -> (march: SceneRepresentationNetwork.March, colors: Tensor) {
    let pixels = try vector.tensor("uv")
    let intrinsics = try vector.tensor("K")
    let starts = try vector.tensor("initial_depth")
    let (u, v) = (pixels[.all, 0], pixels[.all, 1])
    let x = (u - intrinsics[0, 2]) / intrinsics[0, 0]
    let y = (v - intrinsics[1, 2]) / intrinsics[1, 1]
    let ones = Tensor.ones(like: x)
    /// World points of the pixels at a depth [R].
    func lifted(_ depth: Tensor, _ camera: Tensor) -> Tensor {
      let points = Tensor.stack([x * depth, y * depth, depth, ones], axis: 1)
      return points.matmul(camera, transposingRight: true).slice(axis: 1, from: 0, to: 3)
    }
    return { network, camera in
      let inverse = try camera.inverse()
      let directions = (lifted(ones, camera) - camera[0..<3, 3]).unitVectors()
      let march = network.march(from: lifted(starts, camera), along: directions) { points in
        let whole = Tensor.concatenate([points, ones.expandingDims(at: 1)], axis: 1)
        return whole.matmul(inverse, transposingRight: true)[.all, 2]
      }
      return (march, network.colors(at: march.points))
    }
  }

  private static func network(_ vector: ReferenceCase) throws -> SceneRepresentationNetwork {
    func linear(_ name: String) throws -> Linear {
      Linear(weight: try vector.tensor("\(name).0"), bias: try vector.tensor("\(name).1"))
    }
    let (field, generator) = (try normalized(vector, "phi"), try normalized(vector, "pixel"))
    var random = RandomGenerator(seed: 0)
    let recurrent = try (0..<4).map { try vector.tensor("lstm.\($0)") }
    var cell = LongShortTermMemoryCell(
      inputs: recurrent[0].shape[1], units: recurrent[1].shape[1], dtype: .float64, using: &random)
    (cell.inputWeight, cell.hiddenWeight) = (recurrent[0], recurrent[1])
    (cell.inputBias, cell.hiddenBias) = (recurrent[2], recurrent[3])
    return SceneRepresentationNetwork(
      field: field, cell: cell, step: try linear("out"), generator: generator,
      stepCount: try vector.integer("steps"), adjointBound: 10)
  }

  /// Layers [weight, bias, gain, bias], and a last one of two tensors if there is one.
  private static func normalized(
    _ vector: ReferenceCase, _ name: String
  ) throws -> LayerNormalizedPerceptron {
    let depth = (0...).first { vector.tensors["\(name).\($0).2"] == nil }!
    let hasHead = vector.tensors["\(name).\(depth).0"] != nil
    var network = LayerNormalizedPerceptron(
      widths: try [vector.tensor("\(name).0.0").shape[1]]
        + (0..<depth).map { try vector.tensor("\(name).\($0).1").count },
      outputs: hasHead ? try vector.tensor("\(name).\(depth).1").count : nil, seed: 0,
      dtype: .float64)
    for index in 0..<depth {
      let layer = "\(name).\(index)"
      network.layers[index].weight = try vector.tensor("\(layer).0")
      network.layers[index].bias = try vector.tensor("\(layer).1")
      network.norms[index].gain = try vector.tensor("\(layer).2")
      network.norms[index].bias = try vector.tensor("\(layer).3")
    }
    if hasHead {
      network.head = Linear(
        weight: try vector.tensor("\(name).\(depth).0"),
        bias: try vector.tensor("\(name).\(depth).1"))
    }
    return network
  }

  /// The vectors' name of a parameter: "phi.0.2" for "field.norms.0.gain".
  private static func published(
    _ path: String, of network: SceneRepresentationNetwork
  ) -> String {
    let parts = path.split(separator: ".").map(String.init)
    let last = parts.last!
    switch parts[0] {
    case "cell":
      let order = ["inputWeight", "hiddenWeight", "inputBias", "hiddenBias"]
      return "lstm.\(order.firstIndex(of: last)!)"
    case "step": return "out.\(last == "weight" ? 0 : 1)"
    default:
      let (name, perceptron) =
        parts[0] == "field" ? ("phi", network.field) : ("pixel", network.generator)
      guard parts[1] != "head" else {
        return "\(name).\(perceptron.layers.count).\(last == "weight" ? 0 : 1)"
      }
      let place = (parts[1] == "norms" ? 2 : 0) + (last == "bias" ? 1 : 0)
      return "\(name).\(parts[2]).\(place)"
    }
  }
}
