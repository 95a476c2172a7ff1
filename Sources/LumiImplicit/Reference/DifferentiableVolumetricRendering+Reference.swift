import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor

extension DifferentiableVolumetricRendering {
  /// Answers the vectors "dvr" with the published constants, and the closed form "truth-sphere-hit".
  public static let reference = ReferenceAdapter(methods: ["dvr", "truth-sphere-hit"]) { vector in
    if vector.method == "truth-sphere-hit" { return try sphereHits(vector) }
    if vector.tensors["logits"] != nil { return try losses(vector) }
    if vector.tensors["latent"] != nil { return try picture(vector) }
    let rays = CameraRays(
      origins: try vector.tensor("ray_o"), directions: try vector.tensor("ray_w"))
    let (interval, isValid) = PublishedCube(halfSide: 0.55).interval(of: rays)
    let ends = Tensor.stack([interval.near, interval.far], axis: 1)
    return [
      "interval": Tensor.where(isValid.expandingDims(at: 1), ends, 0),
      "mask": isValid.cast(to: .float64),
    ]
  }

  private static func losses(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let batch = try vector.number("batch")
    let (logits, colors) = (try vector.tensor("logits"), try vector.tensor("rgb_pred"))
    let shown = try vector.tensor("rgb_gt")
    let free = valueAndGradient(at: logits) { OccupancyLosses.freeSpace($0) / batch }
    let filled = valueAndGradient(at: logits) { OccupancyLosses.occupancy($0) / batch }
    let color = valueAndGradient(at: colors) { ($0 - shown).abs().sum() / batch }
    return [
      "freespace": free.value, "grad_freespace": free.gradient, "occupancy": filled.value,
      "grad_occupancy": filled.gradient, "rgb": color.value, "grad_rgb": color.gradient,
    ]
  }

  // MARK: The decoder's pictures

  /// A decoder under the vectors' names: "decoder.fc_p.0" and so on.
  private static func decoder(_ vector: ReferenceCase) throws -> ResidualDecoder {
    func layer(_ name: String, _ activation: Activation = .none) throws -> Linear {
      Linear(
        weight: try vector.tensor("decoder.\(name).0"),
        bias: try vector.tensor("decoder.\(name).1"), activation: activation)
    }
    let depth = (0...).first { vector.tensors["decoder.fc_c.\($0).0"] == nil }!
    return ResidualDecoder(
      point: try layer("fc_p"), latent: try vector.tensor("latent"),
      codes: try (0..<depth).map { try layer("fc_c.\($0)") },
      blocks: try (0..<depth).map {
        try block(
          first: layer("blocks.\($0).fc_0", .relu), second: layer("blocks.\($0).fc_1"))
      }, output: try layer("fc_out"))
  }

  private static func block(first: Linear, second: Linear) -> LinearResidualBlock {
    var random = RandomGenerator(seed: 0)
    var block = LinearResidualBlock(
      inputs: first.weight.shape[1], dtype: .float64, using: &random)
    (block.first, block.second) = (first, second)
    return block
  }

  /// The vectors' name of a decoder's parameter.
  private static func published(_ path: String) -> String {
    var name = path.hasPrefix("latent") ? path : "decoder.\(path)"
    for (own, other) in [
      ("point", "fc_p"), ("codes", "fc_c"), ("output", "fc_out"), ("first", "fc_0"),
      ("second", "fc_1"), ("weight", "0"), ("bias", "1"),
    ] {
      name = name.split(separator: ".").map { $0 == own ? other : String($0) }
        .joined(separator: ".")
    }
    return name
  }

  private static func field(_ decoder: ResidualDecoder) -> NeuralField {
    NeuralField(
      .occupancyLogit, trunk: decoder, head: Activation.sigmoid, headInputs: [.features],
      dtype: .float64)
  }

