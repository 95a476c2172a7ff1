import LumiScene
import LumiTensor

/// What all methods that follow rays through a grid or a field yield: for every ray its colour over the
/// background, how much of it is covered, and how deep it is seen.
package struct RayPicture {
  /// [R, C].
  package let color: Tensor
  /// [R].
  package let alpha: Tensor
  /// [R], camera z.
  package let depth: Tensor

  /// [R, C + 2].
  var columns: Tensor {
    .concatenate([color] + [alpha, depth].map { $0.expandingDims(at: 1) }, axis: 1)
  }

  package init(color: Tensor, alpha: Tensor, depth: Tensor) {
    self.color = color
    self.alpha = alpha
    self.depth = depth
  }

  /// - Parameters:
  ///   - weights: of the samples.
  ///   - colors: of the samples, [R, S, C].
  ///   - depths: of the samples, camera z, [R, S].
  ///   - background: [C].
  ///   - backgroundDepth: what counts where nothing is seen.
  package init(
    _ weights: RayWeights, colors: Tensor, depths: Tensor, background: Tensor,
    backgroundDepth: Double
  ) {
    self.init(
      color: weights.composite(colors, background: background), alpha: 1 - weights.remainder,
      depth: weights.composite(depths, background: backgroundDepth))
  }

  /// Throws for channels that rays do not give.
  package static func check(_ wanted: Set<RenderChannel>, method: String) throws {
    let known: [RenderChannel] = [.color, .alpha, .depth]
    if let unknown = wanted.first(where: { !known.contains($0) }) {
      throw RenderError.missingChannel(
        unknown.name, method: method, available: known.map(\.name).sorted())
    }
  }

  /// The images of rays that fill them row by row.
  package func output(
    _ wanted: Set<RenderChannel>, height: Int, width: Int, method: String
  ) -> RenderOutput {
    let all: [RenderChannel: Tensor] = [
      .color: color.reshaped([height, width, -1]), .alpha: alpha.reshaped([height, width]),
      .depth: depth.reshaped([height, width]),
    ]
    return RenderOutput(
      method: method, height: height, width: width, images: all.filter { wanted.contains($0.key) })
  }
}

extension Scene {
  /// Draws a camera's rays in blocks that the backward pass draws again, so that memory is bounded
  /// by a block's samples and not by the image's.
  ///
  /// - Parameters:
  ///   - camera: whose pixels.
  ///   - wanted: colour, alpha and depth, or some of them.
  ///   - method: whose output it is.
  ///   - samples: about how many samples a ray has.
  ///   - shared: tensors with derivatives that all rays need beside the scene.
  ///   - draw: draws some rays, given with their positions among all; it depends on no tensor
  ///     with a derivative but those it is given.
  package func output(
    from camera: Camera, wanted: Set<RenderChannel>, method: String, samplesPerRay samples: Int,
    shared: [Tensor] = [],
    draw:
      @escaping (
        _ scene: Scene, _ rays: PixelRays, _ range: Range<Int>, _ shared: [Tensor]
      ) -> RayPicture
  ) throws -> RenderOutput {
    try output(
      along: PixelRays(of: camera), height: camera.height, width: camera.width, wanted: wanted,
      method: method, samplesPerRay: samples, shared: shared, draw: draw)
  }

  /// The same for rays of any origin, that fill an image row by row.
  package func output(
    along rays: PixelRays, height: Int, width: Int, wanted: Set<RenderChannel>, method: String,
    samplesPerRay samples: Int, shared: [Tensor] = [],
    draw:
      @escaping (
        _ scene: Scene, _ rays: PixelRays, _ range: Range<Int>, _ shared: [Tensor]
      ) -> RayPicture
  ) throws -> RenderOutput {
    try RayPicture.check(wanted, method: method)
    let own = parameters.map(\.value)
    let count = height * width
    let block = max(1, (1 << 18) / max(samples, 1))
    var parts: [Tensor] = []
    for start in stride(from: 0, to: count, by: block) {
      let range = start..<min(start + block, count)
      let some = rays.tensors.map {
        $0.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
      }
      let draw = { (inputs: [Tensor]) -> [Tensor] in
        let others = Array(inputs.dropFirst(own.count))
        let picture = draw(
          replacingParameters(Array(inputs.prefix(own.count))),
          PixelRays(tensors: Array(others.dropFirst(shared.count))), range,
          Array(others.prefix(shared.count)))
        return [picture.columns]
      }
      // A single block is as much as the backward pass would hold anyway.
      let inputs = own + shared + some
      parts += count <= block ? draw(inputs) : checkpoint(inputs, draw)
    }
    let columns = Tensor.concatenate(parts)
    let channels = columns.shape[1] - 2
    func column(_ index: Int) -> Tensor {
      columns.slice(axis: 1, from: index, to: index + 1).squeezed(axis: 1)
    }
    return RayPicture(
      color: columns.slice(axis: 1, from: 0, to: channels), alpha: column(channels),
      depth: column(channels + 1)
    ).output(wanted, height: height, width: width, method: method)
  }

  /// Draws all rays at once, from a picture that keeps no samples.
  ///
  /// - Parameters:
  ///   - camera: whose pixels.
  ///   - wanted: colour, alpha and depth, or some of them.
  ///   - method: whose output it is.
  ///   - draw: draws the rays.
  package func output(
    from camera: Camera, wanted: Set<RenderChannel>, method: String,
    draw: (_ rays: PixelRays) -> RayPicture
  ) throws -> RenderOutput {
    try RayPicture.check(wanted, method: method)
    return draw(PixelRays(of: camera)).output(
      wanted, height: camera.height, width: camera.width, method: method)
  }

  /// The scene with its parameters in the order of the traversal.
  private func replacingParameters(_ values: [Tensor]) -> Scene {
    var next = values.makeIterator()
    return mapParameters { _, _ in next.next()! }
  }
}

extension PixelRays {
  /// All tensors, with rays along the first axis.
  package var tensors: [Tensor] {
    [rays.origins, rays.directions, depthPerDistance, visible.near, visible.far]
  }

  package init(tensors: [Tensor]) {
    self.init(
      rays: CameraRays(origins: tensors[0], directions: tensors[1]), depthPerDistance: tensors[2],
      visible: RayInterval(near: tensors[3], far: tensors[4]))
  }
}
