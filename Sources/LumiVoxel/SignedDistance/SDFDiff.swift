import LumiRendering
import LumiScene
import LumiTensor

/// SDFDiff (survey 2.2, signed distance; Table 2: along rays, level set).
///
/// Computes: the surface of a grid of signed distances by sphere tracing: a ray goes on by the
/// distance that it reads, until this is less than a pixel. Place, cell and ray then count as
/// constants; one more step, x = p + d·S(p), brings the derivative, and the normal at x is
/// interpolated from central differences at the cell's eight nodes. Light comes from the eye
/// (``Headlight``) or from the scene's lights, by Lambert's law.
///
/// Cannot: move an outline: coverage is constant, a pixel's width too large all around (what comes
/// that close is a hit), and a ray that misses has no gradient. The gradient
/// of the shape is a surrogate: a surface point moves by +δS along the ray instead of -δS/(n·d), which
/// is right where the surface faces the eye and too small at grazing angles. There is none for the
/// camera. Nothing transparent. A grid that is no distance function may be overstepped.
///
/// Y. Jiang, D. Ji, Z. Han, M. Zwicker, "SDFDiff: Differentiable Rendering of Signed Distance Fields
/// for 3D Shape Optimization", CVPR 2020. Its losses on the grid are
/// `VoxelGrid.eikonalLoss(weights:)` and `VoxelGrid.laplacianLoss(weights:)`, its way from coarse to
/// fine ``MultiResolutionSchedule``. What outlines say about distances, ``ClosestApproach`` tells.
public struct SDFDiff: Renderer {
  public static let method = MethodDescription(
    id: "voxel/sdfdiff", name: "SDFDiff", representation: .voxel, type: "signed distance",
    strengths: "sharp surfaces with normals; efficient tracing",
    limits: "outlines are constant; gradient too small at grazing angles; nothing transparent",
    citation: "Jiang, Ji, Han, Zwicker, CVPR 2020",
    claims: [.shape: .surrogate, .material: .exact, .light: .exact])

  /// Light from the eye, and when a ray counts as a hit: the constants of the two published
  /// programs, and none. Intensity is k·max(0, l·n)/|eye - x|², with e from the box's middle to the
  /// eye.
  public enum Headlight: Sendable, CaseIterable {
    /// k = 2, l = e as long as it is; hits nearer than half a pixel. Published over a background of
    /// 1.
    case singleView
    /// k = 10, l = e/|e|; hits nearer than a pixel. Published over a background of 0.
    case multiView
    /// No light: surfaces show their own colour. Hits nearer than a tenth of a pixel, so that
    /// outlines are about where they are. Not published.
    case unlit

    var tracing: SphereTracing {
      switch self {
      case .singleView: SphereTracing(pixelShare: 0.5, skipsZero: false)
      case .multiView: SphereTracing(pixelShare: 1, skipsZero: true)
      case .unlit: SphereTracing(pixelShare: 0.1, skipsZero: false)
      }
    }

    /// Intensities [N, 1].
    ///
    /// - Parameters:
    ///   - positions: [N, 3].
    ///   - normals: [N, 3], unit length.
    ///   - eye: [3].
    ///   - middle: [3], the box's.
    func intensity(positions: Tensor, normals: Tensor, eye: Tensor, middle: Tensor) -> Tensor {
      guard self != .unlit else { return .ones([positions.shape[0], 1], dtype: positions.dtype) }
      let arm = eye - middle
      let (strength, light) = self == .singleView ? (2.0, arm) : (10, arm.unitVectors())
      let cosine = (normals * light).sum(axis: 1, keepDims: true).relu()
      let squared = (eye - positions).square().sum(axis: 1, keepDims: true).clamped(min: 1e-12)
      return cosine * strength / squared
    }
  }

  /// Light without lights in the scene; with lights, only when a ray counts as a hit.
  public var headlight: Headlight
  /// The images to make: colour, alpha, depth, normal.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - headlight: several views by default.
  ///   - channels: colour and alpha by default.
  public init(
    headlight: Headlight = .multiView, channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.headlight = headlight
    self.channels = channels
  }

