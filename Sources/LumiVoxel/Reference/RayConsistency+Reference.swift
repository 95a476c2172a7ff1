import LumiRendering
import LumiScene
import LumiTensor

extension RayConsistency {
  /// Answers the vectors "drc" by exact traversal ("ideal") and by the released program's, and the
  /// closed form "truth-voxel-column".
  public static let reference = ReferenceAdapter(methods: ["drc", "truth-voxel-column"]) { vector in
    if vector.method == "truth-voxel-column" { return try column(vector) }
    let rays = ObservedRays(vector, try lattice(vector))
    if vector.tensors["semantics"] != nil { return try rays.semantic() }
    if vector.tensors["color"] != nil { return try rays.color() }
    if vector.tensors["weights_depth"] != nil { return try rays.rendered() }
    return try rays.maskOrDepth()
  }

  private static func lattice(_ vector: ReferenceCase) throws -> CellLattice {
    func triple(_ field: String) throws -> SIMD3<Double> {
      SIMD3(try vector.tensor(field).scalars(as: Double.self))
    }
    let (lower, upper) = (try triple("min"), try triple("max"))
    if vector.tensors["focal_and_step"] != nil {
      let camera = try triple("focal_and_step")
      return CellLattice(
        projectiveFrom: lower, to: upper, focalLength: [camera.x, camera.y],
        logDepthStep: camera.z)
    }
    let shape = try vector.tensor("x").shape
    return CellLattice(from: lower, to: upper, counts: [shape[0], shape[1], shape[2]])
  }

  private static func column(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let x = try vector.tensor("x")
    let product = vectorJacobianProduct(at: [x]) { inputs in
      let occupancy = (1 - inputs[0]).expandingDims(at: 0)
      let weights = TerminationAggregation().weights(of: occupancy, lengths: occupancy)
      return [.concatenate([weights.samples.flattened(), weights.remainder])]
    }
    let rows = (0...x.count).map { row -> Tensor in
      let unit = Tensor((0...x.count).map { $0 == row ? 1.0 : 0 })
      return product.pullback([unit])[0]
    }
    return ["q": product.values[0], "jacobian": .stack(rows)]
  }
}

/// A vector's rays, followed both ways.
private struct ObservedRays {
  let vector: ReferenceCase
  let lattice: CellLattice
  let ways: [(prefix: String, traversal: GridTraversal)]

  init(_ vector: ReferenceCase, _ lattice: CellLattice) {
    self.vector = vector
    self.lattice = lattice
    ways = [("", .pushed(offset: 1e-4)), ("ideal_", .exact)]
  }

  /// Cells with entries as Euclidean distances from the origins.
  private func cells(_ traversal: GridTraversal) throws -> RayCells {
    let directions = try vector.tensor("directions")
    let rays = CameraRays(origins: try vector.tensor("origins"), directions: directions)
    let cells = traversal.cells(of: rays, in: lattice)
    let length = directions.norm(axis: 1, keepDims: true)
    return RayCells(
      cells: cells.cells, entries: cells.entries * length, exits: cells.exits * length)
  }

  /// Losses and their sum's derivatives with respect to emptiness and another tensor of cells.
  private func losses(
    _ traversal: GridTraversal, _ others: [Tensor], _ cost: (RayCells, [Tensor]) throws -> EventCost
  ) throws -> (losses: Tensor, gradients: [Tensor]) {
    let cells = try cells(traversal)
    let product = try vectorJacobianProduct(at: [vector.tensor("x")] + others) { inputs in
      [
        RayConsistency.losses(
          emptiness: inputs[0].flattened(), cells: cells,
          cost: try cost(cells, Array(inputs.dropFirst())))
      ]
    }
    return (product.values[0], product.pullback([.ones(like: product.values[0])]))
  }

  func maskOrDepth() throws -> [String: Tensor] {
    let observed = try vector.tensor("observed")
    let background = try vector.number("max_depth")
    // Nothing but the name tells what was observed.
    let isMask = vector.name == "drc-mask"
    var result: [String: Tensor] = [:]
    for (prefix, traversal) in ways {
      let cells = try cells(traversal)
      let (losses, gradients) = try losses(traversal, []) { cells, _ in
        isMask
          ? .mask(isBackground: observed, cells: cells)
          : .depth(observed: observed, background: background, cells: cells)
      }
      result[prefix + "loss_per_ray"] = losses
      result[prefix + "grad_x"] = gradients[0]
      result.merge(try paths(cells, prefix)) { first, _ in first }
      if prefix == "" {
        // The released program divides by x and writes 0 where it cannot.
        let x = try vector.tensor("x")
        result["grad_x_official"] = Tensor.where(x .> 0, gradients[0], 0)
      }
    }
    return result
  }

