import Lumigrad

/// A few pictures from a moving camera, and what is to be found out.
struct Video {
  /// [H, W, 3] each.
  let frames: [Tensor]
  let cameras: [Camera]
  /// [H, W]: the true depth of the frame in the middle.
  let depth: Tensor

  /// The frame whose depth is wanted.
  var middle: Int { frames.count / 2 }
  /// The others.
  var sources: [Int] { frames.indices.filter { $0 != middle } }

  /// The camera walks to the right and forward and looks around a little. Frames have 2×2 samples a
  /// pixel.
  static func filmed(frames count: Int, width: Int, height: Int) throws -> Video {
    let scenery = Scene(Scenery.mesh())
    let renderer = HardRasterizer(channels: [.color, .depth])
    let cameras = (0..<count).map { frame -> Camera in
      let time = Double(frame - count / 2)
      let eye = SIMD3(0.10 * time, 0.03 * time + 0.01 * time * time, -0.06 * time)
      let target = eye + SIMD3(0.035 * time + 0.01 * time * time, -0.012 * time - 0.05, -1)
      return .perspective(
        lookingAt: target, from: eye, up: [0.012 * time, 1, 0], verticalFieldOfView: 0.85,
        width: width, height: height)
    }
    let frames = try cameras.map { camera -> Tensor in
      let fine = try renderer.render(scenery, from: camera.enlarged(by: 2))[.color]
      return fine.pooled(2)
    }
    let depth = try renderer.render(scenery, from: cameras[count / 2])[.depth]
    return Video(frames: frames, cameras: cameras, depth: depth)
  }

  /// How the camera of a source moved against the middle one: from the middle's camera coordinates to
  /// the source's.
  func motion(to source: Int) -> RigidTransform {
    cameras[middle].pose.inverse.followed(by: cameras[source].pose)
  }
}

extension Tensor {
  /// Means of squares of `factor`×`factor` pixels.
  func pooled(_ factor: Int) -> Tensor {
    reshaped([shape[0] / factor, factor, shape[1] / factor, factor, shape[2]]).mean(axes: [1, 3])
  }

  /// An image [h, w] at another size, bilinear.
  func resized(height: Int, width: Int) -> Tensor {
    let u = (Tensor.arange(width, dtype: dtype) + 0.5) / Double(width)
    let v = 1 - (Tensor.arange(height, dtype: dtype) + 0.5) / Double(height)
    let places = Tensor.stack(
      [u.broadcast(to: [height, width]), v.expandingDims(at: 1).broadcast(to: [height, width])],
      axis: -1)
    return sampleBilinear(expandingDims(at: 2), at: places.reshaped([-1, 2]))
      .reshaped([height, width])
  }
}
