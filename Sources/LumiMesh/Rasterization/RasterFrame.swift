import CLumiKernels
import LumiRendering
import LumiScene
import LumiTensor

/// The extent of one rasterisation: corners [batch, faces, 3, 3] onto images [batch, height, width].
struct RasterFrame {
  let batch: Int
  let faces: Int
  let screen: ScreenSpace
  let dtype: DType

  init(corners: Tensor, screen: ScreenSpace) {
    require(
      corners.rank == 4 && corners.shape[2] == 3 && corners.shape[3] == 3
        && corners.dtype.isFloatingPoint,
      "rasterise: corners \(corners.dtype) \(corners.shape), expected [batch, faces, 3, 3]")
    batch = corners.shape[0]
    faces = corners.shape[1]
    self.screen = screen
    dtype = corners.dtype
  }

  var kernel: lumi_raster_frame {
    lumi_raster_frame(
      real: dtype == .float32 ? LUMI_FLOAT32 : LUMI_FLOAT64, batch: Int64(batch),
      faces: Int64(faces), height: Int64(screen.height), width: Int64(screen.width))
  }

  /// [batch, height, width] and more axes.
  func imageShape(_ rest: Int...) -> [Int] { [batch, screen.height, screen.width] + rest }

  /// Throws what a kernel's status means.
  func check(_ status: lumi_raster_status, _ method: String) throws {
    switch status {
    case LUMI_RASTER_OK: return
    case LUMI_RASTER_NO_MEMORY:
      throw RenderError.outOfMemory(
        method: method,
        detail: "\(batch) views of \(screen.height)×\(screen.width) with \(faces) faces")
    default:
      throw RenderError.invalid(
        method: method, parameter: "a rasterisation option or the image size",
        expected: "values in their documented ranges, 1...\(1 << 20) pixels a side",
        actual: "\(screen.height)×\(screen.width), \(faces) faces")
    }
  }
}

/// Which faces reach which pixels.
enum FragmentSearch {
  /// Rules for ``find(_:screen:rules:method:)``; defaults are those of the Soft Rasterizer.
  struct Rules {
    /// Faces closer than the root of this reach a pixel (screen units).
    var radiusSquared = 0.0
    var minimumTwiceArea = 1e-10
    var minimumDepth = 0.0
    /// Whether a pixel centre on an edge counts as inside.
    var edgesInside = false
    /// Keep only so many of a pixel's fragments, nearest first; nil keeps all in face order.
    var nearest: Int?
    var perspectiveCorrect = false
    var clipBarycentrics = true
  }

  /// All fragments of one view, pixel by pixel.
  ///
  /// - Parameter corners: [faces, 3, 3].
  static func find(
    _ corners: Tensor, screen: ScreenSpace, rules: Rules, method: String
  ) throws -> Fragments {
    let frame = RasterFrame(corners: corners.expandingDims(at: 0), screen: screen)
    var parameters = lumi_fragment_parameters(
      radius_squared: rules.radiusSquared, minimum_twice_area: rules.minimumTwiceArea,
      minimum_depth: rules.minimumDepth, edges_inside: rules.edgesInside ? 1 : 0,
      nearest: Int32(clamping: rules.nearest ?? 0),
      perspective_correct: rules.perspectiveCorrect ? 1 : 0,
      clip_barycentric: rules.clipBarycentrics ? 1 : 0)
    var kernelFrame = frame.kernel
    var lists = lumi_fragments()
    try frame.check(
      lumi_fragments_create(&kernelFrame, &parameters, corners.kernelPointer, &lists), method)
    defer { lumi_fragments_free(&lists) }
    let count = Int(lists.count)
    let faces = Tensor.build([count], Int32.self) { out in
      if count > 0 { out.update(from: lists.face_index, count: count) }
    }
    let pixels = Tensor.build([count], Int64.self) { out in
      for pixel in 0..<screen.width * screen.height {
        for place in lists.pixel_offsets[pixel]..<lists.pixel_offsets[pixel + 1] {
          out[Int(place)] = Int64(pixel)
        }
      }
    }
    return Fragments(pixels: pixels, faces: faces, corners: corners, screen: screen)
  }
}
