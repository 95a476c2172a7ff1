import LumiScene
import LumiTensor

/// The part of every ray that matters, as distances from its origin in units of its direction.
public struct RayInterval: Sendable {
  /// [R]; negative where the ray starts inside.
  public let near: Tensor
  /// [R].
  public let far: Tensor

  public init(near: Tensor, far: Tensor) {
    self.near = near
    self.far = far
  }

  /// bool [R]: whether there is such a part ahead of the origin.
  public var isHit: Tensor {
    (near.stoppingGradient() .< far.stoppingGradient()) .&& (far.stoppingGradient() .> 0)
  }

  /// Where rays are in an axis-aligned box, differentiable with respect to all. Along an axis that a
  /// ray does not move on, it is inside of the half-open side or nowhere.
  ///
  /// - Parameters:
  ///   - rays: origins and directions [R, 3]; directions of any length.
  ///   - lower: [3].
  ///   - upper: [3].
  public init(of rays: CameraRays, inBoxFrom lower: Tensor, to upper: Tensor) {
    let (start, direction) = (rays.origins, rays.directions)
    let still = direction.stoppingGradient() .== 0
    let place = start.stoppingGradient()
    let inside =
      (place .>= lower.stoppingGradient()) .&& (place .< upper.stoppingGradient())
    // Large and finite: an infinity in a branch that is not taken would still spoil derivatives.
    let always = Tensor(-1e30, dtype: direction.dtype)
    let fallback = Tensor.where(inside, always, -always)
    let moving = Tensor.where(still, Tensor(1, dtype: direction.dtype), direction)
    let a = (lower - start) / moving
    let b = (upper - start) / moving
    near = Tensor.where(still, fallback, Tensor.minimum(a, b)).max(axis: -1)
    far = Tensor.where(still, -fallback, Tensor.maximum(a, b)).min(axis: -1)
  }

  /// The part that both have.
  public func intersection(_ other: RayInterval) -> RayInterval {
    RayInterval(near: .maximum(near, other.near), far: .minimum(far, other.far))
  }
}

/// The rays through all pixel centres of a camera, row by row.
public struct PixelRays: Sendable {
  /// Origins and unit directions, [R, 3].
  public let rays: CameraRays
  /// [R]: how much camera z grows along a unit of the ray.
  public let depthPerDistance: Tensor
  /// The part within the camera's near and far depths.
  public let visible: RayInterval

  public init(rays: CameraRays, depthPerDistance: Tensor, visible: RayInterval) {
    self.rays = rays
    self.depthPerDistance = depthPerDistance
    self.visible = visible
  }

  public init(of camera: Camera) {
    let count = camera.height * camera.width
    self.init(of: camera, through: camera.pixelCentres().reshaped([count, 2]))
  }

  /// The rays through positions [R, 2] on the image, in pixels.
  public init(of camera: Camera, through positions: Tensor) {
    rays = camera.rays(through: positions)
    let axis = camera.rotation.slice(axis: 0, from: 2, to: 3)
    depthPerDistance = rays.directions.matmul(axis, transposingRight: true).squeezed(axis: 1)
    // Rays to the side of a fisheye lens have no depth that bounds them.
    let constant = depthPerDistance.stoppingGradient()
    let isAhead = constant .> 1e-6
    let slope = Tensor.where(isAhead, constant, 1)
    visible = RayInterval(
      near: .where(isAhead, camera.near / slope, 0), far: .where(isAhead, camera.far / slope, 1e30))
  }
}
