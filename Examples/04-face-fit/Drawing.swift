import ArgumentParser
import Foundation
import Lumigrad

/// The renderers to choose from. All light the vertices (Gouraud).
enum Drawing: String, CaseIterable, ExpressibleByArgument {
  case antialiased, soft, dibr, analytical

  /// Colour over black and coverage, [height, width, 4].
  func draw(_ scene: Scene<Mesh>, from camera: Camera) throws -> Tensor {
    let output = try renderer(for: camera).render(scene, from: camera)
    return Tensor.concatenate(
      [try output[.color], try output[.alpha].expandingDims(at: 2)], axis: 2)
  }

  private func renderer(for camera: Camera) -> any Renderer<Mesh> {
    switch self {
    case .antialiased: return AntialiasedRasterizer()
    case .dibr: return DIBRenderer()
    case .analytical: return HardRasterizer(channels: [.color, .alpha])
    case .soft:
      var renderer = SoftRasterizer()
      // A fifth of a pixel at every size.
      renderer.sigma = pow(0.4 / Double(camera.height), 2)
      renderer.depthRange = 3...9
      return renderer
    }
  }
}

extension Tensor {
  /// Means of blocks of `factor` × `factor` pixels of [height, width, C].
  func pooled(_ factor: Int) -> Tensor {
    reshaped([shape[0] / factor, factor, shape[1] / factor, factor, shape[2]]).mean(axes: [1, 3])
  }
}
