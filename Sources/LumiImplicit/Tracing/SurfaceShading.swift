import LumiRendering
import LumiScene
import LumiTensor

/// What methods that find one surface point per ray draw.
struct TracedSurface {
  /// [N, C], in the scene's light.
  let colors: Tensor
  /// [N], in units of the rays' directions.
  let distances: Tensor
  /// [N, 3], unit length.
  let normals: Tensor

  /// - Parameters:
  ///   - scene: whose field and lights.
  ///   - positions: [N, 3].
  ///   - distances: [N].
  ///   - directions: [N, 3], unit vectors from the eye.
  init(
    _ scene: Scene<ImplicitShape>, at positions: Tensor, _ distances: Tensor,
    seenAlong directions: Tensor
  ) {
    let samples = scene.shape.field.samples(at: positions, withGradients: true)
    let normals = RaySurfacePoints.normals(samples)
    let own = scene.shape.colors(at: positions, samples: samples, directions: directions)
    (self.normals, self.distances) = (normals, distances)
    guard !scene.lights.isEmpty else {
      colors = own
      return
    }
    let light = Illumination(
      positions: positions, normals: normals, toEye: -directions, lights: scene.lights,
      material: Material(dtype: scene.dtype), reflection: .lambert)
    colors = own * light.diffuse + light.specular
  }

  /// [N, C + 4].
  private var columns: Tensor {
    .concatenate([colors, distances.expandingDims(at: 1), normals], axis: 1)
  }

  private init(columns: Tensor) {
    let channels = columns.shape[1] - 4
    colors = columns.slice(axis: 1, from: 0, to: channels)
    distances = columns.component(channels)
    normals = columns.slice(axis: 1, from: channels + 1, to: channels + 4)
  }

  /// Draws rays in blocks that the backward pass draws again.
  ///
  /// - Parameters:
  ///   - scene: whose parameters it depends on.
  ///   - rays: [N] rays.
  ///   - evaluations: about how many of the field a ray takes.
  ///   - draw: draws some rays, given with their range; it depends on no tensor with a derivative
  ///     but those it is given.
  static func inBlocks(
    of scene: Scene<ImplicitShape>, _ rays: CameraRays, evaluations: Int,
    draw: @escaping (Scene<ImplicitShape>, CameraRays, Range<Int>) -> TracedSurface
  ) -> TracedSurface {
    let inputs = [rays.origins, rays.directions]
    return TracedSurface(
      columns: scene.inBlocks(inputs, evaluations: evaluations) { scene, rays, range in
        draw(scene, CameraRays(origins: rays[0], directions: rays[1]), range).columns
      })
  }
}

extension Scene where Shape == ImplicitShape {
  /// Rows computed from the scene and from rows of other tensors, in blocks that the backward pass
  /// computes again, so that memory is bounded by a block.
  func inBlocks(
    _ rows: [Tensor], evaluations: Int,
    _ body: @escaping (Scene, _ rows: [Tensor], _ range: Range<Int>) -> Tensor
  ) -> Tensor {
    let own = parameters.map(\.value)
    let count = rows[0].shape[0]
    let block = max(1, (1 << 16) / max(evaluations, 1))
    guard count > block else { return body(self, rows, 0..<count) }
    let parts = stride(from: 0, to: count, by: block).map { start -> Tensor in
      let range = start..<min(start + block, count)
      let some = rows.map { $0.slice(axis: 0, from: range.lowerBound, to: range.upperBound) }
      return checkpoint(own + some) { inputs in
        var next = inputs.makeIterator()
        let scene = mapParameters { _, _ in next.next()! }
        return [body(scene, Array(inputs.dropFirst(own.count)), range)]
      }[0]
    }
    return .concatenate(parts)
  }

  /// Throws for a scene or channels that a method of surface points cannot draw.
  func checkSurface(
    for camera: Camera, method: String, channels: Set<RenderChannel>,
    known: Set<RenderChannel> = [.color, .alpha, .depth, .normal]
  ) throws {
    try checkField(for: camera, method: method, quantities: [.signedDistance])
    let shown = shape.field.colorChannels
    guard lights.isEmpty || shown == 0 || shown == 3 else {
      throw RenderError.invalid(
        method: method, parameter: "field.colorChannels", expected: "3 under lights",
        actual: "\(shown)")
    }
    if let unknown = channels.subtracting(known).min(by: { $0.name < $1.name }) {
      throw RenderError.missingChannel(
        unknown.name, method: method, available: known.map(\.name).sorted())
    }
  }
}
