import LumiTensor

/// Rays in the world, one per pixel position asked for.
public struct CameraRays: Sendable {
  /// [..., 3].
  public let origins: Tensor
  /// [..., 3], unit length.
  public let directions: Tensor

  public init(origins: Tensor, directions: Tensor) {
    self.origins = origins
    self.directions = directions
  }
}

extension Camera {
  /// The positions of all pixel centres, [height, width, 2]: (c + ½, r + ½).
  public func pixelCentres() -> Tensor {
    let columns = (Tensor.arange(width, dtype: dtype) + 0.5).broadcast(to: [height, width])
    let rows = (Tensor.arange(height, dtype: dtype) + 0.5).expandingDims(at: 1)
    return Tensor.stack([columns, rows.broadcast(to: [height, width])], axis: -1)
  }

  /// The world points [..., 3] that are seen at `pixels` [..., 2] at depth (camera z) `depth`
  /// [...]: the inverse of ``project(_:)``. Distortion is undone by Newton's method (see
  /// ``Model``), to rounding error where it is monotone.
  public func unproject(pixels: Tensor, depth: Tensor) -> Tensor {
    let z = depth.expandingDims(at: -1)
    let points = imagePoints(ofPixels: pixels)
    let camera: Tensor
    switch model {
    case .orthographic: camera = Tensor.concatenate([points, z], axis: -1)
    case .weakPerspective:
      camera = Tensor.concatenate([points * required(meanDepth, "meanDepth"), z], axis: -1)
    case .perspective, .thinLens, .quadratic, .brown, .fisheye:
      let directions = directions(ofImagePoints: points)
      camera = directions * (z / directions.slice(axis: -1, from: 2, to: 3).awayFromZero())
    }
    return worldPoints(camera)
  }

  /// Camera coordinates [..., 3] in the world.
  public func worldPoints(_ camera: Tensor) -> Tensor {
    (camera - translation).transformed(by: rotation.transposed())
  }

  /// The rays through `pixels` [..., 2].
  ///
  /// Orthographic and weak perspective rays start in the plane z = 0 of the camera, all others at
  /// its centre.
  ///
  /// - Parameters:
  ///   - pixels: [..., 2], pixel positions.
  ///   - lens: points [..., 2] of the unit disc, x right and y down, from which the rays of a
  ///     thin lens start; the centre of the lens if nil. Other models take no notice.
  public func rays(through pixels: Tensor, lens: Tensor? = nil) -> CameraRays {
    let points = imagePoints(ofPixels: pixels)
    let toWorld = rotation.transposed()
    switch model {
    case .orthographic, .weakPerspective:
      let scale = model == .orthographic ? nil : required(meanDepth, "meanDepth")
      let start = scale.map { points * $0 } ?? points
      let plane = Tensor.zeros(Array(start.shape.dropLast()) + [1], dtype: dtype)
      let ahead = rotation.slice(axis: 0, from: 2, to: 3).squeezed(axis: 0)
      return CameraRays(
        origins: worldPoints(Tensor.concatenate([start, plane], axis: -1)),
        directions: ahead.broadcast(to: Array(start.shape.dropLast()) + [3]))
    case .thinLens where lens != nil:
      return lensRays(points, lens!)
    case .perspective, .thinLens, .quadratic, .brown, .fisheye:
      let directions = directions(ofImagePoints: points).unitVectors()
      return CameraRays(
        origins: centre.broadcast(to: directions.shape),
        directions: directions.transformed(by: toWorld))
    }
  }

  /// Rays from points of the lens to where the ray through its centre meets the plane in focus.
  private func lensRays(_ points: Tensor, _ lens: Tensor) -> CameraRays {
    let focus = directions(ofImagePoints: points) * required(focusDistance, "focusDistance")
    let start = (lens * required(aperture, "aperture")).broadcast(to: points.shape)
    let plane = Tensor.zeros(Array(points.shape.dropLast()) + [1], dtype: dtype)
    let origins = Tensor.concatenate([start, plane], axis: -1)
    let directions = (focus - origins).unitVectors()
    return CameraRays(
      origins: worldPoints(origins),
      directions: directions.transformed(by: rotation.transposed()))
  }

  /// Directions in camera coordinates [..., 3]: (a, b, 1), or unit ones of a fisheye lens.
  private func directions(ofImagePoints points: Tensor) -> Tensor {
    let straight: Tensor
    switch model {
    case .fisheye:
      return FisheyeDistortion(required(distortion, "distortion")).directions(points)
    case .quadratic, .brown:
      straight = RadialDistortion(required(distortion, "distortion")).inverted(points)
    case .perspective, .thinLens, .orthographic, .weakPerspective: straight = points
    }
    let ahead = Tensor.ones(Array(straight.shape.dropLast()) + [1], dtype: dtype)
    return Tensor.concatenate([straight, ahead], axis: -1)
  }

  /// The extrinsics, world to camera.
  public var pose: RigidTransform {
    RigidTransform(rotation: rotation, translation: translation)
  }
}