  private static func picture(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let decoder = try decoder(vector)
    let rays = try PublishedPixels(vector)
    let method = DifferentiableVolumetricRendering(
      threshold: try vector.number("tau"), samples: try vector.integer("n_steps"),
      refinement: .secant(iterations: try vector.integer("n_secant")), slopeFloor: .published())
    let (cube, isValid) = PublishedCube(halfSide: try vector.number("cube_half"))
      .interval(of: rays.rays)
    let range = try vector.tensor("depth_range").scalars(as: Double.self)
    let interval = RayInterval(
      near: .where(isValid, cube.near, range[0]), far: .where(isValid, cube.far, range[1]))
    let weights = [try vector.tensor("weights_depth"), try vector.tensor("weights_rgb")]

    var result = try search(vector, method, decoder, rays.rays, interval)
    result["pixels"] = rays.pixels
    result["ray_o"] = rays.rays.origins
    result["ray_w"] = rays.rays.directions
    result["cube_interval"] = .stack([cube.near, cube.far], axis: 1)
    result["cube_mask"] = isValid.cast(to: .float64)
    let names = decoder.parameters.map(\.path)
    let inputs = decoder.parameters.map(\.value) + [rays.rays.origins, rays.rays.directions]
    let product = try vectorJacobianProduct(at: inputs) { inputs -> [Tensor] in
      let moved = try decoder.replacing(Dictionary(uniqueKeysWithValues: zip(names, inputs)))
      let rays = CameraRays(origins: inputs[names.count], directions: inputs[names.count + 1])
      let surface = method.surface(
        of: ImplicitShape(field(moved)), along: rays, in: interval)
      func spread(_ rows: Tensor) -> Tensor {
        .scatterAdd(rows: rows, at: surface.rays, count: rays.origins.shape[0])
      }
      let (depth, color) = (spread(surface.distances), spread(surface.colors))
      return [depth, color, (depth * weights[0]).sum(), (color * weights[1]).sum()]
    }
    (result["depth"], result["rgb"]) = (product.values[0], product.values[1])
    (result["loss_depth"], result["loss_rgb"]) = (product.values[2], product.values[3])
    for (loss, name) in [(2, "depth"), (3, "rgb")] {
      let seeds = product.values.indices.map {
        $0 == loss ? Tensor.ones(like: product.values[$0]) : .zeros(like: product.values[$0])
      }
      let gradients = product.pullback(seeds)
      for (path, gradient) in zip(names.map(published) + ["ray_o", "ray_w"], gradients) {
        result["grad_\(name)_\(path)"] = gradient
      }
    }
    return result
  }

  private static func search(
    _ vector: ReferenceCase, _ method: DifferentiableVolumetricRendering,
    _ decoder: ResidualDecoder, _ rays: CameraRays, _ interval: RayInterval
  ) throws -> [String: Tensor] {
    let shape = ImplicitShape(field(decoder))
    let share = Tensor.linspace(0, 1, method.samples, dtype: .float64).expandingDims(at: 0)
    let proposals =
      interval.near.expandingDims(at: 1)
      + (interval.far - interval.near).expandingDims(at: 1) * share
    let points =
      rays.origins.expandingDims(at: 1)
      + rays.directions.expandingDims(at: 1) * proposals.expandingDims(at: 2)
    let values = method.levelSet(of: shape).values(at: points.reshaped([-1, 3]))
      .reshaped(proposals.shape)
    // With more steps the secant has converged.
    var exact = method
    exact.refinement = .secant(iterations: 100)
    let surface = exact.surface(of: shape, along: rays, in: interval)
    return [
      "proposals": proposals, "values": values,
      "first_change_index": Tensor(firstChanges(values).map { Double($0) }),
      "depth_exact": .scatterAdd(
        rows: surface.distances, at: surface.rays, count: rays.origins.shape[0]),
    ]
  }

  /// Per ray: the first sample whose side is not that of the next one; -1 if there is none.
  private static func firstChanges(_ values: Tensor) -> [Int] {
    let (count, samples) = (values.shape[0], values.shape[1])
    let isInside = (values .>= 0).scalars(as: Bool.self)
    return (0..<count).map { ray in
      let row = isInside[ray * samples..<(ray + 1) * samples]
      guard let first = row.firstIndex(of: !row.first!) else { return -1 }
      return first - row.startIndex - 1
    }
  }

  // MARK: Closed forms

  private static func sphereHits(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let count = (0...).first { vector.tensors["rays.\($0).origin"] == nil }!
    var result: [String: Tensor] = [:]
    for ray in 0..<count {
      let names = ["centre", "radius", "origin", "direction"]
      let inputs = try names.map { try vector.tensor("rays.\(ray).\($0)") }
      for (name, value) in try sphereHit(inputs, names) { result["rays.\(ray).\(name)"] = value }
    }
    return result
  }

