import Foundation
import Lumigrad

/// Spheres and tori of many sizes, drawn by any mesh method: what `gradbench perf --scaling` times.
enum ScalingWorkloads {
  /// Subdivisions of the icosphere and its faces, 80 to 327,680.
  static let spheres = (1...7).map { (subdivisions: $0, faces: 20 << (2 * $0)) }
  /// Sides of the images of the series over pixels.
  static let sides = [64, 128, 256, 512, 1024]
  /// The image of the series over faces.
  static let side = 256
  /// The sphere of the series over pixels: 5,120 faces.
  static let subdivisions = 4

  /// A coloured icosphere under one light, seen from outside.
  static func sphere(
    _ renderer: any Renderer<Mesh>, subdivisions: Int, side: Int, name: String
  ) -> Workload {
    drawing(renderer, name: name, summary: "an icosphere, \(side)×\(side)", side: side) {
      Mesh.icosphere(subdivisions: subdivisions)
    }
  }

  /// A torus of 1,000,000 faces at 1024×1024.
  static func millionFaces(_ renderer: any Renderer<Mesh>, name: String) -> Workload {
    drawing(
      renderer, name: name, summary: "a torus of 1,000,000 faces, 1024×1024, to its vertices",
      side: 1024
    ) {
      Mesh.torus(majorRadius: 0.65, minorRadius: 0.35, majorSegments: 1000, minorSegments: 500)
    }
  }

  /// Colour and alpha, as far as the method has them, to vertices and vertex colours.
  private static func drawing(
    _ renderer: any Renderer<Mesh>, name: String, summary: String, side: Int,
    mesh: @escaping @Sendable () -> Mesh
  ) -> Workload {
    Workload(name: name, summary: summary) {
      let mesh = mesh()
      let camera = Camera.perspective(
        from: [0.6, 1.7, 2.4], verticalFieldOfView: radians(degrees: 45), width: side,
        height: side)
      let light = Light.directional(
        direction: Tensor([0.3, 0.8, 0.5] as [Float]), intensity: .ones([3]))
      var random = RandomGenerator(seed: 5)
      return (
        [mesh.vertices, random.uniform([mesh.vertexCount, 3])],
        { inputs in
          var changed = mesh
          changed.vertices = inputs[0]
          changed.vertexNormals = nil
          changed.appearance = .vertexColors(inputs[1])
          let output = try renderer.render(Scene(changed, lights: [light]), from: camera)
          return try [RenderChannel.color, .alpha].filter(output.channels.contains)
            .map { try output[$0] }
        }
      )
    }
  }
}
