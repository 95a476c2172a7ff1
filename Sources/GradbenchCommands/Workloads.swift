import Foundation
import Lumigrad

/// The standard workloads of `gradbench perf`.
enum Workloads {
  /// The environment variable `LUMIGRAD_DATA`, else ../shared/data.
  static var defaultDataFolder: String {
    ProcessInfo.processInfo.environment["LUMIGRAD_DATA"] ?? "../shared/data"
  }

  static func all(data: String) -> [Workload] {
    [
      softSilhouette(data: data), hardColor(256, data: data), hardColor(512, data: data),
      antialiasedColor(256, data: data), antialiasedColor(512, data: data), perceptron(),
    ] + millionFaces + VoxelWorkloads.all + PointWorkloads.all(data: data)
      + ImplicitWorkloads.all
  }

  private static var millionFaces: [Workload] {
    [
      ScalingWorkloads.millionFaces(
        HardRasterizer(channels: [.color]), name: "million-faces-1024"),
      ScalingWorkloads.millionFaces(
        AntialiasedRasterizer(channels: [.color]), name: "million-faces-antialiased-1024"),
      ScalingWorkloads.millionFaces(
        SoftRasterizer.silhouettes, name: "million-faces-soft-silhouette-1024"),
    ]
  }

  /// spot, centred, the farthest vertex at 1.
  private static func spot(_ data: String) throws -> Mesh {
    var mesh = try Mesh(contentsOf: data + "/meshes/spot/spot_triangulated.obj")
      .centredAndScaled(around: .vertexMean)
    mesh.vertexNormals = nil
    return mesh
  }

  private static func camera(_ size: Int) -> Camera {
    let (distance, elevation, azimuth) = (2.7, radians(degrees: 20), radians(degrees: 150))
    return .perspective(
      from: [
        distance * cos(elevation) * sin(azimuth), distance * sin(elevation),
        distance * cos(elevation) * cos(azimuth),
      ], verticalFieldOfView: radians(degrees: 60), width: size, height: size)
  }

  private static func softSilhouette(data: String) -> Workload {
    Workload(
      name: "soft-silhouette-256",
      summary: "Soft Rasterizer's silhouette of spot, 256×256, sigma 1e-4, to the vertices"
    ) {
      let mesh = try spot(data)
      let camera = camera(256)
      let renderer = SoftRasterizer.silhouettes
      return (
        [mesh.vertices],
        { inputs in
          var moved = mesh
          moved.vertices = inputs[0]
          return [try renderer.render(Scene(moved), from: camera)[.alpha]]
        }
      )
    }
  }

  private static func hardColor(_ size: Int, data: String) -> Workload {
    color(
      "hard-colour-\(size)", "hard rasteriser",
      HardRasterizer(shader: .gouraud, channels: [.color]), size, data)
  }

  private static func antialiasedColor(_ size: Int, data: String) -> Workload {
    color(
      "antialiased-colour-\(size)", "hard rasteriser with analytic antialiasing",
      AntialiasedRasterizer(shader: .gouraud, channels: [.color]), size, data)
  }

  private static func color(
    _ name: String, _ method: String, _ renderer: some Renderer<Mesh>, _ size: Int, _ data: String
  ) -> Workload {
    Workload(
      name: name,
      summary: "\(method), vertex colours under one directional light, \(size)×\(size)"
    ) {
      let mesh = try spot(data)
      let camera = camera(size)
      let light = Light.directional(
        direction: Tensor([0.3, 0.8, -0.5] as [Float]), intensity: .ones([3]))
      var random = RandomGenerator(seed: 5)
      return (
        [mesh.vertices, random.uniform([mesh.vertexCount, 3])],
        { inputs in
          var changed = mesh
          changed.vertices = inputs[0]
          changed.appearance = .vertexColors(inputs[1])
          return [try renderer.render(Scene(changed, lights: [light]), from: camera)[.color]]
        }
      )
    }
  }

  private static func perceptron() -> Workload {
    let points = 65_536
    let network = MultilayerPerceptron.nerfTrunk(seed: 3)
    let forward = network.forwardOperations(points: points)
    // Backward multiplies twice for every weight, but the input needs no gradient.
    let input = 2 * Double(points) * 2 * Double(network.layers[0].weight.count)
    return Workload(
      name: "mlp-256x8", summary: "NeRF's trunk on 65,536 points, to all weights",
      forwardOperations: forward, totalOperations: 3 * forward - input / 2
    ) {
      var random = RandomGenerator(seed: 4)
      let encoded = positionalEncoding(random.uniform([points, 3], low: -1), frequencies: 10)
      let names = network.parameters.map(\.path)
      return (
        network.parameters.map(\.value),
        { inputs in
          let replaced = try network.replacing(
            Dictionary(uniqueKeysWithValues: zip(names, inputs)))
          return [replaced(encoded)]
        }
      )
    }
  }
}
