import LumiRendering
import LumiScene
import LumiTensor

/// Silhouettes from known cameras, as field probing learns from them: rays mostly near outlines, and
/// at will none that contradicts another.
public struct ProbedSilhouettes: Sendable {
  /// Some rays of all views.
  public struct Batch: Sendable {
    /// [R, 3] each, unit directions.
    public let rays: CameraRays
    /// [R], 1 on the object and 0 beside.
    public let silhouette: Tensor
    /// The view of each ray.
    public let views: [Int]
  }

  private let cameras: [Camera]
  /// Of all pixels, camera after camera, row after row.
  private let rays: CameraRays
  private let isObject: [Bool]
  private let views: [Int]
  /// The first pixel of every view, and the number of all.
  private let starts: [Int]
  /// Sums of the pixels' weights from the first on; the last is 0 if no view has an outline.
  private let edgeSums: [Double]
  /// Pixels of the object beside the background.
  private let fringe: [Int]

  /// - Parameters:
  ///   - cameras: at least one, of one dtype.
  ///   - masks: as many, [height, width] of the camera; above ½ is the object.
  ///   - edgeBlur: how many pixels from an outline rays count as near it; at least 0.
  /// - Throws: `SceneError` for what does not fit.
  public init(cameras: [Camera], masks: [Tensor], edgeBlur: Int = 3) throws {
    try Self.check(cameras, masks, edgeBlur)
    self.cameras = cameras.map { $0.mapParameters { $1.stoppingGradient() } }
    let all = self.cameras.map { PixelRays(of: $0).rays }
    rays = CameraRays(
      origins: .concatenate(all.map(\.origins)),
      directions: .concatenate(all.map(\.directions)))
    (isObject, views, starts, fringe, edgeSums) = Self.pixels(cameras, masks, edgeBlur)
  }

  private static func check(_ cameras: [Camera], _ masks: [Tensor], _ edgeBlur: Int) throws {
    func require(_ holds: Bool, _ field: String, _ expected: String, _ actual: String) throws {
      guard holds else { throw SceneError(field: field, expected: expected, actual: actual) }
    }
    try require(!cameras.isEmpty, "cameras", "at least one", "none")
    try require(edgeBlur >= 0, "edgeBlur", "at least 0", "\(edgeBlur)")
    try require(
      masks.count == cameras.count, "masks", "\(cameras.count), one a camera", "\(masks.count)")
    for (index, (camera, mask)) in zip(cameras, masks).enumerated() {
      try require(
        camera.dtype == cameras[0].dtype, "cameras.\(index)", "\(cameras[0].dtype)",
        "\(camera.dtype)")
      try require(
        mask.shape == [camera.height, camera.width], "masks.\(index)",
        "\([camera.height, camera.width])", "\(mask.shape)")
    }
  }

  private static func pixels(
    _ cameras: [Camera], _ masks: [Tensor], _ edgeBlur: Int
  ) -> (isObject: [Bool], views: [Int], starts: [Int], fringe: [Int], edgeSums: [Double]) {
    var isObject: [Bool] = []
    var views: [Int] = []
    var (starts, fringe, sums) = ([0], [Int](), [Double]())
    var total = 0.0
    for (view, (camera, mask)) in zip(cameras, masks).enumerated() {
      let outline = Outline(mask, height: camera.height, width: camera.width)
      isObject += outline.isObject
      views += [Int](repeating: view, count: outline.isObject.count)
      fringe += outline.fringe.map { $0 + starts[view] }
      for weight in outline.edgeWeights(blur: edgeBlur) {
        total += weight
        sums.append(total)
      }
      starts.append(isObject.count)
    }
    return (isObject, views, starts, fringe, sums)
  }

  /// Pixels of all views.
  public var pixelCount: Int { isObject.count }

  /// Random rays; the same may come twice.
  ///
  /// - Parameters:
  ///   - count: R. Published 4,096 a step.
  ///   - edgeShare: the share, from 0 to 1, that is drawn near outlines, by the blurred map of edges;
  ///     the others are drawn from all pixels.
  ///   - random: draws them.
  public func batch(
    _ count: Int, edgeShare: Double = 0.75, using random: inout RandomGenerator
  ) -> Batch {
    require(
      count >= 0 && (0...1).contains(edgeShare) && pixelCount > 0,
      "ProbedSilhouettes.batch: \(count) of \(pixelCount) rays, \(edgeShare) near outlines")
    let atEdges = edgeSums.last! > 0 ? Int((Double(count) * edgeShare).rounded()) : 0
    let draws = random.uniform([count], dtype: .float64).scalars(as: Double.self)
    let pixels = draws.enumerated().map { index, draw in
      index < atEdges
        ? firstSum(above: draw * edgeSums.last!)
        : min(Int(draw * Double(pixelCount)), pixelCount - 1)
    }
    return batch(pixels: pixels)
  }

  /// The rays through pixels by number, camera after camera, row after row.
  public func batch(pixels: [Int]) -> Batch {
    require(
      pixels.allSatisfy { 0 <= $0 && $0 < pixelCount },
      "ProbedSilhouettes.batch: pixels out of 0..<\(pixelCount)")
    let rows = Tensor(pixels.map { Int32($0) })
    return Batch(
      rays: rays.gathered(rows),
      silhouette: Tensor(pixels.map { isObject[$0] ? 1.0 : 0 }).cast(to: rays.origins.dtype),
      views: pixels.map { views[$0] })
  }

