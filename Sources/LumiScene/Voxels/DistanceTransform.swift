// Filled and empty cells as signed distances, and back.
//
// The distance from a cell's middle to the nearest cell of the other kind, that cell taken as a box:
// so surfaces lie where cells meet, and a cell beside one is half a spacing away. Squared distances
// to boxes are sums over the axes, and along an axis the nearest box begins half a step beside its
// middle. The lower envelope of parabolas on those half steps gives them in linear time: P.
// Felzenszwalb and D. Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing
// 2012, with parabolas between the samples. Exact up to rounding, whatever the spacings.
//
// It cannot: see fractions. A cell is filled or empty, and the surface has steps; where fractions say
// more, `VoxelGrid(signedDistancesTo:)` of `surface()` uses them. It has no derivative.

import LumiTensor

extension VoxelGrid {
  /// What of an occupancy is left between filled and empty.
  public enum EdgeProfile: Sendable, CaseIterable {
    /// 1/(1 + exp(d/width)): differentiable everywhere, filled for certain nowhere.
    case sigmoid
    /// From 1 to 0 along a line as wide as the width, with the surface in its middle.
    case linear
  }

  /// The grid with signed distances for values: to the faces between filled and empty cells, nodes
  /// taken as the middles of cells too, negative where the grid is filled. Colours and warp stay.
  ///
  /// Signed distances are measured anew. The result is a constant.
  ///
  /// - Complexity: O(values).
  /// - Parameter level: what separates filled from empty; values at it are empty. 0 for signed
  ///   distances and ½ for other quantities if nil.
  /// - Returns: distances in world units; plus or minus the box's diagonal everywhere if the grid is
  ///   empty or filled throughout. Beyond the box nothing is known, its faces are no surface.
  /// - Throws: ``SceneError`` for a value or a level that is not finite, or shapes that do not fit.
  public func distanceTransformed(level: Double? = nil) throws -> VoxelGrid {
    try checkStructure()
    try checkFinite("voxels.values", values)
    let level = try surfaceLevel(level)
    let numbers = values.stoppingGradient().scalars(as: Double.self)
    let isFilled = numbers.map { isFilledBelow ? $0 < level : $0 > level }
    let transform = BoxDistanceTransform(counts: counts, spacing: spacing)
    let toFilled = transform.squaredDistances(isFilled.map { $0 ? 0 : .infinity })
    let toEmpty = transform.squaredDistances(isFilled.map { $0 ? .infinity : 0 })
    let diagonal = (extent * extent).sum().squareRoot()
    let signed = isFilled.indices.map { row -> Double in
      let distance = (isFilled[row] ? toEmpty[row] : toFilled[row]).squareRoot()
      return (isFilled[row] ? -1 : 1) * min(distance, diagonal)
    }
    var result = self
    result.quantity = .signedDistance
    result.values = Tensor(signed, shape: values.shape).cast(to: dtype)
    return result
  }

  /// Signed distances as how much is filled, differentiable. Colours and warp stay.
  ///
  /// - Parameters:
  ///   - width: how wide the edge is, in world units, above 0; about a spacing keeps edges as sharp as
  ///     the grid can hold.
  ///   - profile: the edge's form.
  /// - Throws: ``SceneError`` if the grid holds another quantity, or for a width that is not above 0.
  public func occupancy(width: Double, profile: EdgeProfile = .sigmoid) throws -> VoxelGrid {
    guard quantity == .signedDistance else {
      throw SceneError(
        field: "voxels.quantity", expected: "signedDistance", actual: "\(quantity)")
    }
    guard width > 0 && width.isFinite else {
      throw SceneError(field: "width", expected: "above 0 and finite", actual: "\(width)")
    }
    var result = self
    result.quantity = .occupancy
    switch profile {
    case .sigmoid: result.values = (values * (-1 / width)).sigmoid()
    case .linear: result.values = (0.5 - values * (1 / width)).clamped(min: 0, max: 1)
    }
    return result
  }
}

/// Squared distances from the middles of cells to boxes, one axis after the other.
private struct BoxDistanceTransform {
  let counts: SIMD3<Int>
  let spacing: SIMD3<Double>

  /// - Parameter heights: row-major; 0 for the boxes, infinity for other cells.
  func squaredDistances(_ heights: [Double]) -> [Double] {
    var values = heights
    let strides = SIMD3(counts.y * counts.z, counts.z, 1)
    for axis in 0..<3 where counts[axis] > 1 {
      // Lines along the axis, those of one slab across another axis to a thread.
      let slabs = axis == 0 ? 1 : 0
      let others = axis == 2 ? 1 : 2
      values.withUnsafeMutableBufferPointer { buffer in
        let values = buffer.baseAddress!
        parallelFor(counts[slabs]) { slab in
          var envelope = ParabolaEnvelope(counts[axis])
          for other in 0..<counts[others] {
            envelope.run(
              values + slab * strides[slabs] + other * strides[others], stride: strides[axis],
              step: spacing[axis] * spacing[axis])
          }
        }
      }
    }
    return values
  }
}

/// The lower envelope of parabolas along a line of cells, with memory for one line.
private struct ParabolaEnvelope {
  private let count: Int
  private var heights: [Double]
  /// The parabolas of the envelope, by the number of the border that they stand on: border n is
  /// between cells n - 1 and n.
  private var borders: [Int]
  /// Where each begins to be the lowest.
  private var begins: [Double]

  init(_ count: Int) {
    self.count = count
    heights = [Double](repeating: 0, count: count)
    borders = [Int](repeating: 0, count: count + 1)
    begins = [Double](repeating: 0, count: count + 1)
  }

  /// Replaces the heights of a line by the least of every height plus the squared distance to its
  /// box.
  mutating func run(_ line: UnsafeMutablePointer<Double>, stride: Int, step: Double) {
    for n in 0..<count { heights[n] = line[n * stride] }
    var last = -1
    for border in 0...count {
      let height = self.height(border)
      guard height < .infinity else { continue }
      var begin = -Double.infinity
      while last >= 0 {
        begin = crossing(borders[last], border, step)
        if begin > begins[last] { break }
        last -= 1
        begin = -.infinity
      }
      last += 1
      borders[last] = border
      begins[last] = begin
    }
    guard last >= 0 else { return }
    var at = 0
    for n in 0..<count {
      let place = Double(n) + 0.5
      while at < last && begins[at + 1] < place { at += 1 }
      let way = place - Double(borders[at])
      // A cell's own box is at distance 0, wherever its borders are.
      line[n * stride] = min(heights[n], height(borders[at]) + step * way * way)
    }
  }

  private func height(_ border: Int) -> Double {
    min(border > 0 ? heights[border - 1] : .infinity, border < count ? heights[border] : .infinity)
  }

  /// Where the parabola of the right border becomes the lower one.
  private func crossing(_ left: Int, _ right: Int, _ step: Double) -> Double {
    let rise = (height(right) - height(left)) / (step * Double(right - left))
    return (rise + Double(left + right)) / 2
  }
}
