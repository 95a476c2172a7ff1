import LumiScene
import LumiTensor

// Some rays of many images: training on random pixels of all views at once, so that every step sees
// the scene from everywhere at the price of few rays.

extension PixelRays {
  /// The rays through some pixels of several cameras, in the order asked for. Differentiable with
  /// respect to the cameras.
  ///
  /// - Parameters:
  ///   - cameras: of one dtype; at least one.
  ///   - pixels: int32 or int64 [N], positions among all pixels: camera after camera, row after row
  ///     (``pixelCount(of:)`` tells how many there are). One that is out of range stops the program.
  public init(of cameras: [Camera], pixels: Tensor) {
    let starts = Self.starts(of: cameras)
    let wanted = pixels.stoppingGradient().cast(to: .int64).scalars(as: Int64.self).map(Int.init)
    require(
      pixels.rank == 1 && wanted.allSatisfy { 0 <= $0 && $0 < starts.last! },
      "PixelRays: pixels of shape \(pixels.shape), expected [N] from 0 to \(starts.last! - 1)")
    // Camera by camera, then back into the order asked for.
    var lists = [[Int]](repeating: [], count: cameras.count)
    var owners: [Int] = []
    for pixel in wanted {
      let owner = Self.owner(of: pixel, starts)
      owners.append(owner)
      lists[owner].append(pixel - starts[owner])
    }
    let used = cameras.indices.filter { !lists[$0].isEmpty || $0 == 0 }
    let parts = used.map { index in
      PixelRays(
        of: cameras[index], through: Self.centres(lists[index], of: cameras[index]))
    }
    var next = [Int](repeating: 0, count: cameras.count)
    var total = 0
    for index in used {
      next[index] = total
      total += lists[index].count
    }
    let order = owners.map { owner -> Int64 in
      defer { next[owner] += 1 }
      return Int64(next[owner])
    }
    let rows = Tensor(order, shape: [order.count])
    func joined(_ part: (PixelRays) -> Tensor) -> Tensor {
      Tensor.concatenate(parts.map(part)).gather(rows)
    }
    self.init(
      rays: CameraRays(
        origins: joined { $0.rays.origins }, directions: joined { $0.rays.directions }),
      depthPerDistance: joined { $0.depthPerDistance },
      visible: RayInterval(near: joined { $0.visible.near }, far: joined { $0.visible.far }))
  }

  /// Throws ``RenderError/invalid(method:parameter:expected:actual:)`` for pixels that are not a batch
  /// to draw.
  package static func check(_ pixels: Tensor, of cameras: [Camera], method: String) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: String) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: method, parameter: name, expected: expected, actual: actual)
    }
    try require(!cameras.isEmpty, "cameras", "at least one", "none")
    let total = pixelCount(of: cameras)
    try require(
      pixels.rank == 1 && pixels.count > 0 && [.int32, .int64].contains(pixels.dtype), "pixels",
      "int32 or int64 [N], N at least 1", "\(pixels.dtype) \(pixels.shape)")
    let numbers = pixels.cast(to: .int64).scalars(as: Int64.self)
    if let wrong = numbers.first(where: { $0 < 0 || $0 >= total }) {
      try require(false, "pixels", "positions below \(total)", "\(wrong)")
    }
  }

  /// How many pixels cameras have together.
  public static func pixelCount(of cameras: [Camera]) -> Int { starts(of: cameras).last! }

  /// Where every camera's pixels begin, and where the last one's end.
  private static func starts(of cameras: [Camera]) -> [Int] {
    require(!cameras.isEmpty, "PixelRays: no camera")
    return cameras.reduce(into: [0]) { $0.append($0.last! + $1.width * $1.height) }
  }

  private static func owner(of pixel: Int, _ starts: [Int]) -> Int {
    var (low, high) = (0, starts.count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= pixel { low = middle } else { high = middle }
    }
    return low
  }

  /// [N, 2].
  private static func centres(_ pixels: [Int], of camera: Camera) -> Tensor {
    var places: [Double] = []
    places.reserveCapacity(2 * pixels.count)
    for pixel in pixels {
      places.append(Double(pixel % camera.width) + 0.5)
      places.append(Double(pixel / camera.width) + 0.5)
    }
    return Tensor(places, shape: [pixels.count, 2]).cast(to: camera.dtype)
  }
}
