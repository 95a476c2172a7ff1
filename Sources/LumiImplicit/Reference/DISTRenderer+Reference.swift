import LumiRendering
import LumiScene
import LumiTensor

extension DISTRenderer {
  /// Answers the vectors "dist": marches without a pyramid, and the silhouettes' loss.
  public static let reference = ReferenceAdapter(methods: ["dist"]) { vector in
    vector.tensors["min_sdf"] != nil ? try maskLoss(vector) : try picture(vector)
  }

  private static func maskLoss(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let (isHit, target) = (try vector.tensor("mask"), try vector.tensor("mask_gt"))
    let threshold = try vector.number("threshold")
    let product = vectorJacobianProduct(at: [try vector.tensor("min_sdf")]) { values in
      let loss = DISTLoss.mask(
        leastDistances: values[0], isHit: isHit, target: target, threshold: threshold)
      return [loss.missing, loss.excess]
    }
    return [
      "loss_gt": product.values[0], "loss_out": product.values[1],
      "grad": product.pullback([.ones([], dtype: .float64), .ones([], dtype: .float64)])[0],
    ]
  }

  private static func picture(_ vector: ReferenceCase) throws -> [String: Tensor] {
    var renderer = DISTRenderer(marching: DISTMarching(pyramid: []))
    renderer.marching.steps = try vector.integer("march_steps")
    renderer.marching.records = try vector.integer("buffer")
    renderer.marching.ratio = try vector.number("ratio")
    renderer.marching.threshold = try vector.number("threshold")
    renderer.marching.limit = try vector.number("clamp")
    let view = try DISTVectorView(vector)
    let decoder = try DISTDecoder(vector)
    let names = decoder.parameters.map(\.path)
    let parameters =
      decoder.parameters.map(\.value) + [try vector.tensor("R"), try vector.tensor("t")]

    let rays = view.rays(rotation: try vector.tensor("R"), translation: try vector.tensor("t"))
    let interval = RayInterval(of: rays, in: .ball(radius: 1))
    let marched = renderer.marching.march(
      rays, in: interval, to: LevelSet(decoder), from: nil, steps: renderer.marching.steps,
      needsOutside: true)
    let valid = marched.records.indices.filter { !marched.records[$0].isEmpty }
    let rows = Tensor(valid.map { Int32($0) })
    let product = try vectorJacobianProduct(at: parameters) { values in
      let field = try decoder.replacing(Dictionary(uniqueKeysWithValues: zip(names, values)))
      let rays = view.rays(
        rotation: values[values.count - 2], translation: values[values.count - 1]
      ).gathered(rows)
      let scene = Scene(ImplicitShape(field))
      let least = renderer.leastDistances(
        of: scene, along: rays, marched.chosen(valid), (centre: .zero, radius: 1))
      return [renderer.distances(of: field, along: rays, marched, valid), least]
    }
    let calibration = view.depthPerDistance
    func list(_ number: (Int) -> Double) -> Tensor { Tensor(valid.map(number)) }
    var outputs: [String: Tensor] = [
      "camera_centre": rays.origins.slice(axis: 0, from: 0, to: 1).squeezed(axis: 0),
      "rays": rays.directions, "calib": calibration,
      "distance_to_origin":
        (rays.origins - rays.origins.dot(rays.directions).expandingDims(at: 1) * rays.directions)
        .norm(axis: 1),
      "valid_index": list { Double($0) }, "entry": list { marched.entry[$0] },
      "exit": list { marched.exit[$0] }, "hit": list { marched.isHit[$0] ? 1 : 0 },
      "march_depth_last": list { marched.marched[$0] },
      "best_step": list { Double(marched.records[$0][0].step) },
      "zdepth": product.values[0], "image_depth": product.values[0] * calibration.gather(rows),
      "min_sdf": product.values[1],
    ]
    let zero = Tensor.zeros([valid.count], dtype: .float64)
    let depth = product.pullback([try vector.tensor("weights_depth"), zero])
    let least = product.pullback([zero, try vector.tensor("weights_min_sdf")])
    for (prefix, gradients) in [("grad_depth_", depth), ("grad_min_", least)] {
      for (name, gradient) in zip(names + ["R", "t"], gradients) {
        outputs[prefix + name] = gradient
      }
    }
    return outputs
  }
}

extension DISTMarching.Marched {
  /// Some of the rays.
  fileprivate func chosen(_ rows: [Int]) -> DISTMarching.Marched {
    DISTMarching.Marched(
      entry: rows.map { entry[$0] }, exit: rows.map { exit[$0] },
      marched: rows.map { marched[$0] }, records: rows.map { records[$0] },
      isHit: rows.map { isHit[$0] }, evaluations: evaluations)
  }
}

/// The vectors' pixels: integer coordinates, no half pixel.
private struct DISTVectorView {
  /// K⁻¹(x, y, 1), [N, 3].
  private let directions: Tensor

  init(_ vector: ReferenceCase) throws {
    let (height, width) = (try vector.integer("H"), try vector.integer("W"))
    let k = try vector.tensor("K")
    func entry(_ row: Int, _ column: Int) -> Double {
      k.scalars(as: Double.self)[3 * row + column]
    }
    let points = (0..<height).flatMap { y in
      (0..<width).flatMap { x -> [Double] in
        let v = (Double(y) - entry(1, 2)) / entry(1, 1)
        return [(Double(x) - entry(0, 2) - entry(0, 1) * v) / entry(0, 0), v, 1]
      }
    }
    directions = Tensor(points, shape: [height * width, 3])
  }

  var depthPerDistance: Tensor { 1 / (directions.norm(axis: 1) + 1e-12) }

  func rays(rotation: Tensor, translation: Tensor) -> CameraRays {
    // Divided by the length after the turn: the vectors differentiate rotations entry by entry.
    let turned = directions.matmul(rotation)
    let units = turned / (turned.norm(axis: 1, keepDims: true) + 1e-12)
    let centre = -(translation.expandingDims(at: 0).matmul(rotation))
    return CameraRays(origins: centre.broadcast(to: units.shape), directions: units)
  }
}

/// The vectors' network: of a latent code and a point whose axes are exchanged.
private struct DISTDecoder: ImplicitField {
  var layers: [(weight: Tensor, bias: Tensor)]
  var latent: Tensor
  let axes: Tensor

  init(_ vector: ReferenceCase) throws {
    layers = []
    while vector.tensors["decoder.\(layers.count).0"] != nil {
      let layer = layers.count
      layers.append(
        (
          try vector.tensor("decoder.\(layer).0"), try vector.tensor("decoder.\(layer).1")
        ))
    }
    latent = try vector.tensor("latent")
    axes = try vector.tensor("Tm")
  }

  var quantity: FieldQuantity { .signedDistance }
  var dtype: DType { .float64 }

  func values(at points: Tensor) -> Tensor {
    var value = Tensor.concatenate(
      [latent.broadcast(to: [points.shape[0], latent.count]), points.matmul(axes)], axis: 1)
    for (index, layer) in layers.enumerated() {
      value = value.matmul(layer.weight, transposingRight: true) + layer.bias
      if index < layers.count - 1 { value = value.relu() }
    }
    return value.squeezed(axis: 1)
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> DISTDecoder {
    var result = self
    for index in layers.indices {
      result.layers[index] = (
        try transform("decoder.\(index).0", layers[index].weight),
        try transform("decoder.\(index).1", layers[index].bias)
      )
    }
    result.latent = try transform("latent", latent)
    return result
  }
}
