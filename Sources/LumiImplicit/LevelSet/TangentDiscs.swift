import LumiRendering
import LumiScene
import LumiTensor

/// Discs in the tangent planes of points, drawn with a softmax over depth: the second part of
/// autolabeling (``AutolabelingRenderer``).
///
/// A ray o + s k meets the plane of disc i at s = nᵢ·(Xᵢ - o)/(nᵢ·k) and the disc if that is less
/// than `radius` from Xᵢ. Over the discs of one pixel
///
///     z = 150 max(0, 1 - s/Z),  Z = √Σ s²,  weights = softmax(z)
///
/// Which discs a pixel meets and Z are constants to every derivative, as in the published program.
/// A plane with |n·k| < 0.01 is seen from its edge and not met; the published program divides by the
/// machine epsilon there, which sends it out of reach. All discs of a pixel count, however many.
///
/// Differentiable with respect to centres, normals and rays, to any order.
public struct TangentDiscs: Sendable {
  /// One entry for every disc that a pixel meets, pixel by pixel, then by the disc's row.
  public let fragments: DiscFragments
  /// [F]: how much each fragment counts; they sum to 1 over every pixel that meets a disc.
  public let weights: Tensor

  /// - Parameters:
  ///   - surface: the discs' centres and unit normals.
  ///   - radius: in the units of space, above 0.
  ///   - rays: one a pixel, row by row.
  ///   - sharpness: the factor in front, 150 in the published program.
  public init(_ surface: SurfacePoints, radius: Double, rays: DiscRays, sharpness: Double = 150) {
    fragments = DiscFragments(of: surface, radius: radius, rays: rays)
    let discs = fragments.discs
    let normals = surface.normals.gather(discs)
    let origins = rays.origins.gather(fragments.pixels)
    let slopes = normals.dot(rays.directions.gather(fragments.pixels))
    let depths = normals.dot(surface.points.gather(discs) - origins) / slopes
    weights = fragments.depthSoftmax(depths, sharpness: sharpness)
  }

  /// Values per disc [N, C] mixed over every pixel: [H, W, C], 0 where there is no disc.
  public func mix(_ values: Tensor) -> Tensor {
    fragments.pixelSums(weights.expandingDims(at: 1) * values.gather(fragments.discs))
  }

  /// [H, W]: 1 where a pixel meets a disc. It has no derivative: weights sum to 1.
  public var mask: Tensor {
    fragments.pixelSums(weights.expandingDims(at: 1)).squeezed(axis: 2).stoppingGradient()
  }
}

/// One ray a pixel, o + s k, where s is camera z.
public struct DiscRays: Sendable {
  /// [H·W, 3].
  public let origins: Tensor
  /// [H·W, 3]: as long as camera z grows by 1.
  public let directions: Tensor
  public let height: Int
  public let width: Int

  public init(origins: Tensor, directions: Tensor, height: Int, width: Int) {
    require(
      origins.shape == [height * width, 3] && directions.shape == origins.shape,
      """
      DiscRays: origins \(origins.shape), directions \(directions.shape), expected \
      \([height * width, 3])
      """)
    self.origins = origins
    self.directions = directions
    self.height = height
    self.width = width
  }

  /// The rays through a camera's pixel centres. Those of a fisheye lens that look sideways or back
  /// have no depth and keep unit length.
  public init(of camera: Camera) {
    let pixels = PixelRays(of: camera)
    let slope = pixels.depthPerDistance.expandingDims(at: 1)
    let isAhead = slope.stoppingGradient() .> 1e-6
    self.init(
      origins: pixels.rays.origins,
      directions: pixels.rays.directions / Tensor.where(isAhead, slope, 1), height: camera.height,
      width: camera.width)
  }
}

/// For every pixel the discs that its ray meets.
public struct DiscFragments: Sendable {
  /// int64 [F]: each fragment's disc.
  public let discs: Tensor
  /// int64 [F]: each fragment's pixel, row-major, ascending.
  public let pixels: Tensor
  /// The fragments of pixel p are `offsets[p]..<offsets[p + 1]`.
  public let offsets: [Int]
  public let height: Int
  public let width: Int

  init(of surface: SurfacePoints, radius: Double, rays: DiscRays) {
    var search = DiscSearch(surface, radius: radius, rays: rays)
    let found = search.run()
    (height, width) = (rays.height, rays.width)
    var offsets = [Int](repeating: 0, count: height * width + 1)
    for pixel in found.pixels { offsets[pixel + 1] += 1 }
    for pixel in 0..<height * width { offsets[pixel + 1] += offsets[pixel] }
    var next = offsets
    var discs = [Int64](repeating: 0, count: found.pixels.count)
    var pixels = discs
    for (pixel, disc) in zip(found.pixels, found.discs) {
      discs[next[pixel]] = Int64(disc)
      pixels[next[pixel]] = Int64(pixel)
      next[pixel] += 1
    }
    self.offsets = offsets
    self.discs = Tensor(discs)
    self.pixels = Tensor(pixels)
  }

  public var count: Int { discs.count }

  /// Values per fragment [F, C] summed over every pixel, [H, W, C].
  func pixelSums(_ values: Tensor) -> Tensor {
    Tensor.scatterAdd(rows: values, at: pixels, count: height * width)
      .reshaped([height, width] + values.shape.dropFirst())
  }

  /// The weights [F] of fragments at depths [F].
  func depthSoftmax(_ depths: Tensor, sharpness: Double) -> Tensor {
    func overPixels(_ values: Tensor) -> Tensor {
      Tensor.scatterAdd(rows: values, at: pixels, count: height * width).gather(pixels)
    }
    let norms = overPixels(depths.stoppingGradient().square()).sqrt() + Double.ulpOfOne
    let scores = (1 - depths / norms).relu() * sharpness
    let powers = (scores - peaks(of: scores.stoppingGradient())).exp()
    return powers / overPixels(powers)
  }

  /// The largest value of each fragment's pixel, so that no exponential overflows.
  private func peaks(of values: Tensor) -> Tensor {
    let numbers = values.scalars(as: Double.self)
    var result = numbers
    for (start, end) in zip(offsets, offsets.dropFirst()) where start < end {
      let peak = numbers[start..<end].max()!
      for index in start..<end { result[index] = peak }
    }
    return Tensor(result).cast(to: values.dtype)
  }
}
