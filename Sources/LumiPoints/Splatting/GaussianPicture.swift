import LumiRendering
import LumiScene
import LumiTensor

/// What methods that splat Gaussians share: the values to blend, and the images made of the sums.
struct GaussianPicture {
  let scene: Scene<GaussianCloud>
  let camera: Camera
  let wanted: Set<RenderChannel>
  let method: String

  /// Checks the scene and the camera.
  init(
    _ scene: Scene<GaussianCloud>, _ camera: Camera, wanted: Set<RenderChannel>, method: String
  ) throws {
    let known: Set<RenderChannel> = [.color, .alpha, .depth, .normal]
    if let unknown = wanted.subtracting(known).min(by: { $0.name < $1.name }) {
      throw RenderError.missingChannel(
        unknown.name, method: method, available: known.map(\.name).sorted())
    }
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: method, parameter: name, expected: expected, actual: actual)
    }
    let cloud = scene.shape
    try cloud.checkStructure()
    try scene.checkFrame(for: camera, method: method, channels: cloud.channels)
    try require(
      (1...1 << 20).contains(camera.width) && (1...1 << 20).contains(camera.height), "camera",
      "1 to \(1 << 20) pixels a side", "\(camera.width)×\(camera.height) pixels")
    switch camera.model {
    case .perspective, .orthographic, .weakPerspective: break
    case .quadratic, .brown, .fisheye, .thinLens:
      try require(
        false, "camera.model", "perspective, orthographic or weakPerspective", "\(camera.model)")
    }
    for (index, light) in scene.lights.enumerated() {
      try light.checkShapes(dtype: scene.dtype, field: "light.\(index)")
    }
    self.scene = scene
    self.camera = camera
    self.wanted = wanted
    self.method = method
  }

  /// [N, K]: colours, normals if wanted, and the columns given.
  func values(reflection: Reflection, _ others: [Tensor] = []) -> Tensor {
    var columns = [scene.colors(from: camera, reflection: reflection)]
    if wanted.contains(.normal) {
      columns.append(
        scene.shape.normals(towards: camera.directionToEye(from: scene.shape.positions)))
    }
    columns += others
    return columns.count == 1 ? columns[0] : Tensor.concatenate(columns, axis: 1)
  }

  /// The images from sums [height, width, K + 2] whose last two planes are depth and alpha.
  func output(_ sums: Tensor) -> RenderOutput {
    let channels = scene.shape.channels
    let last = sums.shape[2]
    let weight = sums.slice(axis: 2, from: last - 1, to: last)
    var images: [RenderChannel: Tensor] = [:]
    if wanted.contains(.color) {
      images[.color] =
        sums.slice(axis: 2, from: 0, to: channels) + (1 - weight) * scene.background
    }
    if wanted.contains(.alpha) { images[.alpha] = weight.squeezed(axis: 2) }
    if wanted.contains(.depth) {
      let isEmpty = weight.stoppingGradient() .<= 0
      let depth = sums.slice(axis: 2, from: last - 2, to: last - 1)
      images[.depth] = (depth / Tensor.where(isEmpty, 1, weight)).squeezed(axis: 2)
    }
    if wanted.contains(.normal) {
      images[.normal] = sums.slice(axis: 2, from: channels, to: channels + 3).unitVectors()
    }
    return RenderOutput(
      method: method, height: camera.height, width: camera.width, images: images)
  }
}
