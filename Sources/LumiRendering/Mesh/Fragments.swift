import LumiTensor

/// Stage 2's record: which projected faces reach which pixels, and where on the face.
///
/// Fragments of one pixel follow each other; pixels are in row-major order. Made of tensor
/// operations on the corners, so derivatives of any order exist; which fragments there are is a
/// choice without a derivative.
public struct Fragments: Sendable {
  public let screen: ScreenSpace
  /// int64 [fragments]: row-major pixel number.
  public let pixels: Tensor
  /// int32 [fragments]: face of the projected mesh.
  public let faces: Tensor
  /// [fragments, 3, 3]: the face's corners.
  public let corners: Tensor
  /// [fragments, 2]: the pixel's centre on the screen.
  public let centers: Tensor
  /// [fragments, 3]: barycentric coordinates of the centre on the screen; negative outside.
  public let barycentrics: Tensor

  public init(pixels: Tensor, faces: Tensor, mesh: ProjectedMesh) {
    self.init(
      pixels: pixels, faces: faces, corners: mesh.corners, screen: ScreenSpace(mesh.camera))
  }

  /// From corners [faces, 3, 3] that a projection or a test vector gives.
  public init(pixels: Tensor, faces: Tensor, corners allCorners: Tensor, screen: ScreenSpace) {
    self.screen = screen
    self.pixels = pixels
    self.faces = faces
    corners = allCorners.gather(faces)
    centers = screen.centers(of: pixels, dtype: allCorners.dtype)
    barycentrics = Self.barycentrics(corners, at: centers)
  }

  /// Some of another record's fragments.
  ///
  /// - Parameters:
  ///   - positions: int64, ascending.
  ///   - other: where they come from.
  public init(selecting positions: Tensor, from other: Fragments) {
    screen = other.screen
    pixels = other.pixels.gather(positions)
    faces = other.faces.gather(positions)
    corners = other.corners.gather(positions)
    centers = other.centers.gather(positions)
    barycentrics = other.barycentrics.gather(positions)
  }

  public var count: Int { pixels.shape[0] }
  public var pixelCount: Int { screen.width * screen.height }

  /// [fragments]: depth of corner `k`.
  public func depth(_ k: Int) -> Tensor { Self.coordinate(corners, k, 2) }

  /// The sides' share of the area: b[k] is the signed area opposite to corner k over the whole.
  ///
  /// Where the area drowns in rounding, the middle of an edge, constant.
  static func barycentrics(_ corners: Tensor, at centers: Tensor) -> Tensor {
    let px = centers.slice(axis: 1, from: 0, to: 1).reshaped([-1])
    let py = centers.slice(axis: 1, from: 1, to: 2).reshaped([-1])
    let (x, y, area) = cornersAndArea(corners)
    let opposite = (0..<3).map { k in
      let (i, j) = ((k + 1) % 3, (k + 2) % 3)
      return (x[i] - px) * (y[j] - py) - (x[j] - px) * (y[i] - py)
    }
    return Tensor.stack(
      zip(opposite, [0, 0.5, 0.5]).map { Tensor.where(area.isFlat, $1, $0 / area.safe) }, axis: 1)
  }

  /// The corners' places, where twice the signed area drowns in rounding, and that area or 1 there:
  /// each [fragments].
  static func cornersAndArea(
    _ corners: Tensor
  ) -> (x: [Tensor], y: [Tensor], area: (isFlat: Tensor, safe: Tensor)) {
    let x = (0..<3).map { coordinate(corners, $0, 0) }
    let y = (0..<3).map { coordinate(corners, $0, 1) }
    let (ax, ay, bx, by) = (x[1] - x[0], y[1] - y[0], x[2] - x[0], y[2] - y[0])
    let area = ax * by - ay * bx
    let ulp = corners.dtype == .float32 ? Double(Float.ulpOfOne) : Double.ulpOfOne
    let size = (ax.abs() + bx.abs()) * (ay.abs() + by.abs()) * (4 * ulp)
    let isFlat = area.stoppingGradient().abs() .<= size.stoppingGradient()
    return (x, y, (isFlat, Tensor.where(isFlat, 1, area)))
  }

  static func coordinate(_ corners: Tensor, _ corner: Int, _ axis: Int) -> Tensor {
    corners.slice(axis: 1, from: corner, to: corner + 1).slice(axis: 2, from: axis, to: axis + 1)
      .reshaped([-1])
  }

  /// Weights of the corners for what is linear in space: (b/z) / Σ(b/z).
  public func perspectiveWeights(_ screenWeights: Tensor) -> Tensor {
    let scaled = screenWeights / Tensor.stack((0..<3).map(depth), axis: 1)
    return scaled / scaled.sum(axis: 1, keepDims: true)
  }

  /// Depth of a point with the given screen weights: 1/Σ(b/z) under perspective, Σ b z otherwise.
  public func depths(_ screenWeights: Tensor, perspective: Bool) -> Tensor {
    let z = Tensor.stack((0..<3).map(depth), axis: 1)
    return perspective
      ? (screenWeights / z).sum(axis: 1).reciprocal() : (screenWeights * z).sum(axis: 1)
  }

  /// Stage 3: values at the projected corners [faces, 3, C] at the fragments [fragments, C].
  public func interpolate(_ cornerValues: Tensor, weights: Tensor) -> Tensor {
    (cornerValues.gather(faces) * weights.expandingDims(at: 2)).sum(axis: 1)
  }

  /// Sums over each pixel's fragments: [pixels] + the rest of the shape.
  public func sumPerPixel(_ values: Tensor) -> Tensor {
    Tensor.scatterAdd(rows: values, at: pixels, count: pixelCount)
  }

  /// The largest value over each pixel's fragments, at least `floor`: [pixels]. The derivative goes
  /// to the first fragment that has it.
  public func maximumPerPixel(_ values: Tensor, atLeast floor: Double) -> Tensor {
    var holder = [Int](repeating: -1, count: pixelCount)
    let numbers = pixels.scalars(as: Int64.self)
    let plain = values.stoppingGradient().scalars(as: Double.self)
    for (index, number) in numbers.enumerated() where plain[index] > floor {
      let best = holder[Int(number)]
      if best < 0 || plain[index] > plain[best] { holder[Int(number)] = index }
    }
    let floors = Tensor.full([pixelCount], floor, dtype: values.dtype)
    guard count > 0 else { return floors }
    let found = Tensor(holder.map { $0 >= 0 })
    let chosen = values.gather(Tensor(holder.map { Int64(Swift.max($0, 0)) }))
    return Tensor.where(found, chosen, floors)
  }
}
