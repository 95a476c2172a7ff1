import Foundation
import Lumigrad

/// The workloads of `gradbench perf` that draw or compare point clouds.
enum PointWorkloads {
  static func all(data: String) -> [Workload] {
    [alphaSplatting(data: data), gaussians(), chamfer(), neighbours(), allPairs()]
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

  /// A shell of small flat Gaussians with harmonics of degree 3, as a fitted scene has.
  private static func gaussians() -> Workload {
    Workload(
      name: "gaussians-100k-512",
      summary: "3D Gaussian splatting of 100,000 Gaussians of degree 3, 512×512, to all parameters"
    ) {
      let count = 100_000
      var random = RandomGenerator(seed: 6)
      let directions = random.normal([count, 3]).normalized()
      let cloud = GaussianCloud(
        positions: directions * random.uniform([count, 1], low: 0.9, high: 1),
        logScales: random.uniform([count, 3], low: log(0.003), high: log(0.015)),
        rotations: random.normal([count, 4]), opacityLogits: random.normal([count], deviation: 2),
        harmonics: random.normal([count, 16, 3], deviation: 0.3))
      let camera = Camera.perspective(
        from: [0, 0.7, 2.6], verticalFieldOfView: radians(degrees: 50), width: 512, height: 512)
      let renderer = GaussianSplatting(channels: [.color])
      return (
        [
          cloud.positions, cloud.logScales, cloud.rotations, cloud.opacityLogits, cloud.harmonics,
        ],
        { inputs in
          let changed = GaussianCloud(
            positions: inputs[0], logScales: inputs[1], rotations: inputs[2],
            opacityLogits: inputs[3], harmonics: inputs[4])
          return [try renderer.render(Scene(changed), from: camera)[.color]]
        }
      )
    }
  }

  private static func alphaSplatting(data: String) -> Workload {
    Workload(
      name: "points-256",
      summary: """
        all discs of radius 0.01 of a bunny's 8,171 points, alpha-composited, 256×256, to places \
        and colours
        """
    ) {
      var cloud = try PointCloud(contentsOf: data + "/pointclouds/bunny-8000.ply")
      let centre = (cloud.points.min(axis: 0) + cloud.points.max(axis: 0)) * 0.5
      let centred = cloud.points - centre
      cloud.points = centred / centred.norm(axis: 1).max()
      let camera = Camera.perspective(
        from: [0.9, 0.6, 2.1], verticalFieldOfView: radians(degrees: 50), width: 256, height: 256)
      var random = RandomGenerator(seed: 8)
      return (
        [cloud.points, random.uniform([cloud.count, 3])],
        { inputs in
          let moved = PointCloud(points: inputs[0], appearance: .colors(inputs[1]))
          return [try AlphaSplatting(channels: [.color]).render(Scene(moved), from: camera)[.color]]
        }
      )
    }
  }
}
