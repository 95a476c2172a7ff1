import LumiRendering
import LumiScene
import LumiTensor

/// A coloured solid, stated without a representation: what a problem says about its scene.
///
/// A point p of the form's own space is put at translation + rotation · (scale · deformed(p)).
/// Every tensor may depend on a problem's parameters. All are float64 unless cast.
public struct Body: Sendable {
  /// A solid around the origin of its own space.
  public enum Form: Sendable, Equatable {
    /// Radius 1.
    case sphere
    /// From -½ to ½ on every axis.
    case cube
    /// Around the y axis.
    case cylinder(radius: Double, height: Double)
    /// Around the y axis.
    case torus(majorRadius: Double, minorRadius: Double)
    /// The flat rectangle |x| ≤ ½, |y| ≤ ½ at z = 0 that faces +z. Not closed.
    case square

    /// [3]: how far the form reaches from the origin along each axis; ½ where it is flat.
    public var halfExtent: Tensor {
      switch self {
      case .sphere: Tensor([1.0, 1, 1])
      case .cube, .square: Tensor([0.5, 0.5, 0.5])
      case .cylinder(let radius, let height): Tensor([radius, height / 2, radius])
      case .torus(let majorRadius, let minorRadius):
        Tensor([majorRadius + minorRadius, minorRadius, majorRadius + minorRadius])
      }
    }
  }

  /// The surface's own colour, linear.
  public enum Colors: Sendable {
    /// [3].
    case uniform(Tensor)
    /// [8, 3] at the corners of the form's bounding box, trilinear between them; corner
    /// x + 2y + 4z with 0 and 1 for the lower and the upper end.
    case corners(Tensor)
    /// [H, W, 3], row 0 on top: the image across a ``Form/square``, seen from +z. Bilinear between
    /// texel centres, the border repeats.
    case texture(Tensor)
  }

  public var form: Form
  public var colors: Colors
  /// [].
  public var scale: Tensor
  /// [3, 3].
  public var rotation: Tensor
  /// [3].
  public var translation: Tensor
  /// Moves points [N, 3] of the form's own space; made of tensor operations.
  public var deformation: (@Sendable (Tensor) -> Tensor)?
  /// How finely it is cut, where that is not the problem's detail; see ``surface(detail:)``.
  public var detail: Int?

  /// A body at the origin, white if no colour is given.
  public init(
    _ form: Form, colors: Colors? = nil, scale: Tensor? = nil, rotation: Tensor? = nil,
    translation: Tensor? = nil, deformation: (@Sendable (Tensor) -> Tensor)? = nil,
    detail: Int? = nil
  ) {
    self.form = form
    self.colors = colors ?? .uniform(.ones([3], dtype: .float64))
    self.scale = scale ?? Tensor(1, dtype: .float64)
    self.rotation = rotation ?? .eye(3, dtype: .float64)
    self.translation = translation ?? .zeros([3], dtype: .float64)
    self.deformation = deformation
    self.detail = detail
  }

  /// Points [N, 3] of the form's own space in the world.
  public func placed(_ points: Tensor) -> Tensor {
    let moved = deformation?(points) ?? points
    return (moved * scale).matmul(rotation, transposingRight: true) + translation
  }

  /// The colours [N, 3] of points [N, 3] of the form's own space.
  public func color(at points: Tensor) -> Tensor {
    switch colors {
    case .uniform(let color): return color.broadcast(to: [points.shape[0], 3])
    case .corners(let colors): return latticeWeights(points).matmul(colors)
    case .texture(let image):
      return sampleBilinear(image, at: points.slice(axis: 1, from: 0, to: 2) + 0.5)
    }
  }

  /// The share [N, 8] of every corner of the bounding box at points [N, 3].
  private func latticeWeights(_ points: Tensor) -> Tensor {
    let upper = points / form.halfExtent.cast(to: points.dtype) * 0.5 + 0.5
    let lower = 1 - upper
    func axis(_ values: Tensor, _ k: Int) -> Tensor { values.slice(axis: 1, from: k, to: k + 1) }
    return Tensor.concatenate(
      (0..<8).map { corner in
        (0..<3).reduce(Tensor.ones([points.shape[0], 1], dtype: points.dtype)) { product, k in
          product * axis((corner >> k) & 1 == 1 ? upper : lower, k)
        }
      }, axis: 1)
  }

  /// The form's own surface as triangles.
  ///
  /// - Parameter detail: 0 and up; every step has about four times the triangles of curved forms.
  ///   A cube keeps its 12, a square its 2 up to detail 2.
  public func surface(detail: Int) -> Mesh {
    switch form {
    case .sphere: return .icosphere(subdivisions: detail, dtype: .float64)
    case .cube: return .cube(dtype: .float64)
    case .square:
      let cells = 1 << max(detail - 2, 0)
      return .plane(columns: cells, rows: cells, dtype: .float64)
    case .cylinder(let radius, let height):
      return .cylinder(radius: radius, height: height, segments: 4 << detail, dtype: .float64)
    case .torus(let majorRadius, let minorRadius):
      return .torus(
        majorRadius: majorRadius, minorRadius: minorRadius, majorSegments: 6 << detail,
        minorSegments: 4 << detail, dtype: .float64)
    }
  }
}
