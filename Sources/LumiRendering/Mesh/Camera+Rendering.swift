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

extension Tensor {
  /// Means of square blocks of an image [height, width, ...] whose sides are multiples of `factor`.
  public func averagePooled(by factor: Int) -> Tensor {
    let (height, width) = (shape[0] / factor, shape[1] / factor)
    require(
      height * factor == shape[0] && width * factor == shape[1],
      "averagePooled: \(shape[0])×\(shape[1]) pixels by \(factor)")
    return reshaped([height, factor, width, factor] + shape.dropFirst(2))
      .mean(axis: 3).mean(axis: 1)
  }
}
