import Lumigrad

/// The workloads of `gradbench perf` that evaluate and draw implicit fields.
enum ImplicitWorkloads {
  static var all: [Workload] {
    let idr = "IDR's signed distance network"
    return [
      values(distanceNetwork(), frequencies: 6, name: "mlp-512x8", of: idr),
      gradients(distanceNetwork(), frequencies: 6, name: "mlp-512x8-gradient", of: idr),
      gradients(
        .nerfTrunk(seed: 3), frequencies: 10, name: "mlp-256x8-gradient", of: "NeRF's trunk"),
      radianceStep,
      trace(),
    ]
  }

  private static let points = 65_536

  /// The geometry network of IDR (Yariv et al., NeurIPS 2020): 8 layers of 512, softplus of
  /// sharpness 100, normalised weights, a distance and 256 features.
  private static func distanceNetwork() -> MultilayerPerceptron {
    .sphere(
      inputs: 39, hidden: [Int](repeating: 512, count: 8), outputs: 257, skips: [4], seed: 5)
  }

  private static func values(
    _ network: MultilayerPerceptron, frequencies: Int, name: String, of what: String
  ) -> Workload {
    let forward = network.forwardOperations(points: points)
    return Workload(
      name: name, summary: "\(what) on \(points) points, to all weights",
      forwardOperations: forward, totalOperations: 3 * forward - inputOperations(network)
    ) {
      prepared(network, frequencies: frequencies) { [$0($1)] }
    }
  }

  private static func gradients(
    _ network: MultilayerPerceptron, frequencies: Int, name: String, of what: String
  ) -> Workload {
    let forward = network.gradientOperations(points: points)
    return Workload(
      name: name, summary: "\(what) and its spatial gradient on \(points) points, to all weights",
      forwardOperations: forward, totalOperations: 3 * forward - inputOperations(network)
    ) {
      prepared(network, frequencies: frequencies) { network, encoded in
        let (outputs, gradient) = network.outputsAndGradient(at: encoded)
        return [outputs, gradient]
      }
    }
  }

  /// What a backward pass need not multiply: the input, where it enters, needs no derivative.
  private static func inputOperations(_ network: MultilayerPerceptron) -> Double {
    let inputs = network.layers[0].weight.shape[1]
    let entries = network.skips.union([0]).reduce(0) { $0 + network.layers[$1].weight.shape[0] }
    return 2 * Double(points) * Double(inputs * entries)
  }

  /// A network's parameters, and a function of them on encoded points.
  private static func prepared(
    _ network: MultilayerPerceptron, frequencies: Int,
    _ evaluate: @escaping (MultilayerPerceptron, Tensor) -> [Tensor]
  ) -> (parameters: [Tensor], function: ([Tensor]) throws -> [Tensor]) {
    var random = RandomGenerator(seed: 4)
    let encoded = positionalEncoding(
      random.uniform([points, 3], low: -1), frequencies: frequencies)
    let names = network.parameters.map(\.path)
    return (
      network.parameters.map(\.value),
      { inputs in
        let named = Dictionary(uniqueKeysWithValues: zip(names, inputs))
        return evaluate(try network.replacing(named), encoded)
      }
    )
  }

  /// IDR's tracing of its geometry network as it begins, a sphere, and Lemma 1 at the hits.
  private static func trace() -> Workload {
    let side = 256
    return Workload(
      name: "sdf-trace",
      summary: """
        \(side * side) rays to IDR's signed distance network as it begins, and Lemma 1's points, to \
        all weights
        """
    ) {
      let field = NeuralField(
        .signedDistance, encoding: PositionalEncoding(frequencies: 6), trunk: distanceNetwork())
      let rays = PixelRays(
        of: .perspective(
          from: [0.6, 0.8, 2], verticalFieldOfView: radians(degrees: 50), width: side, height: side)
      ).rays
      let interval = RayInterval(of: rays, in: .ball(radius: 1))
      let names = field.parameters.map(\.path)
      return (
        field.parameters.map(\.value),
        { inputs in
          let field = try field.replacing(Dictionary(uniqueKeysWithValues: zip(names, inputs)))
          let traced = SurfaceTracer().trace(rays, in: interval, to: LevelSet(field))
          let hits = CameraRays(
            origins: rays.origins.gather(traced.hits),
            directions: rays.directions.gather(traced.hits))
          return [
            RaySurfacePoints(
              of: field, along: hits, at: traced.distances.gather(traced.hits)
            ).positions
          ]
        }
      )
    }
  }
}
