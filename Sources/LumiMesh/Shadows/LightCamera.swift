import LumiRendering
import LumiScene
import LumiTensor

/// A light's view of a mesh: a camera at the light, fitted to the vertices.
///
/// Place, direction and lens are made of tensor operations on the light and the mesh, because what
/// the map shows, and hence the picture, depends on all of them.
struct LightCamera {
  /// How the view is cut to the mesh.
  struct Frame {
    /// Pixels a side.
    let resolution: Int
    /// Empty pixels along each border.
    let margin: Int
    /// The least depth in front of a lamp.
    let near: Double
    /// |x/z| and |y/z| of a lamp's view end here.
    let largestSlope: Double
  }

  let camera: Camera
  /// []: depths of the nearest and the farthest vertex, `near` for those behind a lamp.
  let nearest: Tensor
  let farthest: Tensor

  /// Nil for light that comes from no place or direction, and where numbers are not finite.
  init?(_ light: Light, viewing mesh: Mesh, _ frame: Frame) {
    let vertices = mesh.vertices
    let centre = (vertices.max(axis: 0) + vertices.min(axis: 0)) * 0.5
    switch light {
    case .directional(let direction, _):
      (camera, nearest) = Self.parallel(direction, vertices, centre, frame)
    case .point(let position, _, _), .spot(let position, _, _, _, _):
      (camera, nearest) = Self.central(position, vertices, centre, frame)
    default: return nil
    }
    let depths = camera.cameraPoints(vertices).slice(axis: 1, from: 2, to: 3)
    farthest = depths.max().clamped(min: frame.near)
    let numbers = [camera.rotation, camera.translation, camera.focalLength, camera.principalPoint]
    guard numbers.allSatisfy({ $0.scalars(as: Double.self).allSatisfy(\.isFinite) }) else {
      return nil
    }
  }

  /// Parallel rays; the nearest vertex is at depth 1.
  private static func parallel(
    _ direction: Tensor, _ vertices: Tensor, _ centre: Tensor, _ frame: Frame
  ) -> (Camera, nearest: Tensor) {
    let eye = centre + direction.normalized()
    var pose = RigidTransform.lookAt(eye: eye, target: centre, up: up(for: direction))
    let points = pose.applied(to: vertices)
    let shift = 1 - points.slice(axis: 1, from: 2, to: 3).min().reshaped([1])
    let zeros = Tensor.zeros([2], dtype: vertices.dtype)
    pose.translation = pose.translation + Tensor.concatenate([zeros, shift])
    let camera = fitted(.orthographic, pose, points.slice(axis: 1, from: 0, to: 2), frame)
    return (camera, Tensor(1, dtype: vertices.dtype))
  }

  /// Rays from a point towards the middle of the mesh.
  private static func central(
    _ position: Tensor, _ vertices: Tensor, _ centre: Tensor, _ frame: Frame
  ) -> (Camera, nearest: Tensor) {
    let pose = RigidTransform.lookAt(
      eye: position, target: centre, up: up(for: centre - position))
    let points = pose.applied(to: vertices)
    let across = points.slice(axis: 1, from: 0, to: 2)
    let depth = points.slice(axis: 1, from: 2, to: 3)
    // What is beside or behind the lamp counts as lying on the border of the widest view.
    let least = (across.abs() * (1 / frame.largestSlope)).clamped(min: 1e-12)
    let camera = fitted(.perspective, pose, across / Tensor.maximum(depth, least), frame)
    return (camera, depth.min().clamped(min: frame.near))
  }

  /// A camera whose image, less its margin, is the bounding rectangle of image points [V, 2].
  private static func fitted(
    _ model: Camera.Model, _ pose: RigidTransform, _ points: Tensor, _ frame: Frame
  ) -> Camera {
    let low = points.min(axis: 0)
    let span = (points.max(axis: 0) - low).clamped(min: 1e-6)
    let margin = Double(frame.margin)
    let focalLength = (Double(frame.resolution) - 2 * margin) / span
    return Camera(
      model: model, rotation: pose.rotation, translation: pose.translation,
      focalLength: focalLength, principalPoint: margin - low * focalLength,
      width: frame.resolution, height: frame.resolution, near: frame.near, far: .infinity)
  }

  /// The axis that is farthest from parallel to a direction, so that turning the view about itself
  /// is smooth nearly everywhere.
  private static func up(for direction: Tensor) -> Tensor {
    let sizes = direction.scalars(as: Double.self).map(\.magnitude)
    let axis = sizes.indices.min { sizes[$0] < sizes[$1] }!
    return Tensor((0..<3).map { $0 == axis ? 1.0 : 0 }).cast(to: direction.dtype)
  }
}
