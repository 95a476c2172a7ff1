import LumiRendering
import LumiScene
import LumiTensor

// Normalised device coordinates for scenes without a far end (the paper's appendix C): all that lies
// behind a near plane, out to infinity, is in a box, and rays stay straight.

extension NeRF {
  /// Rays as the field's space has them.
  func inFieldSpace(_ seen: PixelRays, _ camera: Camera) throws -> PixelRays {
    guard case .forwardFacing(let near) = space else { return seen }
    let (origins, directions) = seen.rays.projected(
      near: near, focalLength: camera.focalLength, width: camera.width, height: camera.height)
    let length = directions.norm(axis: 1)
    return PixelRays(
      rays: CameraRays(
        origins: origins, directions: directions / length.expandingDims(at: 1)),
      depthPerDistance: .zeros(like: length.stoppingGradient()),
      visible: RayInterval(near: .zeros(like: length.stoppingGradient()), far: length))
  }

  func checkSpace(_ cameras: [Camera]) throws {
    guard case .forwardFacing(let near) = space else { return }
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: Self.method.id, parameter: name, expected: expected, actual: actual)
    }
    try require(near > 0 && near.isFinite, "space", "a near plane above 0, finite", "\(near)")
    try require(
      spacing == .distance, "spacing", "equal distances, which are disparities in this space",
      "\(spacing)")
    try require(
      !channels.contains(.depth), "channels", "no depth in normalised device coordinates",
      "\(channels.map(\.name).sorted())")
    let first = cameras[0]
    func lens(_ camera: Camera) -> [Double] {
      camera.focalLength.scalars(as: Double.self) + [Double(camera.width), Double(camera.height)]
    }
    let wanted = lens(first)
    for camera in cameras {
      try require(
        camera.model == .perspective && lens(camera) == wanted, "cameras",
        "perspective, all with one focal length and size", "\(camera.model) \(lens(camera))")
    }
  }
}

extension CameraRays {
  /// The rays in normalised device coordinates: they begin where they pass z = -`near` and are at
  /// infinity after one unit of their direction, which is not a unit vector. What does not go
  /// towards -z is taken as if it did, very slowly.
  ///
  /// - Parameters:
  ///   - near: above 0.
  ///   - focalLength: [2], pixels.
  ///   - width: of the image in pixels.
  ///   - height: of the image in pixels.
  func projected(
    near: Double, focalLength: Tensor, width: Int, height: Int
  ) -> (origins: Tensor, directions: Tensor) {
    func columns(_ tensor: Tensor) -> [Tensor] {
      (0..<3).map { tensor.slice(axis: 1, from: $0, to: $0 + 1) }
    }
    var z = columns(directions)[2]
    z = Tensor.where(z.stoppingGradient() .< -1e-9, z, -1e-9)
    let start = columns(origins + directions * (-(near + columns(origins)[2]) / z))
    let along = columns(directions)
    let scales = [width, height].enumerated().map { axis, size in
      focalLength.slice(axis: 0, from: axis, to: axis + 1) * (-2 / Double(size))
    }
    let sides = [start[0] / start[2], start[1] / start[2]]
    return (
      .concatenate(
        [sides[0] * scales[0], sides[1] * scales[1], 1 + 2 * near / start[2]], axis: 1),
      .concatenate(
        [
          (along[0] / z - sides[0]) * scales[0], (along[1] / z - sides[1]) * scales[1],
          -2 * near / start[2],
        ], axis: 1)
    )
  }
}
