import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor

extension NeRF {
  /// Answers the vectors "nerf", of the authors' program, and the closed forms
  /// "truth-transmittance-gaussian" and "truth-transmittance-sphere".
  ///
  /// No number of samples meets the closed forms to their tolerance; the sums with S, 2S and 4S
  /// samples, extrapolated as if their error fell with 1/S², do, and would not if it fell otherwise.
  public static let reference = ReferenceAdapter(
    methods: ["nerf", "truth-transmittance-gaussian", "truth-transmittance-sphere"]
  ) { vector in
    switch vector.method {
    case "truth-transmittance-gaussian": return try transmittance(vector, ofRow: gaussian)
    case "truth-transmittance-sphere": return try transmittance(vector, ofRow: ball)
    default: break
    }
    if vector.tensors["points"] != nil { return try encoding(vector) }
    if vector.tensors["bins"] != nil { return try importance(vector) }
    if vector.tensors["ndc_near"] != nil { return try rays(vector) }
    if vector.tensors["raw"] != nil { return try compositing(vector) }
    return try both(vector)
  }

  private static func encoding(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let octaves = try vector.integer("L")
    let product = vectorJacobianProduct(at: [try vector.tensor("points")]) {
      [positionalEncoding($0[0], frequencies: octaves)]
    }
    return [
      "encoding": product.values[0],
      "grad_points": product.pullback([try vector.tensor("weights")])[0],
    ]
  }

  private static func importance(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let (edges, weights) = (try vector.tensor("bins"), try vector.tensor("weights"))
    let regular = ImportanceSampling.distances(
      edges: edges, weights: weights, at: try vector.tensor("u_det"))
    return [
      // The share of 1 is left out of the file.
      "samples_det": regular.slice(axis: 1, from: 0, to: regular.shape[1] - 1),
      "samples_random": ImportanceSampling.distances(
        edges: edges, weights: weights, at: try vector.tensor("u_random")),
    ]
  }

  /// The authors' rays, [H·W, 3] each: through the corners of pixels, one long along the optical axis.
  private static func releasedRays(
    height: Int, width: Int, focal: Double, pose: Tensor
  ) -> CameraRays {
    var places: [Double] = []
    for row in 0..<height {
      for column in 0..<width {
        places += [
          (Double(column) - Double(width) / 2) / focal,
          -(Double(row) - Double(height) / 2) / focal, -1,
        ]
      }
    }
    let count = height * width
    let rotation = pose.slice(axis: 1, from: 0, to: 3)
    return CameraRays(
      origins: pose.slice(axis: 1, from: 3, to: 4).reshaped([1, 3]).broadcast(to: [count, 3]),
      directions: Tensor(places, shape: [count, 3]).matmul(rotation, transposingRight: true))
  }

  private static func rays(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let (height, width) = (try vector.integer("H"), try vector.integer("W"))
    let (focal, near) = (try vector.number("focal"), try vector.number("ndc_near"))
    let product = vectorJacobianProduct(at: [try vector.tensor("c2w")]) { inputs in
      let rays = releasedRays(height: height, width: width, focal: focal, pose: inputs[0])
      let seen = rays.projected(
        near: near, focalLength: Tensor([focal, focal]), width: width, height: height)
      return [rays.origins, rays.directions, seen.origins, seen.directions].map {
        $0.reshaped([height, width, 3])
      }
    }
    let names = ["rays_o", "rays_d", "ndc_o", "ndc_d"]
    let weights = try ["o", "d", "ndc_o", "ndc_d"].map { try vector.tensor("weights_\($0)") }
    var result = Dictionary(uniqueKeysWithValues: zip(names, product.values))
    result["grad_c2w"] = product.pullback(weights)[0]
    return result
  }

  /// What the authors' program makes of a pass: colour, disparity, what is covered, depth.
  private static func released(
    _ weights: RayWeights, colors: Tensor, depths: Tensor, background: Double
  ) -> [String: Tensor] {
    let covered = weights.samples.sum(axis: 1)
    let depth = weights.composite(depths, background: 0)
    return [
      "rgb": weights.composite(colors, background: .full([3], background, dtype: .float64)),
      "disp": 1 / (depth / covered).clamped(min: 1e-10), "acc": covered, "depth": depth,
      "weights": weights.samples,
    ]
  }

  /// Values and the gradient of their weighted sum.
  private static func summed(
    _ vector: ReferenceCase, at inputs: [Tensor], named: [String],
    _ outputs: ([Tensor]) -> [String: Tensor]
  ) throws -> [String: Tensor] {
    let given = outputs(inputs)
    let weights = try given.keys.sorted().compactMap { name in
      vector.tensors["loss_weights.\(name)"] == nil
        ? nil : (name, try vector.tensor("loss_weights.\(name)"))
    }
    let (loss, slopes) = valueAndGradient(at: inputs) { inputs in
      let found = outputs(inputs)
      return weights.reduce(Tensor(0, dtype: .float64)) { $0 + (found[$1.0]! * $1.1).sum() }
    }
    var result = given
    result["loss"] = loss
    for (name, slope) in zip(named, slopes) { result[name] = slope }
    return result
  }

