import LumiTensor

extension Camera {
  /// The camera's place in the world, [3].
  public var centre: Tensor {
    -translation.expandingDims(at: 0).matmul(rotation).squeezed(axis: 0)
  }

  /// World points [..., 3] in camera coordinates [..., 3].
  public func cameraPoints(_ world: Tensor) -> Tensor {
    world.transformed(by: rotation) + translation
  }

  /// Camera coordinates [..., 3] as pixel positions [..., 2].
  ///
  /// Also for points behind the camera, where the value means nothing but is finite: z nearer to 0
  /// than 1e-8 counts as ±1e-8.
  public func pixels(ofCameraPoints points: Tensor) -> Tensor {
    pixels(ofImagePoints: imagePoints(points))
  }

  /// Where world points [..., 3] are seen, as pixel positions [..., 2], and how deep (camera z)
  /// they lie, [...].
  public func project(_ world: Tensor) -> (pixels: Tensor, depth: Tensor) {
    let points = cameraPoints(world)
    return (pixels(ofCameraPoints: points), points.component(2))
  }

  /// Focal length, skew and principal point applied to image coordinates [..., 2].
  func pixels(ofImagePoints points: Tensor) -> Tensor {
    let slanted = points.component(1) * skew
    let skewed = Tensor.stack([slanted, Tensor.zeros(like: slanted)], axis: -1)
    return points * focalLength + skewed + principalPoint
  }

  /// The inverse of ``pixels(ofImagePoints:)``.
  func imagePoints(ofPixels pixels: Tensor) -> Tensor {
    let centred = (pixels - principalPoint) / focalLength
    let slanted = centred.component(1) * skew / focalLength.component(0)
    return centred - Tensor.stack([slanted, Tensor.zeros(like: slanted)], axis: -1)
  }

  /// The model's own part of the projection, [..., 3] to [..., 2].
  private func imagePoints(_ points: Tensor) -> Tensor {
    let xy = points.slice(axis: -1, from: 0, to: 2)
    let z = points.slice(axis: -1, from: 2, to: 3)
    switch model {
    case .orthographic: return xy
    case .weakPerspective: return xy / required(meanDepth, "meanDepth")
    case .perspective, .thinLens: return xy / z.awayFromZero()
    case .quadratic, .brown:
      return RadialDistortion(required(distortion, "distortion")).applied(to: xy / z.awayFromZero())
    case .fisheye:
      return FisheyeDistortion(required(distortion, "distortion")).imagePoints(xy, z)
    }
  }

  func required(_ value: Tensor?, _ name: String) -> Tensor {
    guard let value else { fatalError("Camera: the \(model) model needs \(name)") }
    return value
  }
}

extension Tensor {
  /// Values within ±1e-8 replaced by ±1e-8 (0 counts as positive), with a zero derivative there.
  func awayFromZero() -> Tensor {
    let constant = stoppingGradient()
    let least = Tensor.where(
      constant .< 0, Tensor(-1e-8, dtype: dtype), Tensor(1e-8, dtype: dtype))
    return Tensor.where(constant.abs() .< 1e-8, least, self)
  }
}
