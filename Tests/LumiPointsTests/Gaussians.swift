import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport

@testable import LumiPoints

/// Scenes of Gaussians that tests share.
enum Gaussians {
  /// Overlapping Gaussians of all shapes before a camera, seen askew.
  ///
  /// - Parameters:
  ///   - count: how many.
  ///   - degree: of the harmonics.
  ///   - flat: surfels.
  static func view(
    count: Int = 7, degree: Int = 1, flat: Bool = false, lights: [Light] = [], seed: UInt64 = 11,
    width: Int = 13, height: Int = 9, dtype: DType = .float64
  ) -> SceneView<GaussianCloud> {
    var random = RandomGenerator(seed: seed)
    func normal(_ shape: [Int], _ deviation: Double) -> Tensor {
      random.normal(shape, deviation: deviation, dtype: .float64)
    }
    let harmonics = (degree + 1) * (degree + 1)
    let cloud = GaussianCloud(
      positions: normal([count, 3], 0.5), logScales: normal([count, flat ? 2 : 3], 0.4) - 1.3,
      rotations: normal([count, 4], 1), opacityLogits: normal([count], 1.5),
      harmonics: normal([count, harmonics, 3], 0.3) + 0.2)
    var camera = Camera.perspective(
      from: [0.4, 0.5, 3], verticalFieldOfView: 0.7, width: width, height: height, dtype: .float64)
    camera.principalPoint = camera.principalPoint + Tensor([0.7, -0.4])
    camera.skew = Tensor(0.3, dtype: .float64)
    let scene = Scene(cloud, lights: lights, background: Tensor([0.2, 0.5, 0.9]))
    return SceneView(scene: scene, camera: camera).cast(to: dtype)
  }

  static let parameters = ["positions", "logScales", "rotations", "opacityLogits", "harmonics"]
    .map { "gaussians." + $0 }
  static let cameraParameters = [
    "camera.rotation", "camera.translation", "camera.focalLength", "camera.principalPoint",
    "camera.skew",
  ]

  /// Limits that leave nothing out that differences could meet.
  static var smooth: SplatLimits {
    var limits = SplatLimits()
    limits.leastAlpha = 1e-14
    limits.leastTransmittance = 0
    return limits
  }
}

/// Both methods under one name, for tests that ask the same of both.
enum SplatMethod: String, CaseIterable, Sendable {
  case gaussians, surfels

  func renderer(
    _ limits: SplatLimits = Gaussians.smooth, _ evaluation: SplatEvaluation = .kernel,
    channels: Set<RenderChannel> = [.color, .alpha, .depth, .normal],
    reflection: Reflection = .lambert
  ) -> any Renderer<GaussianCloud> {
    switch self {
    case .gaussians:
      var renderer = GaussianSplatting(channels: channels, reflection: reflection)
      renderer.limits = limits
      renderer.evaluation = evaluation
      return renderer
    case .surfels:
      var renderer = GaussianSurfels(channels: channels, reflection: reflection)
      renderer.limits = limits
      renderer.evaluation = evaluation
      return renderer
    }
  }

  func view(
    count: Int = 7, degree: Int = 1, lights: [Light] = [], seed: UInt64 = 11, width: Int = 13,
    height: Int = 9, dtype: DType = .float64
  ) -> SceneView<GaussianCloud> {
    Gaussians.view(
      count: count, degree: degree, flat: self == .surfels, lights: lights, seed: seed,
      width: width, height: height, dtype: dtype)
  }
}
