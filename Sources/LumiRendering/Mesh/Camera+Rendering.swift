import LumiScene
import LumiTensor

extension Camera {
  /// Whether rays meet in a point, so that what is linear in space is not linear on the screen.
  public var isPerspective: Bool {
    switch model {
    case .orthographic, .weakPerspective: false
    case .perspective, .quadratic, .brown, .fisheye, .thinLens: true
    }
  }

  /// Unit directions from world points [N, 3] to the eye [N, 3].
  public func directionToEye(from points: Tensor) -> Tensor {
    guard isPerspective else {
      // Parallel rays: against the camera's z axis, the last row of the rotation.
      return (-rotation.slice(axis: 0, from: 2, to: 3)).broadcast(to: points.shape)
    }
    return (centre - points).normalized()
  }
}
