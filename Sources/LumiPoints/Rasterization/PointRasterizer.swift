import CLumiKernels
import LumiRendering
import LumiTensor

/// Stage 2 of the point pipeline: which points cover which pixels.
///
/// A pixel is covered by a point if its centre is inside of the point's footprint. All points of a
/// pixel are listed, nearest first; of equal depths the smaller index comes first. Lists grow as
/// they need to, and nothing is dropped unless ``nearest`` asks for it. The lists are a choice and
/// have no derivative; what is computed of them does, see ``PointFragments``.
///
/// - Complexity: O(N + sum of the footprints' boxes), memory O(fragments kept).
public struct PointRasterizer: Sendable {
  /// Keep only so many points a pixel, at least 1; nil, the default, keeps all.
  public var nearest: Int?
  /// Points whose depth is greater than that of a pixel's nearest by more than this are left out of
  /// its list; at least 0, infinite by default.
  public var thickness: Double
  /// Points at other depths are left out, inclusive on both ends.
  public var depths: ClosedRange<Double>
  /// Whether a pixel's centre on a footprint's border is covered.
  public var includesRim: Bool

  /// - Parameters:
  ///   - nearest: the most points a pixel keeps.
  ///   - thickness: how far behind its nearest point a pixel keeps points.
  ///   - depths: of the points that are drawn; those in front of the camera if not given.
  ///   - includesRim: whether footprints contain their border.
  public init(
    nearest: Int? = nil, thickness: Double = .infinity,
    depths: ClosedRange<Double> = 0...Double.greatestFiniteMagnitude, includesRim: Bool = false
  ) {
    self.nearest = nearest
    self.thickness = thickness
    self.depths = depths
    self.includesRim = includesRim
  }

  /// Lists the points of every pixel. Points with a number that is not finite cover nothing.
  ///
  /// - Parameters:
  ///   - points: on the screen.
  ///   - method: the id that errors name.
  /// - Throws: `RenderError` for ``nearest`` below 1, an image of no or too many pixels, or lists
  ///   that do not fit into memory.
  public func fragments(of points: ScreenPoints, method: String) throws -> PointFragments {
    if let nearest, nearest < 1 {
      throw RenderError.invalid(
        method: method, parameter: "nearest", expected: "at least 1", actual: "\(nearest)")
    }
    var frame = points.kernelFrame
    frame.near_depth = depths.lowerBound
    frame.far_depth = depths.upperBound
    frame.thickness = thickness
    frame.rim_inside = includesRim ? 1 : 0
    frame.nearest = Int64(nearest ?? 0)
    var lists = lumi_point_fragments()
    let status = lumi_points_rasterize(
      &frame, points.positions.storage.pointer, points.depths.storage.pointer,
      points.shapes.storage.pointer, &lists)
    try Self.check(status, points, method)
    defer { lumi_point_fragments_free(&lists) }
    return PointFragments(lists, of: points)
  }

  private static func check(
    _ status: lumi_raster_status, _ points: ScreenPoints, _ method: String
  ) throws {
    let size = "\(points.screen.height)×\(points.screen.width) pixels, \(points.count) points"
    switch status {
    case LUMI_RASTER_OK: return
    case LUMI_RASTER_NO_MEMORY: throw RenderError.outOfMemory(method: method, detail: size)
    default:
      throw RenderError.invalid(
        method: method, parameter: "the image size, a cutoff, thickness or depth",
        expected: "1...\(1 << 20) pixels a side, \(Int32.max) in all, a cutoff above 0, numbers",
        actual: size)
    }
  }
}

extension ScreenPoints {
  /// The extent of one kernel call, with neutral options.
  var kernelFrame: lumi_point_frame {
    lumi_point_frame(
      real: dtype == .float32 ? LUMI_FLOAT32 : LUMI_FLOAT64, points: Int64(count),
      height: Int64(screen.height), width: Int64(screen.width), ellipses: cutoff == nil ? 0 : 1,
      cutoff: cutoff ?? 1, rim_inside: 0, near_depth: 0, far_depth: .infinity,
      thickness: .infinity, nearest: 0)
  }
}