  private func firstSum(above value: Double) -> Int {
    var (low, high) = (0, edgeSums.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if edgeSums[middle] > value { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Which rays count for an anchor whose ball holds pixels of the object and of the background. If
  /// all did, some would push it up and others down.
  public enum Assignment: String, Sendable, Codable, CaseIterable {
    /// All. Near an outline they pull in both directions, which does little harm while balls are no
    /// larger than a pixel or two; with larger ones bodies become thin.
    case everyRay
    /// Rays of the background do not. Bodies become larger by up to the balls' radius.
    case objectFirst
    /// Those that show what the pixel shows that the anchor itself falls on; the background beside the
    /// picture. Outlines stay where they are, to a pixel.
    case ownPixel
  }

  /// Which anchors a batch meets.
  ///
  /// - Parameters:
  ///   - batch: rays of these silhouettes.
  ///   - anchors: [N, 3].
  ///   - radius: of their balls.
  ///   - assignment: the anchor's own pixel decides by default.
  public func table(
    of batch: Batch, anchors: Tensor, radius: Double, assignment: Assignment = .ownPixel
  ) -> ProbingTable {
    let table = ProbingTable(of: batch.rays, anchors: anchors, radius: radius)
    guard assignment != .everyRay, !fringe.isEmpty else { return table }
    let count = anchors.shape[0]
    let rayIsObject = batch.silhouette.scalars(as: Double.self).map { $0 > 0.5 }
    if assignment == .objectFirst {
      let isTaken = takenAnchors(anchors, radius: radius)
      return table.filtered { ray, anchor in
        rayIsObject[ray] || !isTaken[batch.views[ray] * count + anchor]
      }
    }
    let anchorIsObject = ownPixels(of: anchors, in: Set(batch.views))
    return table.filtered { ray, anchor in
      rayIsObject[ray] == anchorIsObject[batch.views[ray] * count + anchor]
    }
  }

  /// For every view and anchor whether the anchor falls on a pixel of the object; false in views that
  /// are not asked.
  private func ownPixels(of anchors: Tensor, in wanted: Set<Int>) -> [Bool] {
    let count = anchors.shape[0]
    var isOnObject = [Bool](repeating: false, count: cameras.count * count)
    for view in wanted {
      let (width, height) = (Double(cameras[view].width), Double(cameras[view].height))
      let places = cameras[view].project(anchors.stoppingGradient()).pixels
        .scalars(as: Double.self)
      for anchor in 0..<count {
        let (u, v) = (places[2 * anchor], places[2 * anchor + 1])
        guard u >= 0, u < width, v >= 0, v < height else { continue }
        isOnObject[view * count + anchor] =
          isObject[starts[view] + Int(v) * cameras[view].width + Int(u)]
      }
    }
    return isOnObject
  }

  /// For every view and anchor whether a ray of the object meets it. Where a ball holds pixels of both
  /// kinds, one of the object beside the background is among them, so that no others are asked.
  private func takenAnchors(_ anchors: Tensor, radius: Double) -> [Bool] {
    let count = anchors.shape[0]
    let rows = Tensor(fringe.map { Int32($0) })
    let met = ProbingTable(of: rays.gathered(rows), anchors: anchors, radius: radius)
    let listed = met.anchors.scalars(as: Int32.self)
    var isTaken = [Bool](repeating: false, count: cameras.count * count)
    for (ray, pixel) in fringe.enumerated() {
      for place in met.offsets[ray]..<met.offsets[ray + 1] {
        isTaken[views[pixel] * count + Int(listed[place])] = true
      }
    }
    return isTaken
  }
}

/// Where a mask changes.
private struct Outline {
  let height: Int
  let width: Int
  let isObject: [Bool]

  init(_ mask: Tensor, height: Int, width: Int) {
    (self.height, self.width) = (height, width)
    isObject = mask.stoppingGradient().scalars(as: Double.self).map { $0 > 0.5 }
  }

  /// Whether one of the eight neighbours is of the other kind.
  private func isMixed(_ pixel: Int) -> Bool {
    let (row, column) = (pixel / width, pixel % width)
    for other in max(row - 1, 0)...min(row + 1, height - 1) {
      for beside in max(column - 1, 0)...min(column + 1, width - 1)
      where isObject[other * width + beside] != isObject[pixel] { return true }
    }
    return false
  }

  /// Pixels of the object with background among their eight neighbours.
  var fringe: [Int] { isObject.indices.filter { isObject[$0] && isMixed($0) } }

  /// How many of the pixels within `blur` rows and columns are at the outline, for every pixel.
  func edgeWeights(blur: Int) -> [Double] {
    let edges = isObject.indices.map { isMixed($0) ? 1.0 : 0 }
    func sums(_ values: [Double], along length: Int, stride: Int) -> [Double] {
      values.indices.map { pixel in
        let place = pixel / stride % length
        let window = max(place - blur, 0)...min(place + blur, length - 1)
        return window.reduce(0) { $0 + values[pixel + ($1 - place) * stride] }
      }
    }
    return sums(sums(edges, along: width, stride: 1), along: height, stride: width)
  }
}