  private static func sphereHit(
    _ inputs: [Tensor], _ names: [String]
  ) throws -> [String: Tensor] {
    // Steep on purpose: how steep the field is must not matter.
    let method = DifferentiableVolumetricRendering(
      samples: 64, refinement: .bisection(iterations: 60), slopeFloor: .angle(1e-9))
    let product = vectorJacobianProduct(at: inputs) { inputs in
      let field = SphereField(centre: inputs[0], radius: inputs[1])
      let rays = CameraRays(
        origins: inputs[2].expandingDims(at: 0), directions: inputs[3].expandingDims(at: 0))
      // From the origin to where the ray comes closest to the centre, which is inside.
      let arm = (inputs[0] - inputs[2]).stoppingGradient()
      let way = inputs[3].stoppingGradient()
      let middle = ((arm * way).sum() / way.square().sum()).reshaped([1])
      let surface = method.surface(
        of: ImplicitShape(field), along: rays,
        in: RayInterval(near: middle * 0, far: middle))
      let normals = field.samples(at: surface.positions, withGradients: true).gradients!
      return [
        surface.distances.reshaped([]), surface.positions.reshaped([3]),
        normals.reshaped([3]),
      ]
    }
    var result: [String: Tensor] = [:]
    for (output, name) in ["t", "point", "normal"].enumerated() {
      let value = product.values[output]
      result[name] = value
      let rows = (0..<value.count).map { entry -> [Tensor] in
        product.pullback(
          product.values.indices.map {
            let seed = Tensor.zeros(like: product.values[$0])
            guard $0 == output else { return seed }
            return value.rank == 0
              ? .ones(like: value) : Tensor.eye(3, dtype: value.dtype)[.index(entry)]
          })
      }
      for (input, parameter) in names.enumerated() {
        let derivative = rows.map { $0[input] }
        result["d\(name)_d\(parameter)"] = value.rank == 0 ? derivative[0] : .stack(derivative)
      }
    }
    return result
  }
}

/// The pixels of the published program and their rays, from matrices of 4 × 4.
private struct PublishedPixels {
  /// [W H, 2] in [-1, 1], columns outside.
  let pixels: Tensor
  /// Directions that reach depth 1.
  let rays: CameraRays

  init(_ vector: ReferenceCase) throws {
    let (height, width) = (try vector.integer("H"), try vector.integer("W"))
    var places: [Double] = []
    for x in 0..<width {
      for y in 0..<height {
        places.append(2 * Double(x) / Double(width - 1) - 1)
        places.append(2 * Double(y) / Double(height - 1) - 1)
      }
    }
    let count = width * height
    let pixels = Tensor(places, shape: [count, 2])
    let matrix = try vector.tensor("scale_mat").inverse()
      .matmul(vector.tensor("world_mat").inverse()).matmul(vector.tensor("K").inverse())
    func world(_ points: Tensor) -> Tensor {
      points.matmul(matrix, transposingRight: true).slice(axis: 1, from: 0, to: 3)
    }
    let ones = Tensor.ones([count, 2], dtype: .float64)
    let nothing = Tensor.zeros([count, 3], dtype: .float64)
    let origins = world(.concatenate([nothing, ones.slice(axis: 1, from: 0, to: 1)], axis: 1))
    self.pixels = pixels
    rays = CameraRays(
      origins: origins, directions: world(.concatenate([pixels, ones], axis: 1)) - origins)
  }
}

/// The published program's intersection of rays with a cube around the origin: distances to the two
/// faces that are met, without a sign, so that an origin inside sees the way behind it as one ahead.
/// A ray that meets an edge counts three faces and so misses.
struct PublishedCube {
  let halfSide: Double
  /// How far beyond the cube a face still counts.
  var tolerance = 1e-6

  /// - Parameter rays: [R, 3] each, directions of any length.
  /// - Returns: near and far [R], 0 for rays that miss, and bool [R]: whether a ray meets two faces.
  func interval(of rays: CameraRays) -> (interval: RayInterval, isValid: Tensor) {
    let origins = rays.origins.scalars(as: Double.self)
    let directions = rays.directions.scalars(as: Double.self)
    let count = origins.count / 3
    var ends = [Double](repeating: 0, count: 2 * count)
    var isValid = [Double](repeating: 0, count: count)
    for ray in 0..<count {
      let origin = SIMD3(origins[3 * ray], origins[3 * ray + 1], origins[3 * ray + 2])
      let way = SIMD3(directions[3 * ray], directions[3 * ray + 1], directions[3 * ray + 2])
      let found = distances(origin, way)
      guard found.count == 2 else { continue }
      (ends[2 * ray], ends[2 * ray + 1]) = (found.min()!, found.max()!)
      isValid[ray] = 1
    }
    let both = Tensor(ends, shape: [count, 2]).cast(to: rays.origins.dtype)
    return (
      RayInterval(
        near: both.slice(axis: 1, from: 0, to: 1).squeezed(axis: 1),
        far: both.slice(axis: 1, from: 1, to: 2).squeezed(axis: 1)),
      Tensor(isValid) .> 0
    )
  }

  private func distances(_ origin: SIMD3<Double>, _ way: SIMD3<Double>) -> [Double] {
    var result: [Double] = []
    for axis in 0..<3 {
      for side in [-halfSide, halfSide] {
        // A ray along the face gives a number that is not finite and fails the test.
        let apart = way * ((side - origin[axis]) / way[axis])
        let point = origin + apart
        let isInside = (0..<3).allSatisfy { point[$0].magnitude <= halfSide + tolerance }
        if isInside { result.append(((apart * apart).sum() / (way * way).sum()).squareRoot()) }
      }
    }
    return result
  }
}
