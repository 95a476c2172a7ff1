import Lumigrad

/// The workloads of `gradbench perf` that trace grids of signed distances.
enum SignedDistanceWorkloads {
  static var all: [Workload] { [torus(nodes: 64, side: 128), torus(nodes: 128, side: 256)] }

  /// A torus by SDFDiff, colour to distances.
  private static func torus(nodes: Int, side: Int) -> Workload {
    Workload(
      name: "sdf-\(nodes)-\(side)",
      summary: "SDFDiff, a torus on \(nodes)³ nodes, \(side)×\(side), to its distances"
    ) {
      var grid = VoxelGrid(
        values: .zeros([nodes, nodes, nodes]), quantity: .signedDistance, placement: .nodes,
        lower: [-2, -2, -2], upper: [2, 2, 2])
      let places = grid.valuePositions()
      func axis(_ k: Int) -> Tensor { places.slice(axis: 3, from: k, to: k + 1).squeezed(axis: 3) }
      let ring = (axis(0).square() + axis(1).square()).sqrt() - 1.1
      grid.values = (ring.square() + axis(2).square()).sqrt() - 0.5
      let camera = Camera.perspective(
        from: [2, 3, 4], verticalFieldOfView: radians(degrees: 45), width: side, height: side)
      return (
        [grid.values],
        { inputs in
          var changed = grid
          changed.values = inputs[0]
          return [try SDFDiff().render(Scene(changed), from: camera)[.color]]
        }
      )
    }
  }
}
