import LumiRendering
import LumiScene
import LumiTensor

/// Differentiable Surface Splatting (survey 2.3: approximated gradient, truncated Gaussians).
///
/// Computes: every point as a Gaussian in its tangent plane, projected to an ellipse and filtered to
/// the pixel (elliptical weighted average), cut off at Q = `cutoff`. A pixel takes the `nearest`
/// points, leaves out those more than `thickness` behind the first, and shows the weighted mean of
/// their shaded colours over the background where it is covered.
///
/// Derivatives: of colours, normals and lights the exact ones. Points move by a surrogate: a pixel
/// whose coverage should grow pulls all visible points within a radius, one that should be empty
/// pushes those that cover it, each with a strength of 1/distance. The colour's derivative reaches
/// points through coverage: what is shown against the background, or would be with the points' mean
/// colour (the paper takes each point's own). Its derivative through the weights is left out as in
/// the authors' later program unless `weightsMovePoints`. Depths have their own derivative.
///
/// Cannot: give the derivative of its picture by position; move points that no pixel shows; say where
/// along a surface of one colour a point belongs (see ``SurfaceRegularizers``); move a camera, for
/// which the pulls on single points do not add up to a way: none of 16 starts arrived on any of the
/// benchmark's cameras, so nothing is claimed. Sizes of splats get no derivative, and those of the
/// paper's anisotropic kind are not here. The cloud must have normals.
///
/// W. Yifan, F. Serena, S. Wu, C. Öztireli, O. Sorkine-Hornung, "Differentiable Surface Splatting for
/// Point-based Geometry Processing", SIGGRAPH Asia 2019; the derivatives are those of the authors'
/// later program. Footprints: M. Zwicker, H. Pfister, J. van Baar, M. Gross, "Surface Splatting", 2001.
public struct SurfaceSplatting: Renderer {
  public static let method = MethodDescription(
    id: "points/dss", name: "Differentiable Surface Splatting", representation: .points,
    type: "approximated gradient",
    strengths: "reaches pixels that no point covers; antialiased; exact for colours and lights",
    limits: "needs normals; hidden points do not move; of no use to a camera",
    citation: "Yifan, Serena, Wu, Öztireli, Sorkine-Hornung, SIGGRAPH Asia 2019",
    claims: [.shape: .surrogate, .material: .exact, .light: .exact])

  /// The Q at which splats end, above 0. Where the cloud has radii, a splat ends there before it is
  /// filtered; elsewhere ``sizes`` says how large it is.
  public var cutoff: Double
  /// Points a pixel mixes; nil for all.
  public var nearest: Int?
  /// World units behind a pixel's nearest point within which points are mixed.
  public var thickness: Double
  /// Variance of the filter in squared pixels.
  public var lowPass: Double
  public var sizes: SplatSizes
  /// Whether points whose normals face away are left out.
  public var cullsBackFaces: Bool
  /// How many times the median splat's size a pixel pulls points from.
  public var reachFactor: Double
  /// The longest derivative on the screen that one point may get; nil for any.
  public var gradientLimit: Double?
  /// Whether colours also move points through the Gaussian weights, with footprints held constant.
  public var weightsMovePoints: Bool
  public var reflection: Reflection
  /// The images to make: colour, alpha, depth, normal.
  public var channels: Set<RenderChannel>

  /// Defaults are those of the authors' program.
  public init(
    cutoff: Double = 1, nearest: Int? = 8, thickness: Double = 0.05, lowPass: Double = 1,
    sizes: SplatSizes = .neighbours(), cullsBackFaces: Bool = true, reachFactor: Double = 10,
    gradientLimit: Double? = nil, weightsMovePoints: Bool = false,
    reflection: Reflection = .lambert, channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.cutoff = cutoff
    self.nearest = nearest
    self.thickness = thickness
    self.lowPass = lowPass
    self.sizes = sizes
    self.cullsBackFaces = cullsBackFaces
    self.reachFactor = reachFactor
    self.gradientLimit = gradientLimit
    self.weightsMovePoints = weightsMovePoints
    self.reflection = reflection
    self.channels = channels
  }

