import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor

extension OccupancyFieldProbing {
  /// Answers the vectors "occupancy": probed maxima with their silhouette loss, and the regulariser of
  /// normals.
  public static let reference = ReferenceAdapter(methods: ["occupancy"]) { vector in
    vector.tensors["offsets"] == nil ? try maxima(vector) : try normals(vector)
  }

  private static func maxima(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let network = try network(vector)
    let field = NeuralField(.occupancyLogit, trunk: network, dtype: .float64)
    let anchors = try vector.tensor("anchors")
    let directions = try vector.tensor("directions")
    let origins = try vector.tensor("origin").broadcast(to: directions.shape)
    let weights = try vector.tensor("weights")
    let silhouette = try vector.tensor("target")
    let table = ProbingTable(
      of: CameraRays(origins: origins, directions: directions), anchors: anchors,
      radius: try vector.number("tau"))
    let logits = field.values(at: anchors)
    let found = table.maximum(of: logits)
    let nothing = Tensor(-1, dtype: .float64)
    var outputs: [String: Tensor] = [
      "distance": distances(origins, directions, anchors), "hit": hits(table, anchors.shape[0]),
      "occupancy": logits.sigmoid(),
      "value": .where(found.isProbed, found.values.sigmoid(), nothing),
      "argmax": .where(found.isProbed, found.anchors.cast(to: .float64), nothing),
      "silhouette_loss": found.silhouetteLoss(silhouette),
    ]
    func add(_ name: String, _ loss: @escaping (ProbedMaximum) -> Tensor) throws {
      let slopes = try valueAndGradient(of: network) { network in
        let moved = NeuralField(.occupancyLogit, trunk: network, dtype: .float64)
        return loss(table.maximum(of: moved.values(at: anchors)))
      }.gradients
      for (path, slope) in slopes { outputs[published(path, in: name)] = slope }
    }
    try add("grad_weighted") {
      Tensor.where($0.isProbed, $0.values.sigmoid() * weights, 0).sum()
    }
    try add("grad_loss") { $0.silhouetteLoss(silhouette) }
    return outputs
  }

  private static func normals(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let (points, offsets) = (try vector.tensor("points"), try vector.tensor("offsets"))
    let settings = NormalSettings(
      step: try vector.number("h"), exponent: try vector.number("p"),
      surfaceWidth: try vector.number("sigma_importance"),
      neighbourWidth: try vector.number("sigma_offset"))
    let (loss, slopes) = try valueAndGradient(of: network(vector), unreachable: .zeros) {
      normalConsistency(
        of: NeuralField(.occupancyLogit, trunk: $0, dtype: .float64), at: points,
        offsets: offsets, settings: settings)
    }
    var outputs = ["loss": loss]
    for (path, slope) in slopes { outputs[published(path, in: "grad")] = slope }
    return outputs
  }

  private static func network(_ vector: ReferenceCase) throws -> MultilayerPerceptron {
    let depth = (0...).first { vector.tensors["mlp.\($0).0"] == nil }!
    var network = MultilayerPerceptron(
      widths: [Int](repeating: 1, count: depth + 1), seed: 0, dtype: .float64)
    for index in 0..<depth {
      network.layers[index] = Linear(
        weight: try vector.tensor("mlp.\(index).0"), bias: try vector.tensor("mlp.\(index).1"),
        activation: index == depth - 1 ? .none : .tanh)
    }
    return network
  }

  /// The vectors' name of a parameter's derivative: "grad.0.1" for "layers.0.bias".
  private static func published(_ path: String, in name: String) -> String {
    let parts = path.split(separator: ".")
    return "\(name).\(parts[1]).\(parts[2] == "weight" ? 0 : 1)"
  }

  /// [R, N], from lines to points.
  private static func distances(
    _ origins: Tensor, _ directions: Tensor, _ points: Tensor
  ) -> Tensor {
    let along = directions.expandingDims(at: 1)
    let apart = points.expandingDims(at: 0) - origins.expandingDims(at: 1)
    let t =
      (apart * along).sum(axis: 2, keepDims: true) / along.square().sum(axis: 2, keepDims: true)
    return (apart - t * along).norm(axis: 2)
  }

  /// [R, N], 1 where a ray meets an anchor.
  private static func hits(_ table: ProbingTable, _ count: Int) -> Tensor {
    var hits = [Double](repeating: 0, count: table.rayCount * count)
    let listed = table.anchors.scalars(as: Int32.self)
    for ray in 0..<table.rayCount {
      for place in table.offsets[ray]..<table.offsets[ray + 1] {
        hits[ray * count + Int(listed[place])] = 1
      }
    }
    return Tensor(hits, shape: [table.rayCount, count])
  }
}
