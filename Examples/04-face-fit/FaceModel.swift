import Foundation
import Lumigrad

/// A small morphable model (Blanz and Vetter, SIGGRAPH 1999): an average head, and how heads differ.
///
///     shape  = average + identity axes · a + expression axes · b
///     albedo = average + skin axes · c            a, b, c ~ N(0, 1)
///
/// Models in use are learned from hundreds of scans. This one is made of formulas, so that it needs
/// no data; what follows from it, the fitting, is the same.
struct FaceModel: Sendable {
  /// Faces of the sphere by number of subdivisions. New vertices come last, so a coarse head is made
  /// of the first vertices of the finest.
  private let faces: [Tensor]
  /// [3V] each.
  let averageShape, averageAlbedo: Tensor
  /// [3V, K] each; columns are orthogonal and as long as the standard deviation.
  let identity, expression, skin: Tensor
  /// Vertices that a detector of landmarks would find in a picture.
  let landmarks: Tensor
  /// V: 1 for vertices of the face proper, which a picture from the front shows; 0 elsewhere.
  let faceMask: Tensor

  var identityCount: Int { identity.shape[1] }
  var expressionCount: Int { expression.shape[1] }
  var skinCount: Int { skin.shape[1] }
  /// From chin to crown, in model units.
  static let headSize = 2.0

  /// Subdivisions of the finest sphere: 10,242 vertices, about a pixel apart in the target.
  static let finest = 5

  init() {
    let spheres = (0...Self.finest).map { Mesh.icosphere(subdivisions: $0, dtype: .float64) }
    let places = Self.places(on: spheres[Self.finest])
    faces = spheres.map(\.faces)
    averageShape = Self.column(places.map { $0 + averageHead($0) })
    averageAlbedo = Self.column(places.map(averageSkin))
    identity = Self.axes(identityFields, places)
    expression = Self.axes(expressionFields, places)
    skin = Self.axes(skinFields, places)
    landmarks = Self.landmarks(places)
    faceMask = Tensor(places.map { Float($0.z > 0.25 && $0.y < 0.6 ? 1 : 0) })
  }

  /// Vertices [V, 3], the head upright at the origin.
  func vertices(identity a: Tensor, expression b: Tensor) -> Tensor {
    (averageShape + identity.matmul(a) + expression.matmul(b)).reshaped([-1, 3])
  }

  /// Albedo [V, 3], linear.
  func albedo(skin c: Tensor) -> Tensor {
    (averageAlbedo + skin.matmul(c)).clamped(min: 0.01).reshaped([-1, 3])
  }

  /// A mesh of all `vertices` [V, 3] and `albedo` [V, 3], or of the coarser one's among them.
  func mesh(_ vertices: Tensor, _ albedo: Tensor, level: Int = finest) -> Mesh {
    let count = 10 << (2 * level) + 2
    return Mesh(
      vertices: vertices.slice(axis: 0, from: 0, to: count), faces: faces[level],
      appearance: .vertexColors(albedo.slice(axis: 0, from: 0, to: count)))
  }

  /// Points of the ellipsoid, denser on the face: the angle to the axis of view is shrunk there.
  private static func places(on sphere: Mesh) -> [SIMD3<Double>] {
    let values = sphere.vertices.scalars(as: Double.self)
    return (0..<sphere.vertexCount).map { vertex in
      let (x, y, z) = (values[3 * vertex], values[3 * vertex + 1], values[3 * vertex + 2])
      let angle = acos(min(max(z, -1), 1))
      let shrunk = angle - 0.45 * sin(angle)
      let scale = sin(angle) > 1e-9 ? sin(shrunk) / sin(angle) : 0
      return SIMD3(x * scale, y * scale, cos(shrunk)) * headAxes
    }
  }

  private static func column(_ values: [SIMD3<Double>]) -> Tensor {
    Tensor(values.flatMap { [Float($0.x), Float($0.y), Float($0.z)] })
  }

  private static func axes(_ fields: [Field], _ places: [SIMD3<Double>]) -> Tensor {
    let columns = fields.map { field in
      places.flatMap { place in
        let value = field(place)
        return [value.x, value.y, value.z]
      }
    }
    let axes = principalAxes(columns).map { Tensor($0).cast(to: .float32) }
    return Tensor.stack(axes, axis: 1)
  }

  /// Corners of the eyes, ends of the brows, nose, mouth, chin and jaw: 21 vertices.
  private static func landmarks(_ places: [SIMD3<Double>]) -> Tensor {
    let wanted: [SIMD2<Double>] =
      [[0, 0.1], [0, -0.13], [0, -0.2], [0, -0.36], [0, -0.49], [0, -0.72], [0, 0.45]]
      + [
        [0.165, 0.14], [0.355, 0.14], [0.13, 0.27], [0.41, 0.27], [0.085, -0.17], [0.17, -0.42],
        [0.42, -0.45],
      ].flatMap { (p: SIMD2<Double>) in [p, [-p.x, p.y]] }
    return Tensor(
      wanted.map { target -> Int64 in
        func distance(_ place: SIMD3<Double>) -> Double {
          let offset = SIMD2(place.x, place.y) - target
          return place.z > 0 ? (offset * offset).sum() : .infinity
        }
        return Int64(places.indices.min { distance(places[$0]) < distance(places[$1]) }!)
      })
  }
}