  public func render(_ scene: Scene<PointCloud>, from camera: Camera) throws -> RenderOutput {
    try scene.checkPoints(for: camera, method: Self.method.id, needsNormals: true)
    let splats = try splats(of: scene.shape, from: camera)
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width,
      images: try images(of: splats, scene, camera))
  }

  /// The cloud's splats on the screen, to average what you like over each pixel.
  ///
  /// - Parameters:
  ///   - cloud: with normals.
  ///   - camera: of the cloud's dtype.
  /// - Throws: `RenderError` for settings out of range or a cloud without normals.
  public func splats(of cloud: PointCloud, from camera: Camera) throws -> SurfaceSplats {
    guard let normals = cloud.normals?.normalized() else {
      throw RenderError.invalid(
        method: Self.method.id, parameter: "cloud.normals", expected: "normals", actual: "none")
    }
    try checkOptions()
    let footprint = footprint(of: cloud, normals: normals, from: camera)
    let points = ScreenPoints(
      cameraPoints: camera.cameraPoints(cloud.points), from: camera,
      footprint: .ellipses(
        forms: facing(footprint.forms, cloud.points, normals, camera), cutoff: cutoff))
    return try SurfaceSplats(
      points, footprint: footprint, settings: self, depths: camera.near...camera.far)
  }

  private func checkOptions() throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ value: Double) throws {
      guard holds else {
        throw RenderError.invalid(
          method: Self.method.id, parameter: name, expected: expected, actual: "\(value)")
      }
    }
    try require(cutoff > 0 && cutoff.isFinite, "cutoff", "above 0", cutoff)
    try require(thickness >= 0, "thickness", "0 or more", thickness)
    try require(lowPass > 0 && lowPass.isFinite, "lowPass", "above 0", lowPass)
    try require(
      reachFactor >= 0 && reachFactor.isFinite, "reachFactor", "0 or more", reachFactor)
    let limit = gradientLimit ?? 1
    try require(limit > 0, "gradientLimit", "above 0", limit)
  }

  private func footprint(
    of cloud: PointCloud, normals: Tensor, from camera: Camera
  ) -> EllipticalFootprint {
    let points = cloud.points.stoppingGradient()
    let variances =
      cloud.radii.map { $0.stoppingGradient().square() / cutoff } ?? sizes.variances(of: points)
    let pixel = ScreenSpace(camera).unitsPerPixel
    return EllipticalFootprint(
      jacobians: EllipticalFootprint.jacobians(at: points, from: camera),
      axes: EllipticalFootprint.tangentAxes(normals: normals.stoppingGradient()),
      variances: .stack([variances, variances], axis: 1), lowPass: lowPass * pixel * pixel,
      cutoff: cutoff)
  }

  /// Forms that cover nothing where a point faces away.
  private func facing(
    _ forms: Tensor, _ points: Tensor, _ normals: Tensor, _ camera: Camera
  ) -> Tensor {
    guard cullsBackFaces else { return forms }
    let eye = camera.mapParameters { $1.stoppingGradient() }
      .directionToEye(from: points.stoppingGradient())
    let cosine = (normals.stoppingGradient() * eye).sum(axis: 1, keepDims: true)
    return Tensor.where(cosine .> 0, forms, Tensor.zeros(like: forms))
  }

  private func images(
    of splats: SurfaceSplats, _ scene: Scene<PointCloud>, _ camera: Camera
  ) throws -> [RenderChannel: Tensor] {
    // Light does not move points.
    var cloud = scene.shape
    cloud.points = cloud.points.stoppingGradient()
    var images: [RenderChannel: Tensor] = [:]
    let needsOccupancy = channels.contains(.alpha) || channels.contains(.color)
    let occupancy = needsOccupancy ? splats.occupancy() : nil
    if channels.contains(.alpha) { images[.alpha] = occupancy }
    if channels.contains(.color) {
      let colors = try cloud.shadedColors(
        scene.lights, reflection, camera, method: Self.method.id)
      let covered = occupancy!.expandingDims(at: 2)
      images[.color] = covered * splats.meanOrTypical(of: colors) + (1 - covered) * scene.background
    }
    if channels.contains(.normal) {
      images[.normal] = splats.mean(of: cloud.normals!.normalized()).normalized()
    }
    if channels.contains(.depth) { images[.depth] = splats.depth(empty: camera.far) }
    return images
  }
}

/// Splats on the screen: which pixels they cover, and with what weight.
public struct SurfaceSplats: Sendable {
  public let points: ScreenPoints
  public let footprint: EllipticalFootprint
  /// What each pixel mixes.
  public let fragments: PointFragments
  /// [F]: s exp(-Q/2).
  public let weights: Tensor
  private let settings: SurfaceSplatting

  init(
    _ points: ScreenPoints, footprint: EllipticalFootprint, settings: SurfaceSplatting,
    depths: ClosedRange<Double>
  ) throws {
    self.points = points
    self.footprint = footprint
    self.settings = settings
    let rasterizer = PointRasterizer(
      nearest: settings.nearest, thickness: settings.thickness, depths: depths, includesRim: true)
    fragments = try rasterizer.fragments(of: points, method: SurfaceSplatting.method.id)
    let forms =
      settings.weightsMovePoints
      ? fragments.squaredDistances : fragments.squaredDistances.stoppingGradient()
    weights = fragments.gather(footprint.scales) * (forms * -0.5).exp()
  }

  /// [height, width, C]: the weighted mean of values [N, C], one row a point; 0 where nothing is.
  /// Differentiable in the values, and in places as the settings say.
  public func mean(of values: Tensor) -> Tensor {
    NormalizedCompositor().composite(features: values, weights: weights, fragments: fragments).image
  }

  /// The mean; where nothing is, what a point that came there would bring: the mean of all points in
  /// a list, a constant. It is not seen, but decides which pixels pull by colour.
  func meanOrTypical(of values: Tensor) -> Tensor {
    let mean = mean(of: values)
    guard fragments.count > 0 else { return mean }
    let typical = fragments.gather(values.stoppingGradient()).mean(axis: 0)
    let pixels = points.screen.height * points.screen.width
    let ends = fragments.pixelOffsets.slice(axis: 0, from: 1, to: pixels + 1)
    let starts = fragments.pixelOffsets.slice(axis: 0, from: 0, to: pixels)
    let isCovered = (ends .> starts).reshaped([points.screen.height, points.screen.width, 1])
    return Tensor.where(isCovered, mean, typical)
  }

  /// [height, width]: 1 where a splat is. Moves points by the surrogate.
  public func occupancy() -> Tensor {
    let positions = settings.gradientLimit.map { points.positions.clippingGradient(to: $0) }
    return Occupancy(reachFactor: settings.reachFactor).image(
      of: fragments, positions: positions ?? points.positions, reaches: footprint.reaches)
  }

  /// [height, width]: the nearest point's depth, `empty` where nothing is.
  public func depth(empty: Double) -> Tensor {
    fragments.padded(fragments.depths, to: 1, fill: empty).squeezed(axis: 2)
  }
}
