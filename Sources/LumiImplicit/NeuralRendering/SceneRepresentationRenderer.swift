import LumiRendering
import LumiScene
import LumiTensor

/// Pictures of Scene Representation Networks (survey 2.5, neural rendering).
///
/// Computes: for every pixel the colour that the generator makes of the features where its ray ends,
/// after so many steps of learned length, mapped from [-1, 1] to [0, 1] and not limited; depth is
/// camera z there.
/// The derivative is the plain one through all steps, of networks and camera, unless the network
/// bounds it. Where rays begin is drawn once from a seed, and constant.
///
/// Cannot: cover or composite: there is no alpha, and the scene's background and lights do not count.
/// The variant with a network over the whole picture is not here, pixels are independent.
///
/// V. Sitzmann, M. Zollhöfer, G. Wetzstein, "Scene Representation Networks: Continuous
/// 3D-Structure-Aware Neural Scene Representations", NeurIPS 2019.
public struct SceneRepresentationRenderer: Renderer {
  public static let method = MethodDescription(
    id: "implicit/srn", name: "Scene Representation Networks", representation: .implicit,
    type: "neural rendering",
    strengths: "shape and looks from pictures alone; the way along rays is learned",
    limits: "nothing says that rays end at surfaces; all of a ray's networks are in memory; slow",
    citation: "Sitzmann, Zollhöfer, Wetzstein, NeurIPS 2019",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// Of the depths where rays begin.
  public var seed: UInt64
  /// The images to make: colour, depth.
  public var channels: Set<RenderChannel>
  /// About how many numbers a block of rays may keep for the backward pass.
  var numbersPerBlock = 1 << 26

  /// - Parameters:
  ///   - seed: 0 by default.
  ///   - channels: colour by default.
  public init(seed: UInt64 = 0, channels: Set<RenderChannel> = [.color]) {
    self.seed = seed
    self.channels = channels
  }

  public func render(
    _ scene: Scene<SceneRepresentationNetwork>, from camera: Camera
  ) throws -> RenderOutput {
    let id = Self.method.id
    let known: [RenderChannel] = [.color, .depth]
    if let unknown = channels.first(where: { !known.contains($0) }) {
      throw RenderError.missingChannel(
        unknown.name, method: id, available: known.map(\.name))
    }
    try scene.checkFrame(for: camera, method: id, channels: 3)
    try scene.shape.check(method: id)
    let rows = columns(scene.shape, PixelRays(of: camera), seed: seed)
    let (height, width) = (camera.height, camera.width)
    let all: [RenderChannel: Tensor] = [
      .color: rows.slice(axis: 1, from: 0, to: 3).reshaped([height, width, 3]),
      .depth: rows.slice(axis: 1, from: 3, to: 4).reshaped([height, width]),
    ]
    return RenderOutput(
      method: id, height: height, width: width,
      images: all.filter { channels.contains($0.key) })
  }

  /// Colours and depths [R, 4], in blocks that the backward pass computes again.
  private func columns(
    _ network: SceneRepresentationNetwork, _ rays: PixelRays, seed: UInt64
  ) -> Tensor {
    let count = rays.depthPerDistance.count
    let starts = SceneRepresentationNetwork.initialDepths(count, seed: seed, dtype: network.dtype)
    let own = network.parameters.map(\.value)
    let all = [
      rays.rays.origins, rays.rays.directions, rays.depthPerDistance, rays.visible.near,
      rays.visible.far, starts,
    ]
    let draw = { (inputs: [Tensor]) -> [Tensor] in
      var next = inputs.makeIterator()
      let moved = network.mapParameters { _, _ in next.next()! }
      let rest = Array(inputs.suffix(all.count))
      let some = PixelRays(
        rays: CameraRays(origins: rest[0], directions: rest[1]), depthPerDistance: rest[2],
        visible: RayInterval(near: rest[3], far: rest[4]))
      let march = moved.march(along: some, from: rest[5])
      let colors = (moved.colors(at: march.points) + 1) * 0.5
      return [.concatenate([colors, march.depth.expandingDims(at: 1)], axis: 1)]
    }
    let block = max(1, numbersPerBlock / network.numbersPerRay)
    guard count > block else { return draw(own + all)[0] }
    return .concatenate(
      stride(from: 0, to: count, by: block).flatMap { start in
        let end = min(start + block, count)
        return checkpoint(own + all.map { $0.slice(axis: 0, from: start, to: end) }, draw)
      })
  }
}

extension SceneRepresentationNetwork {
  /// About how many numbers the backward pass keeps of a ray.
  fileprivate var numbersPerRay: Int {
    let field = field.layers.reduce(0) { $0 + $1.weight.shape[0] }
    let generator = generator.layers.reduce(0) { $0 + $1.weight.shape[0] }
    return 3 * ((stepCount + 1) * field + generator + 8 * stepCount * cell.units)
  }

  /// Throws for networks that do not fit together.
  fileprivate func check(method: String) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard holds else {
        throw RenderError.invalid(
          method: method, parameter: "network.\(name)", expected: expected, actual: actual)
      }
    }
    try require(stepCount >= 0, "stepCount", "0 or more", "\(stepCount)")
    if let bound = adjointBound { try require(bound > 0, "adjointBound", "above 0", "\(bound)") }
    let inputs = field.layers.first?.weight.shape.last ?? 0
    try require(inputs == 3, "field", "3 inputs", "\(inputs)")
    let features = field.head?.weight.shape[0] ?? field.layers.last!.weight.shape[0]
    try require(cell.inputs == features, "cell", "\(features) inputs", "\(cell.inputs)")
    try require(
      step.weight.shape == [1, cell.units], "step", "\([1, cell.units])", "\(step.weight.shape)")
    let seen = generator.layers.first?.weight.shape.last ?? 0
    try require(seen == features, "generator", "\(features) inputs", "\(seen)")
    let channels = generator.head?.weight.shape[0] ?? 0
    try require(channels == 3, "generator.head", "3 outputs", "\(channels)")
    if let other = parameters.first(where: { $0.value.dtype != dtype }) {
      try require(false, other.path, "\(dtype)", "\(other.value.dtype)")
    }
  }
}
