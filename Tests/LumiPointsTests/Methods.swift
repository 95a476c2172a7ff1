import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport

@testable import LumiPoints

/// The splatting methods with settings that suit a small picture.
enum Splatting: String, CaseIterable, Sendable {
  case pointProNets, pseudoRenderer, softNearest, hardForward, synSin, synSinSum, volume

  var renderer: any Renderer<PointCloud> {
    switch self {
    case .pointProNets: PointProNets()
    case .pseudoRenderer: PseudoRenderer()
    case .softNearest:
      SoftNearestPoints(
        radius: 0.08, sigma: 0.1, depthRange: 1...6, channels: [.color, .alpha, .depth])
    case .hardForward:
      HardForwardPoints(
        radius: 0.05, depthRange: 1...6, channels: [.color, .alpha, .depth])
    case .synSin: SynSin(radius: 2.6)
    case .synSinSum: SynSin(radius: 2.6, tau: 2, accumulation: .wsumnorm)
    case .volume: DifferentiablePointClouds(planes: 12, depthRange: 2...4, kernelSize: 5)
    }
  }

  /// Whether its gradient is the derivative of its picture.
  var isExact: Bool { self != .hardForward }
}

enum SplattingScene {
  /// A few points of different colours in front of a camera.
  static func view(count: Int = 9, dtype: DType = .float64) -> SceneView<PointCloud> {
    var random = RandomGenerator(seed: 31)
    let cloud = PointCloud(
      points: random.uniform([count, 3], low: -0.7, high: 0.7, dtype: .float64),
      appearance: .colors(random.uniform([count, 3], low: 0.1, high: 0.9, dtype: .float64)))
    let camera = Camera.perspective(
      from: [0.3, 0.2, 3], verticalFieldOfView: 0.75, width: 14, height: 11, dtype: .float64)
    return SceneView(
      scene: Scene(cloud, background: Tensor([0.2, 0.5, 0.1])), camera: camera
    ).cast(to: dtype)
  }

  /// One red point in the middle of the picture's pixel (5, 7).
  static func single() -> SceneView<PointCloud> {
    var view = view(count: 1)
    view.camera = Camera.perspective(
      from: [0, 0, 3], verticalFieldOfView: 0.75, width: 15, height: 11, dtype: .float64)
    view.scene.shape = PointCloud(
      points: .zeros([1, 3], dtype: .float64), appearance: .uniform(Tensor([0.9, 0.1, 0.1])))
    return view
  }
}
