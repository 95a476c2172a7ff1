import Lumigrad

extension ImplicitWorkloads {
  /// One step of training a NeRF of the published size: both passes and both networks.
  static var radianceStep: Workload {
    let (rays, coarse, added) = (1024, 64, 128)
    let network = NeuralField.radiance(seed: 1)
    let weights = network.parameters.filter { $0.value.rank == 2 }.map(\.value.count)
    let points = Double(rays * (2 * coarse + added))
    let forward = 2 * points * Double(weights.reduce(0, +))
    // Backward multiplies twice for every weight, but encoded points and directions need no gradient.
    let inputs = 2 * points * Double(2 * 63 * 256 + 27 * 128)
    return Workload(
      name: "nerf-step",
      summary: "NeRF's published networks, 1,024 rays with 64 + 128 stratified samples, both "
        + "passes' errors, to all weights",
      forwardOperations: forward, totalOperations: 3 * forward - inputs
    ) {
      let field = CoarseToFineField(coarse: network, fine: NeuralField.radiance(seed: 2))
      let scene = Scene(
        ImplicitShape(field, bounds: .ball(radius: 1.5)), background: .ones([3]))
      let cameras = (0..<4).map { index in
        Camera.perspective(
          from: [Double(index) - 1.5, 1, 3], verticalFieldOfView: radians(degrees: 30), width: 100,
          height: 100)
      }
      var random = RandomGenerator(seed: 5)
      let pixels = random.integers([rays], below: 40_000)
      let wanted = random.uniform([1, rays, 3])
      let renderer = NeRF(
        samples: coarse, importanceSamples: added, seed: 1, channels: [.color, NeRF.coarseColor])
      let parameters = scene.parameters.filter { $0.path.hasPrefix("field.") }
      let names = parameters.map(\.path)
      return (
        parameters.map(\.value),
        { inputs in
          let moved = try scene.replacing(Dictionary(uniqueKeysWithValues: zip(names, inputs)))
          let seen = try renderer.render(moved, pixels: pixels, of: cameras)
          return [
            Loss.meanSquaredError(try seen[.color], wanted)
              + Loss.meanSquaredError(try seen[NeRF.coarseColor], wanted)
          ]
        }
      )
    }
  }
}
