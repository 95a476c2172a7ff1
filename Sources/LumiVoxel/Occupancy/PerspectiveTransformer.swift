import LumiRendering
import LumiScene
import LumiTensor

/// Perspective Transformer Nets (survey 2.2, occupancy; Table 2: resampling, maximum).
///
/// Computes: the silhouette of an occupancy grid. The grid is resampled in the camera's frame, along
/// every pixel's ray on planes whose disparities (inverse depths) are equally spaced, by trilinear
/// interpolation that fades to 0 outside; a pixel is the largest of its samples, the first of
/// several. Plane 0 is the farthest. The derivative is the plain one: from a pixel to the eight
/// values around its largest sample, and to the camera.
///
/// Cannot: tell how many samples are occupied, or move more than one sample a pixel: all others of
/// the ray get no gradient. Thin parts fall between planes. The paper draws silhouettes; colour and
/// depth of the largest sample are an addition here.
///
/// X. Yan, J. Yang, E. Yumer, Y. Guo, H. Lee, "Perspective Transformer Nets: Learning Single-View 3D
/// Object Reconstruction without 3D Supervision", NIPS 2016. The paper's own lattice and camera
/// matrix are ``PublishedLattice``.
public struct PerspectiveTransformer: Renderer {
  public static let method = MethodDescription(
    id: "voxel/ptn", name: "Perspective Transformer Nets", representation: .voxel,
    type: "occupancy",
    strengths: "simple; easy to optimise; exact for shape and camera",
    limits: "one sample a ray gets a gradient; memory grows with the cube of the resolution",
    citation: "Yan, Yang, Yumer, Guo, Lee, NIPS 2016",
    claims: [.shape: .exact, .material: .exact, .camera: .exact])

  /// Samples a ray; as many as values along the grid's longest axis if nil, as published.
  public var planes: Int?
  /// Camera depths of the planes, above 0; where the grid's box is if nil. (Published: from f to
  /// f + √3, with the box's centre at f + ½; see ``PublishedLattice``.)
  public var depths: ClosedRange<Double>?
  /// The images to make: colour, alpha, depth.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - planes: samples a ray, at least 1.
  ///   - depths: camera depths of the planes.
  ///   - channels: colour and alpha by default.
  public init(
    planes: Int? = nil, depths: ClosedRange<Double>? = nil,
    channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.planes = planes
    self.depths = depths
    self.channels = channels
  }

  public func render(_ scene: Scene<VoxelGrid>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkGrid(for: camera, method: id, quantities: [.occupancy, .emptiness])
    let planes = planes ?? scene.shape.counts.max()
    guard planes >= 1 else {
      throw RenderError.invalid(
        method: id, parameter: "planes", expected: "at least 1", actual: "\(planes)")
    }
    if let depths, !(depths.lowerBound > 0 && depths.upperBound.isFinite) {
      throw RenderError.invalid(
        method: id, parameter: "depths", expected: "above 0 and finite", actual: "\(depths)")
    }
    let range =
      depths.map { Tensor([$0.lowerBound, $0.upperBound]).cast(to: scene.dtype) }
      ?? scene.shape.depths(from: camera)
    let far = camera.far
    return try scene.output(
      from: camera, wanted: channels, method: id, samplesPerRay: planes,
      shared: [Self.planeDepths(range, count: planes)]
    ) { scene, rays, _, shared in
      let depth = shared[0]
      // Rays of a fisheye lens to the side meet planes far outside of the box, if at all.
      let slope = rays.depthPerDistance.clamped(min: 1e-6).expandingDims(at: 1)
      let distances = depth / slope
      let samples = RaySamples(
        along: rays.rays, distances: distances, lengths: .ones(like: distances.stoppingGradient()))
      let (values, colors) = scene.shape.sampled(at: samples, along: rays.rays)
      let weights = MaximumAggregation().weights(of: values, lengths: samples.lengths)
      return RayPicture(
        weights, colors: colors, depths: depth.broadcast(to: distances.shape),
        background: scene.background, backgroundDepth: far)
    }
  }

  /// [1, planes], equally spaced in disparity from the second to the first of two depths [2].
  private static func planeDepths(_ range: Tensor, count: Int) -> Tensor {
    let least = range[1].reciprocal()
    let share =
      count == 1
      ? Tensor.full([1, 1], 0.5, dtype: range.dtype)
      : Tensor.linspace(0, 1, count, dtype: range.dtype).expandingDims(at: 0)
    return (least + (range[0].reciprocal() - least) * share).reciprocal()
  }
}

extension VoxelGrid {
  /// The nearest and the farthest depth of the box's corners, within what the camera sees, [2].
  /// They move with the camera, and planes between them.
  fileprivate func depths(from camera: Camera) -> Tensor {
    let corners = (0..<8).flatMap { corner in
      (0..<3).map { (corner >> $0) & 1 == 0 ? lower[$0] : upper[$0] }
    }
    let points = camera.cameraPoints(Tensor(corners, shape: [8, 3]).cast(to: dtype))
    let z = points.slice(axis: 1, from: 2, to: 3)
    let near = max(camera.near, 1e-6)
    return Tensor.stack([z.min(), z.max()]).clamped(min: near, max: max(camera.far, near))
  }
}
