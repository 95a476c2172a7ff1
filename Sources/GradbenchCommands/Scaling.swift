import Foundation
import Lumigrad

/// How the cost of one method grows.
struct ScalingSeries: Encodable {
  /// One size.
  struct Point: Encodable {
    /// Faces or pixels.
    let size: Int
    /// Time of the fastest run, forward and backward, in calibration units.
    let units: Double
    /// The same in milliseconds, which exponents are fitted to: calibrations of busy machines vary.
    let fastestMs: Double
    let forwardMs: Double
    let backwardMs: Double
    /// The allocator's peak, tensors alone.
    let peakBytes: Int
    /// The process's largest resident size, kernels' lists and the program itself included.
    let residentBytes: Int?

    enum CodingKeys: String, CodingKey {
      case size, units
      case fastestMs = "fastest_ms"
      case forwardMs = "forward_ms"
      case backwardMs = "backward_ms"
      case peakBytes = "peak_bytes"
      case residentBytes = "resident_bytes"
    }
  }

  let method: String
  /// "faces", "pixels", or "million faces", which is one point.
  let over: String
  var points: [Point] = []
  /// Why points are missing, if they are.
  var message: String?

  /// Slope of log(time) over log(size), least squares over all points.
  var exponent: Double? { Self.slope(points[...]) }
  /// The same over the three largest sizes, where constant costs count least.
  var lastExponent: Double? { Self.slope(points.suffix(3)) }

  enum CodingKeys: String, CodingKey {
    case method, over, points, message, exponent
    case lastExponent = "last_exponent"
  }

  func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(method, forKey: .method)
    try keys.encode(over, forKey: .over)
    try keys.encode(points, forKey: .points)
    try keys.encode(message, forKey: .message)
    try keys.encode(exponent, forKey: .exponent)
    try keys.encode(lastExponent, forKey: .lastExponent)
  }

  private static func slope(_ points: ArraySlice<Point>) -> Double? {
    guard points.count >= 3 else { return nil }
    let (x, y) = (points.map { log(Double($0.size)) }, points.map { log($0.fastestMs) })
    let count = Double(points.count)
    let (meanX, meanY) = (x.reduce(0, +) / count, y.reduce(0, +) / count)
    let spread = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
    return zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) } / spread
  }
}

/// Measures series of one method.
struct ScalingMeasurement {
  let method: String
  let renderer: any Renderer<Mesh>
  /// Each point runs at least so long.
  let seconds: Double
  /// Larger sizes are left out once a forward and backward pass takes longer, in seconds.
  let limit: Double

  func overFaces(progress: (String) -> Void) throws -> ScalingSeries {
    try series("faces", ScalingWorkloads.spheres.map(\.faces), progress) { faces, name in
      let subdivisions = ScalingWorkloads.spheres.first { $0.faces == faces }!.subdivisions
      return ScalingWorkloads.sphere(
        renderer, subdivisions: subdivisions, side: ScalingWorkloads.side, name: name)
    }
  }

  func overPixels(progress: (String) -> Void) throws -> ScalingSeries {
    try series("pixels", ScalingWorkloads.sides.map { $0 * $0 }, progress) { pixels, name in
      ScalingWorkloads.sphere(
        renderer, subdivisions: ScalingWorkloads.subdivisions,
        side: Int(Double(pixels).squareRoot()), name: name)
    }
  }

  func millionFaces(progress: (String) -> Void) throws -> ScalingSeries {
    try series("million faces", [1_000_000], progress) { _, name in
      ScalingWorkloads.millionFaces(renderer, name: name)
    }
  }

  private func series(
    _ over: String, _ sizes: [Int], _ progress: (String) -> Void,
    _ workload: (_ size: Int, _ name: String) -> Workload
  ) throws -> ScalingSeries {
    var result = ScalingSeries(method: method, over: over)
    for size in sizes {
      if let last = result.points.last, (last.forwardMs + last.backwardMs) / 1000 > limit {
        result.message = "left out from \(size) \(over): a pass took longer than \(limit) s"
        break
      }
      let name = "\(method), \(size) \(over)"
      progress(name)
      result.points.append(try point(size, workload(size, name)))
    }
    return result
  }

  private func point(_ size: Int, _ workload: Workload) throws -> ScalingSeries.Point {
    ResidentMemory.restartPeak()
    let report = try measurePerformance(of: [workload], seconds: seconds)
    let timing = report.workloads[0]
    return ScalingSeries.Point(
      size: size, units: timing.fastestUnits,
      fastestMs: timing.fastestUnits * report.calibrationMs, forwardMs: timing.forwardMs,
      backwardMs: timing.backwardMs, peakBytes: timing.peakBytes,
      residentBytes: ResidentMemory.peak)
  }
}

/// What the process holds in memory, as Linux counts it.
enum ResidentMemory {
  /// The largest resident size since ``restartPeak()`` in bytes; nil where the system does not tell.
  static var peak: Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kibibytes = Int(line.split(whereSeparator: \.isWhitespace).dropFirst().first ?? "")
    else { return nil }
    return kibibytes * 1024
  }

  /// Gives cached memory back and starts a new peak; without permission to, the old one stays.
  static func restartPeak() {
    MemoryStatistics.clearCache()
    // 5 is the kernel's code for this.
    try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
  }
}