  public func render(_ scene: Scene<VoxelGrid>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    let shown = scene.shape.appearance.channels
    guard scene.lights.isEmpty || shown == 3 else {
      throw RenderError.invalid(
        method: id, parameter: "voxels.appearance", expected: "3 channels under lights",
        actual: "\(shown) channels")
    }
    try scene.checkGrid(
      for: camera, method: id, quantities: [.signedDistance], placements: [.nodes])
    let known: Set<RenderChannel> = [.color, .alpha, .depth, .normal]
    if let unknown = channels.subtracting(known).first {
      throw RenderError.missingChannel(
        unknown.name, method: id, available: known.map(\.name).sorted())
    }
    let camera = camera.mapParameters { $1.stoppingGradient() }
    let surface = surface(of: scene.shape, from: camera)
    let pixels = camera.height * camera.width
    let alpha = Tensor.scatterAdd(
      rows: .ones([surface.rays.count], dtype: scene.dtype), at: surface.rays, count: pixels)
    func image(_ values: Tensor, _ background: Tensor? = nil) -> Tensor {
      var rows = Tensor.scatterAdd(rows: values, at: surface.rays, count: pixels)
      if let background { rows = rows + (1 - alpha).expandingDims(at: 1) * background }
      return rows.reshaped([camera.height, camera.width] + values.shape.dropFirst())
    }
    var images: [RenderChannel: Tensor] = [:]
    for channel in channels {
      switch channel {
      case .color:
        images[channel] = image(colors(of: surface, scene, camera), scene.background)
      case .alpha: images[channel] = alpha.reshaped([camera.height, camera.width])
      case .depth:
        images[channel] = image(
          camera.cameraPoints(surface.positions).slice(axis: 1, from: 2, to: 3).squeezed(axis: 1))
      default: images[channel] = image(surface.normals)
      }
    }
    return RenderOutput(
      method: id, height: camera.height, width: camera.width, images: images)
  }

  /// Where rays meet the surface, one row a hit.
  struct Surface {
    /// int32 [N]: which pixels.
    let rays: Tensor
    /// [N, 3] unit directions.
    let directions: Tensor
    /// [N]: steps of the tracing before the hit.
    let steps: [Int]
    /// [N, 3], where the tracing ended; constant.
    let roughPositions: Tensor
    /// int32 [N, 3]: lower nodes of cells.
    let cells: Tensor
    /// [N], the distance there.
    let distances: Tensor
    /// [N, 3], one step on.
    let positions: Tensor
    /// [N, 3], unit length; 0 where the gradient vanishes.
    let normals: Tensor
  }

  func surface(of grid: VoxelGrid, from camera: Camera) -> Surface {
    let rays = PixelRays(of: camera)
    let hits = headlight.tracing.hits(grid, rays, footprint: camera.pixelFootprint(rays))
    let rows = Tensor(hits.map { Int32($0.ray) })
    let rough = Tensor(hits.flatMap { [$0.position.x, $0.position.y, $0.position.z] })
      .reshaped([hits.count, 3]).cast(to: grid.dtype)
    let cells = Tensor(
      hits.flatMap { hit in (0..<3).map { Int32(hit.cell[$0]) } }, shape: [hits.count, 3])
    let directions = rays.rays.directions.gather(rows)
    let distance = sampleTrilinear(
      grid.values.expandingDims(at: 3), at: grid.gridPoints(rough), in: cells)
    let positions = rough + directions * distance
    let normals = grid.sampledNodeGradients(at: grid.gridPoints(positions), in: cells)
      .unitVectors()
    return Surface(
      rays: rows, directions: directions, steps: hits.map(\.steps), roughPositions: rough,
      cells: cells, distances: distance.squeezed(axis: 1), positions: positions, normals: normals)
  }

  /// [N, C]: the surface's colour in the light.
  private func colors(
    of surface: Surface, _ scene: Scene<VoxelGrid>, _ camera: Camera
  ) -> Tensor {
    let grid = scene.shape
    let albedo = grid.colors(
      at: grid.gridPoints(surface.positions), seenAlong: surface.directions)
    guard scene.lights.isEmpty else {
      let light = Illumination(
        positions: surface.positions, normals: surface.normals, toEye: -surface.directions,
        lights: scene.lights, material: Material(dtype: scene.dtype), reflection: .lambert)
      return albedo * light.diffuse + light.specular
    }
    let middle = (grid.bounds.lower + grid.bounds.upper) * 0.5
    return albedo
      * headlight.intensity(
        positions: surface.positions, normals: surface.normals, eye: camera.centre, middle: middle)
  }
}

extension Camera {
  /// The width of a pixel at a distance D along each ray: constant + slope·D.
  fileprivate func pixelFootprint(_ rays: PixelRays) -> (constant: Double, slope: [Double]) {
    let width = 1 / max(focalLength[0].value.magnitude, 1e-12)
    let slopes = rays.depthPerDistance.scalars(as: Double.self)
    switch model {
    case .orthographic: return (width, slopes.map { _ in 0 })
    case .weakPerspective: return (width * (meanDepth?.value ?? 1), slopes.map { _ in 0 })
    case .perspective, .quadratic, .brown, .fisheye, .thinLens:
      return (0, slopes.map { $0 * width })
    }
  }
}
