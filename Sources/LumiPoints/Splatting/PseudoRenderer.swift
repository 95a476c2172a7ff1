import LumiRendering
import LumiScene
import LumiTensor

/// The pseudo-renderer (survey Table 1: point cloud; points of one pixel).
///
/// Computes: points thrown into the cells of an image U times as fine. Inverse depths of a cell add
/// up, and the largest of each U×U cells, the nearest point's, becomes the pixel's depth. The mask
/// is a logit: the largest sum of the visible points' logits in a cell; where there is none, the mean
/// of those points that are switched off (logit at most 0); else -1.
///
/// Cannot: move a point on the screen: its cell is constant, so only depths and logits have a
/// gradient, and only those of points that are seen. Colour and coverage have none of the shape, and
/// jump as points pass from cell to cell: no claim. Where two points share a cell the depth means
/// nothing (``collision`` is not 1 there): U makes that rare. Light does not count.
///
/// C.-H. Lin, C. Kong, S. Lucey, "Learning Efficient Point Cloud Generation for Dense 3D Object
/// Reconstruction", AAAI 2018. Colours are ours: a pixel shows the mean of the points in the cell
/// that its depth is from.
public struct PseudoRenderer: Renderer {
  public static let method = MethodDescription(
    id: "points/pseudo-renderer", name: "pseudo-renderer", representation: .points,
    type: "one pixel", strengths: "one scatter a point; nearest point wins",
    limits: "shape moves depth alone; collisions spoil depths; no surface between points",
    citation: "Lin, Kong, Lucey, AAAI 2018", claims: [.material: .exact])

  /// U, from 1 to 16.
  public var upsampling: Int
  /// The images to make: color, alpha, depth, maskLogit, collision.
  public var channels: Set<RenderChannel>

  /// The mask before the logistic function.
  public static let maskLogit: RenderChannel = "maskLogit"
  /// How many points share the fullest cell of a pixel. Without a gradient.
  public static let collision: RenderChannel = "collision"

  /// - Parameters:
  ///   - upsampling: 5 by default.
  ///   - channels: colour, alpha and depth by default.
  public init(
    upsampling: Int = 5, channels: Set<RenderChannel> = [.color, .alpha, .depth]
  ) {
    self.upsampling = upsampling
    self.channels = channels
  }

  /// Opacities become logits; a cloud without them is visible whole, with logits of 10. Channels:
  /// alpha is the mask's logistic function, 0 where no point is; depth is 0 there.
  public func render(_ scene: Scene<PointCloud>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkPoints(for: camera, method: id)
    guard (1...16).contains(upsampling) else {
      throw RenderError.invalid(
        method: id, parameter: "upsampling", expected: "1...16", actual: "\(upsampling)")
    }
    let cloud = scene.shape
    let points = DrawnPoints(cloud.points, from: camera, depths: camera.near...camera.far)
    let pixels = camera.pixels(ofCameraPoints: points.cameraPoints)
    let depths = points.cameraPoints.column(2)
    let logits =
      cloud.opacities.map {
        ($0.clamped(min: 1e-6, max: 1 - 1e-6) / (1 - $0).clamped(min: 1e-6)).log()
      }
      ?? .full([cloud.count], 10, dtype: scene.dtype)
    let cells = CellImage(
      cells: (pixels.stoppingGradient() * Double(upsampling)).floor(), depths: depths,
      logits: logits, isEligible: points.isDrawn, height: camera.height, width: camera.width,
      upsampling: upsampling)
    let isSeen = cells.collision .> 0
    let isFilled = isSeen .|| (cells.maskLogit .!= -1)
    let alpha = Tensor.where(isFilled, cells.maskLogit.sigmoid(), 0)
    let all: [RenderChannel: () -> Tensor] = [
      .alpha: { alpha }, .depth: { Tensor.where(isSeen, cells.depth, 0) },
      Self.maskLogit: { cells.maskLogit }, Self.collision: { cells.collision },
      .color: {
        let shown = cells.frontMeans(of: cloud.appearance.colors(count: cloud.count))
        let cover = Tensor.where(isSeen, alpha, 0).expandingDims(at: 2)
        return shown * cover + scene.background * (1 - cover)
      },
    ]
    return try RenderOutput(choosing: channels, from: all, method: id, camera)
  }
}

/// Points in the cells of a finer image, pooled.
struct CellImage {
  /// [H, W]: 1/(largest sum of inverse depths) - 10; about 1e8 where there is no visible point.
  let depth: Tensor
  /// [H, W].
  let maskLogit: Tensor
  /// [H, W]: the largest number of visible points in one of the pixel's cells.
  let collision: Tensor
  /// bool [N]: inside of the image.
  let isInside: Tensor
  /// Rows of the visible points, int64, and their cells.
  private let visible, cells: Tensor
  /// int64 [H·W]: the cell that each pixel's depth is from.
  private let frontCells: Tensor
  private let size: (height: Int, width: Int, upsampling: Int)

