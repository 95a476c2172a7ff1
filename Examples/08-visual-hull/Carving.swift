import Lumigrad

/// From masks to the probability that cells are filled, by gradient descent through Differentiable
/// Ray Consistency.
struct Carving {
  var counts: SIMD3<Int>
  var steps: Int
  /// Rays a step.
  var batch: Int

  /// The cells' occupancy.
  func run(_ photographs: Photographs) throws -> VoxelGrid {
    var grid = VoxelGrid(
      values: .zeros([counts.x, counts.y, counts.z]), quantity: .occupancy,
      lower: Photographs.lower, upper: Photographs.upper)
    let seen = SeenRays(photographs, through: grid)
    let passed = GridTraversal.exact.cells(of: seen.rays, in: CellLattice(grid))
    var random = RandomGenerator(seed: 1)
    // A tenth filled: light enough for a ray to reach the far side, and no cell is decided yet.
    var logits = ["emptiness": Tensor.full([grid.values.count], 2.2)]
    var adam = Adam(learningRate: .cosine(initial: 0.3, final: 0.03, steps: steps), epsilon: 1e-12)
    for _ in 0..<steps {
      let rows = seen.someRows(batch, &random)
      let cells = RayCells(
        cells: passed.cells.gather(rows), entries: passed.entries.gather(rows),
        exits: passed.exits.gather(rows))
      let cost = EventCost.mask(isBackground: 1 - seen.coverage.gather(rows), cells: cells)
      let slope = gradient(at: logits["emptiness"]!) {
        RayConsistency.losses(emptiness: $0.sigmoid(), cells: cells, cost: cost).mean()
      }
      try adam.update(&logits, gradients: ["emptiness": slope])
    }
    grid.values = (1 - logits["emptiness"]!.sigmoid()).reshaped(grid.values.shape)
    return grid
  }

  /// Signed distances on nodes whose surface is where cells are half filled.
  static func distances(of occupancy: VoxelGrid, nodes: SIMD3<Int>) -> VoxelGrid {
    var grid = VoxelGrid(
      values: .zeros([nodes.x, nodes.y, nodes.z]), quantity: .signedDistance, placement: .nodes,
      lower: occupancy.lower, upper: occupancy.upper)
    let points = occupancy.gridPoints(grid.valuePositions().reshaped([-1, 3]))
    let filled = sampleTrilinear(
      occupancy.values.expandingDims(at: 3), at: points, border: .clamped)
    grid.values = (0.5 - filled).reshaped(grid.values.shape)
    return grid.redistanced()
  }
}
