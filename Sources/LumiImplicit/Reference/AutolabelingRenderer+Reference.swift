import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor

extension AutolabelingRenderer {
  /// Answers the vectors "autolabeling": surface points of a small network, and discs.
  public static let reference = ReferenceAdapter(methods: ["autolabeling"]) { vector in
    vector.tensors["density"] != nil ? try surface(vector) : try discs(vector)
  }

  /// Grid, values, normals and projections of all grid points, kept or not.
  private static func surface(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let projection = SurfaceProjection(
      density: try vector.integer("density"), band: try vector.number("band"))
    let grid = projection.places(in: .box(lower: [-1, -1, -1], upper: [1, 1, 1]), dtype: .float64)
    let field = NeuralField(.signedDistance, trunk: try network(vector), dtype: .float64)
    let weights = try vector.tensor("weights")
    let samples = field.samples(at: grid, withGradients: true)
    let kept = (samples.values.abs() .< projection.band).cast(to: .float64)
    let (names, values) = (field.parameters.map(\.path), field.parameters.map(\.value))
    func points(_ values: [Tensor]) throws -> Tensor {
      let moved = try field.replacing(Dictionary(uniqueKeysWithValues: zip(names, values)))
      return SurfacePoints(projecting: grid, onto: moved, slopesFrom: field).points
    }
    let slopes = try gradient(at: values) { parameters in
      (try points(parameters) * weights * kept.expandingDims(at: 1)).sum()
    }
    var result = [
      "grid": grid, "sdf": samples.values, "normals": samples.gradients!.unitVectors(),
      "projected": try points(values), "kept": kept,
    ]
    for (index, slope) in slopes.enumerated() {
      result["grad_mlp.\(index / 2).\(index % 2)"] = slope
    }
    return result
  }

  /// "mlp.0.0" is the first layer's weight, "mlp.0.1" its bias; tanh between layers.
  private static func network(_ vector: ReferenceCase) throws -> MultilayerPerceptron {
    var layers: [Linear] = []
    while let weight = vector.tensors["mlp.\(layers.count).0"] {
      let bias = try vector.tensor("mlp.\(layers.count).1")
      layers.append(Linear(weight: weight, bias: bias, activation: .tanh))
    }
    guard let last = layers.indices.last else {
      throw ReferenceError.missingInput(case: vector.name, field: "mlp.0.0")
    }
    layers[last].activation = .none
    var result = MultilayerPerceptron(
      widths: [layers[0].weight.shape[1]] + layers.map { $0.weight.shape[0] }, seed: 0,
      dtype: .float64)
    result.layers = layers
    return result
  }

  private static func discs(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let (height, width) = (try vector.integer("H"), try vector.integer("W"))
    let rays = try rays(vector, height, width)
    let radius = try vector.number("diam")
    let inputs = try ["points", "colors", "q", "t", "normals"].map { try vector.tensor($0) }
    let weights = try ["image", "mask", "depth"].map { try vector.tensor("weights_\($0)") }
    func draw(_ inputs: [Tensor]) -> (discs: TangentDiscs, images: [Tensor]) {
      let surface = SurfacePoints(
        points: rotated(inputs[0], by: inputs[2]) + inputs[3],
        normals: rotated(inputs[4], by: inputs[2]))
      let discs = TangentDiscs(surface, radius: radius, rays: rays)
      let depths = surface.points.slice(axis: 1, from: 2, to: 3)
      return (
        discs,
        [
          discs.mix(inputs[1]).reshaped([-1, 3]).clamped(max: 1), discs.mask.flattened(),
          discs.mix(depths).flattened(),
        ]
      )
    }
    let slopes = gradient(at: Array(inputs.prefix(4))) { moved in
      zip(draw(moved + [inputs[4]]).images, weights).reduce(Tensor(0, dtype: .float64)) {
        $0 + ($1.0 * $1.1).sum()
      }
    }
    let (discs, images) = draw(inputs)
    let places =
      discs.fragments.discs * Tensor(Double(height * width), dtype: .int64)
      + discs.fragments.pixels
    func table(_ values: Tensor) -> Tensor {
      let count = inputs[0].shape[0] * height * width
      return Tensor.scatterAdd(rows: values, at: places, count: count)
        .reshaped([inputs[0].shape[0], height * width])
    }
    return [
      "X": rotated(inputs[0], by: inputs[2]) + inputs[3],
      "covered": table(.ones(like: discs.weights)), "probability": table(discs.weights),
      "image": images[0], "mask": images[1], "depth": images[2], "grad_points": slopes[0],
      "grad_colors": slopes[1], "grad_q": slopes[2], "grad_t": slopes[3],
    ]
  }

  /// Through whole pixels, as the released program has them.
  private static func rays(
    _ vector: ReferenceCase, _ height: Int, _ width: Int
  ) throws -> DiscRays {
    var places: [Double] = []
    for y in 0..<height {
      for x in 0..<width { places += [Double(x), Double(y), 1] }
    }
    let directions = Tensor(places, shape: [height * width, 3]).matmul(
      try vector.tensor("K").inverse(), transposingRight: true)
    return DiscRays(
      origins: .zeros(like: directions), directions: directions, height: height, width: width)
  }

  /// q p q⁻¹ without making q a unit quaternion: p + 2(w u + v × u), u = v × p.
  private static func rotated(_ points: Tensor, by quaternion: Tensor) -> Tensor {
    let vector = quaternion.slice(axis: 0, from: 1, to: 4).broadcast(to: points.shape)
    let across = Tensor.cross(vector, points)
    let real = quaternion.slice(axis: 0, from: 0, to: 1)
    return points + (real * across + Tensor.cross(vector, across)) * 2
  }
}
