import Lumigrad

/// The workloads of `gradbench perf` that draw or compare point clouds.
enum PointWorkloads {
  static func all(data: String) -> [Workload] {
    [chamfer(), neighbours(), allPairs()]
  }

  private static func chamfer() -> Workload {
    Workload(
      name: "chamfer-10k", summary: "Chamfer distance of two clouds of 10,000 points, to both"
    ) {
      var random = RandomGenerator(seed: 6)
      return (
        [random.uniform([10_000, 3]), random.uniform([10_000, 3])],
        { [Loss.chamfer($0[0], $0[1])] }
      )
    }
  }

  /// The search alone: forward is all of it, backward a copy.
  private static func neighbours() -> Workload {
    Workload(
      name: "neighbours-100k", summary: "the 8 nearest of 100,000 points, to each of them"
    ) {
      var random = RandomGenerator(seed: 7)
      return (
        [random.uniform([100_000, 3])],
        { inputs in
          let plain = inputs[0].stoppingGradient()
          let found = nearestNeighbours(of: plain, in: plain, count: 8)
          return [inputs[0].gather(found.indices.slice(axis: 1, from: 7, to: 8)).sum()]
        }
      )
    }
  }

  /// What the tree is measured against: one nearest point by all pairs, for a fiftieth of the points.
  private static func allPairs() -> Workload {
    Workload(
      name: "all-pairs-100k",
      summary: "the nearest of 100,000 points by all pairs, to 2,000 of them"
    ) {
      var random = RandomGenerator(seed: 7)
      return (
        [random.uniform([100_000, 3])],
        { inputs in
          let plain = inputs[0].stoppingGradient()
          let queries = plain.slice(axis: 0, from: 0, to: 2_000)
          return [inputs[0].gather(NearestNeighbours.ofAllPairs(queries, plain)).sum()]
        }
      )
    }
  }
}