  private static func compositing(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let background = try vector.flag("white_bkgd") ? 1.0 : 0
    let nerf = NeRF(quadrature: .released())
    let inputs = try ["raw", "z", "rays_d"].map { try vector.tensor($0) }
    return try summed(vector, at: inputs, named: ["grad_raw", "grad_z", "grad_rays_d"]) { inputs in
      let raw = inputs[0]
      let distances = inputs[1] * inputs[2].norm(axis: 1).expandingDims(at: 1)
      let end = distances.slice(axis: 1, from: 0, to: 1)
      let weights = nerf.weights(
        of: raw.slice(axis: 2, from: 3, to: 4).squeezed(axis: 2).relu(),
        lengths: nerf.lengths(of: distances, Part(near: end, far: end)))
      return released(
        weights, colors: raw.slice(axis: 2, from: 0, to: 3).sigmoid(), depths: inputs[1],
        background: background)
    }
  }
}

// The whole: two networks, two passes.
extension NeRF {
  private static func both(_ vector: ReferenceCase) throws -> [String: Tensor] {
    func config(_ name: String) throws -> Int { try vector.integer("config.\(name)") }
    let (height, width) = (try config("H"), try config("W"))
    let focal = try vector.number("config.focal")
    let (near, far) = (try vector.number("config.near"), try vector.number("config.far"))
    let background = try vector.flag("config.white_bkgd") ? 1.0 : 0
    let nerf = NeRF(
      samples: try config("n_coarse"), importanceSamples: try config("n_fine"),
      quadrature: .released())
    let octaves = (try config("L_pos"), try config("L_dir"))
    let numbers = Numbers(
      offsets: vector.tensors["u_strat"], shares: try vector.tensor("u_fine"))
    let names = ["coarse", "fine"].flatMap { layerNames(vector, $0) }
    let skips = Set(try vector.tensor("coarse.skips").scalars(as: Double.self).map { Int($0) + 1 })
    let pose = try vector.tensor("c2w")
    let inputs = try [pose] + names.map { try vector.tensor($0) }
    return try summed(
      vector, at: inputs, named: ["grad_c2w"] + names.map { "grad_\($0)" }
    ) { inputs in
      let layers = Dictionary(uniqueKeysWithValues: zip(names, inputs.dropFirst()))
      let shape = ImplicitShape(
        CoarseToFineField(
          coarse: network(layers, "coarse", octaves, skips),
          fine: network(layers, "fine", octaves, skips)), bounds: .ball(radius: 1e6))
      let rays = releasedRays(height: height, width: width, focal: focal, pose: inputs[0])
      let lengths = rays.directions.norm(axis: 1)
      let unit = rays.directions / lengths.expandingDims(at: 1)
      let passes = nerf.passes(
        shape,
        PixelRays(
          rays: CameraRays(origins: rays.origins, directions: unit),
          depthPerDistance: 1 / lengths,
          visible: RayInterval(near: near * lengths, far: far * lengths)),
        seenAlong: unit, numbers: numbers, drawsCoarse: true)
      let scale = lengths.expandingDims(at: 1)
      func outputs(_ pass: Pass) -> [String: Tensor] {
        released(
          pass.weights, colors: pass.colors, depths: pass.distances / scale,
          background: background)
      }
      var result = outputs(passes.fine)
      for (name, value) in outputs(passes.coarse!) { result["\(name)0"] = value }
      result["z_samples"] = passes.added! / scale
      result["z_fine"] = passes.fine.distances / scale
      return result
    }
  }

  /// Paths of a network's arrays.
  private static func layerNames(_ vector: ReferenceCase, _ network: String) -> [String] {
    let depth = (0...).first { vector.tensors["\(network).trunk.\($0).0"] == nil }!
    let layers = (0..<depth).map { "trunk.\($0)" } + ["sigma", "feature", "view", "rgb"]
    return layers.flatMap { ["\(network).\($0).0", "\(network).\($0).1"] }
  }

  private static func network(
    _ arrays: [String: Tensor], _ name: String, _ octaves: (position: Int, direction: Int),
    _ skips: Set<Int>
  ) -> NeuralField {
    func layer(_ part: String, _ activation: Activation) -> Linear {
      Linear(
        weight: arrays["\(name).\(part).0"]!, bias: arrays["\(name).\(part).1"]!,
        activation: activation)
    }
    let depth = (0...).first { arrays["\(name).trunk.\($0).0"] == nil }!
    let (sigma, feature) = (layer("sigma", .none), layer("feature", .none))
    let last = Linear(
      weight: .concatenate([sigma.weight, feature.weight]),
      bias: .concatenate([sigma.bias!, feature.bias!]))
    let encoding = PositionalEncoding(frequencies: octaves.position)
    let features = feature.bias!.count
    var trunk = MultilayerPerceptron(
      widths: [encoding.outputs(inputs: 3)] + [Int](repeating: features, count: depth) + [
        features + 1
      ], skips: skips, seed: 0, dtype: .float64)
    trunk.layers = (0..<depth).map { layer("trunk.\($0)", .relu) } + [last]
    // The authors put directions behind features.
    var view = layer("view", .relu)
    let columns = view.weight.shape[1]
    view.weight = .concatenate(
      [
        view.weight.slice(axis: 1, from: features, to: columns),
        view.weight.slice(axis: 1, from: 0, to: features),
      ], axis: 1)
    var head = MultilayerPerceptron(
      widths: [columns, view.bias!.count, 3], seed: 0, dtype: .float64)
    head.layers = [view, layer("rgb", .sigmoid)]
    return NeuralField(
      .density, densityActivation: .none, encoding: encoding, trunk: trunk, head: head,
      headInputs: [.direction, .features],
      directionEncoding: PositionalEncoding(frequencies: octaves.direction), dtype: .float64)
  }
}