  func color() throws -> [String: Tensor] {
    let (observed, background) = (try vector.tensor("observed"), try vector.tensor("background"))
    let color = try vector.tensor("color")
    var result: [String: Tensor] = [:]
    for (prefix, traversal) in ways {
      let (losses, gradients) = try losses(traversal, [color]) { cells, inputs in
        .color(
          observed: observed, colors: inputs[0].reshaped([lattice.cellCount, -1]),
          background: background, cells: cells)
      }
      result[prefix + "loss_per_ray"] = losses
      result[prefix + "grad_x"] = gradients[0]
      result[prefix + "grad_color"] = gradients[1]
    }
    let cells = try cells(.exact)
    let product = try vectorJacobianProduct(at: [vector.tensor("x"), color]) { inputs in
      let events = RayConsistency.events(emptiness: inputs[0].flattened(), cells: cells)
      let colors = cells.gather(inputs[1].reshaped([lattice.cellCount, -1]))
      return [events.composite(colors, background: background)]
    }
    let gradients = product.pullback([try vector.tensor("weights")])
    result["rendered"] = product.values[0]
    result["rendered_grad_x"] = gradients[0]
    result["rendered_grad_color"] = gradients[1]
    return result
  }

  func rendered() throws -> [String: Tensor] {
    let cells = try cells(.exact)
    let background = try vector.number("max_depth")
    let product = try vectorJacobianProduct(at: [vector.tensor("x")]) { inputs in
      let events = RayConsistency.events(emptiness: inputs[0].flattened(), cells: cells)
      return [events.composite(cells.entries, background: background), 1 - events.remainder]
    }
    let (depth, mask) = (product.values[0], product.values[1])
    let none = Tensor.zeros(like: mask)
    return [
      "depth": depth, "mask": mask,
      "grad_x_depth": product.pullback([try vector.tensor("weights_depth"), none])[0],
      "grad_x_mask": product.pullback([none, try vector.tensor("weights_mask")])[0],
    ]
  }

  func semantic() throws -> [String: Tensor] {
    let semantics = try vector.tensor("semantics")
    let (observed, background) = (try vector.tensor("observed"), try vector.tensor("background"))
    let classes = try vector.tensor("classes").cast(to: .int32)
    let farthest = try vector.number("max_depth")
    let (losses, gradients) = try losses(ways[0].traversal, [semantics]) { cells, inputs in
      .semantic(
        observed: observed, classes: classes,
        probabilities: inputs[0].reshaped([lattice.cellCount, -1]),
        backgroundProbabilities: background, background: farthest, cells: cells)
    }
    var result = [
      "loss_per_ray": losses, "grad_x": gradients[0], "grad_semantics": gradients[1],
    ]
    result.merge(try paths(cells(ways[0].traversal), "")) { first, _ in first }
    return result
  }

  /// Cells, distances and event probabilities as lists of different lengths, ray by ray.
  private func paths(_ cells: RayCells, _ prefix: String) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    let events = RayConsistency.events(
      emptiness: try vector.tensor("x").flattened(), cells: cells)
    let rows = cells.cells.scalars(as: Int32.self)
    let width = cells.cells.shape[1]
    for ray in 0..<cells.cells.shape[0] {
      let own = rows[ray * width..<(ray + 1) * width].prefix { $0 >= 0 }.map(Int.init)
      let (y, z) = (lattice.counts.y, lattice.counts.z)
      let indices = own.flatMap { [Double($0 / (y * z)), Double($0 / z % y), Double($0 % z)] }
      let shape = own.isEmpty ? [0] : [own.count, 3]
      result["\(prefix)cells.\(ray)"] = Tensor(indices, shape: shape)
      result["\(prefix)depths.\(ray)"] = cells.entries[ray, 0..<own.count]
      let ends = [events.samples[ray, 0..<own.count], events.remainder[ray..<ray + 1]]
      result["event_probabilities.\(ray)"] = own.isEmpty ? ends[0] : .concatenate(ends)
    }
    return result
  }
}
