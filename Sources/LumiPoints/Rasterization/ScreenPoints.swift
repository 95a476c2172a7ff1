import LumiRendering
import LumiScene
import LumiTensor

/// Stage 1 of the point pipeline: points on the screen, and the area that each covers there.
///
/// Screen coordinates are those of `ScreenSpace`: the shorter image side spans [-1, 1], +x right,
/// +y up, whatever the resolution.
public struct ScreenPoints: Sendable {
  /// What a point covers.
  public enum Footprint: Sendable {
    /// Discs; radii [N] or [] in screen units. A radius that is not above 0 covers nothing.
    case discs(radii: Tensor)
    /// Ellipses a dx² + b dx dy + c dy² < `cutoff`; `forms` [N, 3] are a, b, c, in 1/screen units².
    /// A form that is not positive definite covers nothing.
    case ellipses(forms: Tensor, cutoff: Double)
  }

  /// [N, 2]: x and y on the screen.
  public let positions: Tensor
  /// [N]: camera z, or whatever orders the points from near to far.
  public let depths: Tensor
  public let footprint: Footprint
  public let screen: ScreenSpace

  /// - Parameters:
  ///   - positions: [N, 2], floating point.
  ///   - depths: [N].
  ///   - footprint: what each covers.
  ///   - screen: the image's size.
  ///
  /// Shapes that are not as documented stop the program.
  public init(positions: Tensor, depths: Tensor, footprint: Footprint, screen: ScreenSpace) {
    let count = positions.shape.first ?? 0
    func check(_ name: String, _ value: Tensor, _ shape: [Int]) {
      require(
        value.shape == shape && value.dtype == positions.dtype && value.dtype.isFloatingPoint,
        """
        ScreenPoints: \(name) is \(value.dtype) \(value.shape), expected \(positions.dtype) \(shape)
        """)
    }
    check("positions", positions, [count, 2])
    check("depths", depths, [count])
    switch footprint {
    case .discs(let radii):
      let radii = radii.rank == 0 ? radii.broadcast(to: [count]) : radii
      check("radii", radii, [count])
      self.footprint = .discs(radii: radii)
    case .ellipses(let forms, _):
      check("forms", forms, [count, 3])
      self.footprint = footprint
    }
    self.positions = positions
    self.depths = depths
    self.screen = screen
  }

  /// World points [N, 3] as discs.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - camera: of the same dtype.
  ///   - radii: on the screen, [N] or [].
  public init(_ points: Tensor, from camera: Camera, radii: Tensor) {
    self.init(
      cameraPoints: camera.cameraPoints(points), from: camera, footprint: .discs(radii: radii))
  }

  /// Camera points [N, 3] with a footprint.
  public init(cameraPoints: Tensor, from camera: Camera, footprint: Footprint) {
    let projected = ProjectedMesh.screen(cameraPoints, camera)
    self.init(
      positions: projected.slice(axis: 1, from: 0, to: 2),
      depths: cameraPoints.slice(axis: 1, from: 2, to: 3).flattened(), footprint: footprint,
      screen: ScreenSpace(camera))
  }

  public var count: Int { depths.count }
  public var dtype: DType { positions.dtype }

  /// Radii [N], or forms [N, 3].
  var shapes: Tensor {
    switch footprint {
    case .discs(let radii): radii
    case .ellipses(let forms, _): forms
    }
  }

  /// Whether the footprint is an ellipse's, and its cutoff.
  var cutoff: Double? {
    if case .ellipses(_, let cutoff) = footprint { return cutoff }
    return nil
  }
}
