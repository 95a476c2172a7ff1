import CLumiKernels
import LumiRendering
import LumiTensor

/// The picture of what is covered, and the surrogate derivative that moves points to pixels that
/// should be covered and away from pixels that should not.
struct Occupancy {
  /// How many times the median splat a pixel's pull reaches.
  let reachFactor: Double

  /// [height, width]: 1 where a pixel has a fragment. Its derivative with respect to `positions` is
  /// the surrogate.
  ///
  /// - Parameters:
  ///   - fragments: with depth merging or without; points of no list are hidden and do not move.
  ///   - positions: [N, 2] on the screen, those of the fragments' points.
  ///   - reaches: [N, 2]; see ``EllipticalFootprint``.
  func image(of fragments: PointFragments, positions: Tensor, reaches: Tensor) -> Tensor {
    let screen = fragments.screen
    let offsets = fragments.pixelOffsets
    let pixels = screen.height * screen.width
    let covered =
      offsets.slice(axis: 0, from: 1, to: pixels + 1) - offsets.slice(axis: 0, from: 0, to: pixels)
    let image = (covered .> 0).cast(to: positions.dtype).reshaped([screen.height, screen.width])
    return customOperation("surfaceOccupancy", inputs: [positions], outputs: [image]) {
      cotangents, _ in
      [pull(cotangents[0]!, fragments, positions, reaches)]
    }[0]
  }

  /// The published rule: a pixel of cotangent g at d from a point adds g d/|d|², within the search
  /// radius, and where g > 0 only within the point's own box.
  func pull(
    _ cotangent: Tensor, _ fragments: PointFragments, _ positions: Tensor, _ reaches: Tensor
  ) -> Tensor {
    let moving = movingReaches(fragments, positions, reaches)
    var frame = lumi_occupancy_frame(
      real: positions.dtype == .float32 ? LUMI_FLOAT32 : LUMI_FLOAT64,
      points: Int64(positions.shape[0]), height: Int64(fragments.screen.height),
      width: Int64(fragments.screen.width), search_radius: searchRadius(moving),
      least_squared: 1e-10)
    let result = Tensor.forKernel(positions.shape, positions.dtype)
    let status = moving.withUnsafeBufferPointer {
      lumi_points_occupancy_gradient(
        &frame, positions.storage.pointer, $0.baseAddress, cotangent.storage.pointer,
        result.storage.pointer)
    }
    require(status == LUMI_RASTER_OK, "surfaceOccupancy: reaches that are not finite")
    return result
  }

  /// Both reaches of every point, 0 where it is in no pixel's list or off the screen.
  func movingReaches(
    _ fragments: PointFragments, _ positions: Tensor, _ reaches: Tensor
  ) -> [Double] {
    var moving = [Double](repeating: 0, count: 2 * positions.shape[0])
    let all = reaches.scalars(as: Double.self)
    let place = positions.scalars(as: Double.self)
    let (width, height) = (fragments.screen.halfWidth, fragments.screen.halfHeight)
    fragments.points.withUnsafeScalars(as: Int32.self) { points in
      for point in points {
        let (x, y) = (2 * Int(point), 2 * Int(point) + 1)
        guard abs(place[x]) <= width, abs(place[y]) <= height else { continue }
        (moving[x], moving[y]) = (all[x], all[y])
      }
    }
    return moving
  }

  /// The factor times the lower median of the reaches of all points that are in a list.
  func searchRadius(_ moving: [Double]) -> Double {
    let sorted = moving.filter { $0 > 0 }.sorted()
    return sorted.isEmpty ? 0 : reachFactor * sorted[(sorted.count - 1) / 2]
  }
}

extension Tensor {
  /// This; a derivative that comes back along rows [N, C] is shortened to at most `length` a row.
  ///
  /// Surface splatting's protection against single points that many pixels pull.
  func clippingGradient(to length: Double) -> Tensor {
    let plain = stoppingGradient()
    let copy = plain + Tensor.zeros(like: plain)
    return customOperation(
      "clipGradient", inputs: [self], outputs: [copy], differentiableTwice: true
    ) { cotangents, _ in [cotangents[0]!.rowsShortened(to: length)] }[0]
  }

  /// Rows [N, C] with at most this length.
  func rowsShortened(to length: Double) -> Tensor {
    let norm = square().sum(axis: 1, keepDims: true).sqrt()
    return self * (length / norm.clamped(min: length))
  }
}
