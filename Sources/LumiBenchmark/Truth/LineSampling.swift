import LumiTensor

/// The exact picture integrated along scan lines of both directions.
///
/// Along a line everything is exact up to quadrature of the colour: the visible faces are solved
/// for, pixel borders cut, and two Gauss points taken a piece. Across lines the midpoint rule is
/// used. Both directions count half, so that edges along one of them are seen by the other.
///
/// The derivative is Reynolds' transport theorem: the colours' own derivative at fixed places, taken
/// here, plus ``BoundaryIntegral``.
struct LineSampling {
  let linesPerPixel: Int
  private let width: Int
  private let height: Int
  private let channels: Int
  /// [pixels].
  private var image: [SIMD3<Double>]
  /// [K][pixels].
  private var jacobian: [[SIMD3<Double>]]

  init(_ family: SnapshotFamily, linesPerPixel: Int) {
    self.linesPerPixel = linesPerPixel
    (width, height, channels) = (family.width, family.height, family.channels)
    image = .init(repeating: .zero, count: width * height)
    jacobian = BoundaryIntegral.jacobian(family, samplesPerPixel: linesPerPixel)
    scan(family) { [width] line, along in line * width + along }
    scan(family.transposed()) { [width] line, along in along * width + line }
  }

  private mutating func scan(_ family: SnapshotFamily, pixel: (Int, Int) -> Int) {
    let rows = Self.facesPerRow(family)
    for row in 0..<family.height {
      for line in 0..<linesPerPixel {
        let v = Double(row) + (Double(line) + 0.5) / Double(linesPerPixel)
        let scan = ScanLine(
          family.centre, faces: rows[row], at: v, extent: Double(family.width))
        for segment in scan.segments { integrate(segment, v, family) { pixel(row, $0) } }
      }
    }
  }

  /// The faces whose bounding boxes meet each row of pixels.
  private static func facesPerRow(_ family: SnapshotFamily) -> [[Int]] {
    var rows = [[Int]](repeating: [], count: family.height)
    for face in 0..<family.centre.faceCount {
      let v = (0..<3).map { family.centre.corners[face * 9 + $0 * 3 + 1] }
      let low = max(v.min()!, 0)
      let high = min(v.max()!, Double(family.height) - 1e-9)
      guard low <= high else { continue }
      for row in Int(low)...Int(high) { rows[row].append(face) }
    }
    return rows
  }

  /// The colour of a stretch, and its derivative at fixed places.
  private mutating func integrate(
    _ segment: ScanLine.Segment, _ v: Double, _ family: SnapshotFamily, pixel: (Int) -> Int
  ) {
    let share = 0.5 / Double(linesPerPixel)
    var start = segment.start
    while start < segment.end {
      let column = min(Int(start), family.width - 1)
      let end = min(Double(column + 1), segment.end)
      let place = pixel(column)
      let length = (end - start) * share
      defer { start = end }
      // Coverage is constant.
      if channels == 1 {
        if segment.face >= 0 { image[place].x += length }
        continue
      }
      for offset in [0.5 - 0.28867513459481287, 0.5 + 0.28867513459481287] {
        add(segment.face, start + (end - start) * offset, v, length / 2, place, family)
      }
    }
  }

  private mutating func add(
    _ face: Int, _ u: Double, _ v: Double, _ weight: Double, _ place: Int,
    _ family: SnapshotFamily
  ) {
    let weights = face >= 0 ? family.centre.weights(face, u, v) : .zero
    image[place] += family.centre.color(face, weights) * weight
    let factor = weight / (2 * SnapshotFamily.step)
    for (k, side) in family.sides.enumerated() {
      let (above, below) =
        family.moves[k] && face >= 0
        ? (side.above.weights(face, u, v), side.below.weights(face, u, v)) : (weights, weights)
      jacobian[k][place] += (side.above.color(face, above) - side.below.color(face, below)) * factor
    }
  }

  /// The result, its error estimated by the difference from half as many lines.
  func truth(comparedWith coarse: LineSampling) -> Truth {
    func tensor(_ values: [SIMD3<Double>]) -> Tensor {
      let flat =
        channels == 1 ? values.map(\.x) : values.flatMap { [$0.x, $0.y, $0.z] }
      return Tensor(flat, shape: [height, width, channels])
    }
    func norm(_ values: [SIMD3<Double>]) -> Double {
      values.reduce(0) { $0 + ($1 * $1).sum() }.squareRoot()
    }
    func distance(_ a: [SIMD3<Double>], _ b: [SIMD3<Double>]) -> Double {
      norm(zip(a, b).map { $0 - $1 })
    }
    let norms = jacobian.map(norm)
    // A parameter that moves next to nothing is held to the size of the others.
    let floor = 1e-3 * (norms.max() ?? 0)
    let errors = jacobian.indices.map { k -> Double in
      let scale = max(norms[k], floor)
      return scale == 0 ? 0 : distance(jacobian[k], coarse.jacobian[k]) / scale
    }
    let size = norm(image)
    return Truth(
      image: tensor(image), jacobian: jacobian.map(tensor),
      imageError: size == 0 ? 0 : distance(image, coarse.image) / size,
      jacobianError: errors.max() ?? 0,
      method: "line sampling, \(linesPerPixel) lines a pixel and direction")
  }
}