  /// What is added to depths before they are inverted, so that they are far from 0.
  private static let offset = 10.0
  private static let epsilon = 1e-8

  /// - Parameters:
  ///   - cells: [N, 2], whole numbers: column and row in the finer image; no derivative.
  ///   - depths: [N], above -10.
  ///   - logits: [N]; points at most 0 are switched off.
  ///   - isEligible: bool [N]: others do not take part.
  ///   - height: H.
  ///   - width: W.
  ///   - upsampling: U.
  init(
    cells: Tensor, depths: Tensor, logits: Tensor, isEligible: Tensor, height: Int, width: Int,
    upsampling: Int
  ) {
    size = (height, width, upsampling)
    let (fineHeight, fineWidth) = (height * upsampling, width * upsampling)
    let (x, y) = (cells.column(0), cells.column(1))
    isInside =
      isEligible .&& (x .>= 0) .&& (y .>= 0) .&& (x .< Double(fineWidth))
      .&& (y .< Double(fineHeight))
    let place = Tensor.where(isInside, y * Double(fineWidth) + x, 0).cast(to: .int64)
    let isOn = logits.stoppingGradient() .> 0
    func rows(_ flags: Tensor) -> Tensor {
      let values = flags.scalars(as: Bool.self)
      return Tensor(values.indices.filter { values[$0] }.map(Int64.init))
    }
    visible = rows(isInside .&& isOn)
    self.cells = place.gather(visible)
    let inverse = (depths.gather(visible) + (Self.offset + Self.epsilon)).reciprocal()
    let ones = Tensor.ones([visible.count], dtype: depths.dtype)
    let seen = Tensor.scatterAdd(
      rows: .stack([inverse, logits.gather(visible), ones], axis: 1), at: self.cells,
      count: fineHeight * fineWidth)
    let blocks = Self.blocks(seen, height, width, upsampling)
    let pooled = blocks.max(axis: 2)
    frontCells = Self.cell(
      blocks.stoppingGradient()[.all, .all, .all, 0].argmax(axis: 2), width, upsampling)
    let hidden = rows(isInside .&& (logits.stoppingGradient() .<= 0))
    let off = Tensor.scatterAdd(
      rows: logits.gather(hidden).expandingDims(at: 1), at: place.gather(hidden),
      count: fineHeight * fineWidth)
    let mean = Self.blocks(off, height, width, upsampling).mean(axis: 2).squeezed(axis: 2)
    let most = pooled[.all, .all, 1]
    depth = (pooled[.all, .all, 0] + Self.epsilon).reciprocal() - Self.offset
    maskLogit = Tensor.where(
      most.stoppingGradient() .> 0, most,
      Tensor.where(mean.stoppingGradient() .< 0, mean, -1))
    collision = pooled[.all, .all, 2].stoppingGradient()
  }

  /// [H, W, U², C] of [UH·UW, C].
  private static func blocks(
    _ values: Tensor, _ height: Int, _ width: Int, _ upsampling: Int
  ) -> Tensor {
    values.reshaped([height, upsampling, width, upsampling, values.shape[1]])
      .transposed(0, 2, 1, 3, 4)
      .reshaped([height, width, upsampling * upsampling, values.shape[1]])
  }

  /// The cell, int64 [H·W], of a place [H, W] within each pixel's block.
  private static func cell(_ place: Tensor, _ width: Int, _ upsampling: Int) -> Tensor {
    let within = place.scalars(as: Int64.self).map { Int($0) }
    let fine = width * upsampling
    let cells = within.enumerated().map { pixel, place -> Int64 in
      let row = (pixel / width) * upsampling + place / upsampling
      let column = (pixel % width) * upsampling + place % upsampling
      return Int64(row * fine + column)
    }
    return Tensor(cells)
  }

  /// Values [N, C] of the points in the cell that each pixel's depth is from, their mean: [H, W, C].
  func frontMeans(of values: Tensor) -> Tensor {
    let count = size.height * size.width * size.upsampling * size.upsampling
    let ones = Tensor.ones([visible.count, 1], dtype: values.dtype)
    let sums = Tensor.scatterAdd(
      rows: .concatenate([values.gather(visible), ones], axis: 1), at: cells, count: count
    ).gather(frontCells)
    let channels = values.shape[1]
    let number = sums.slice(axis: 1, from: channels, to: channels + 1).clamped(min: 1)
    return (sums.slice(axis: 1, from: 0, to: channels) / number)
      .reshaped([size.height, size.width, channels])
  }
}
