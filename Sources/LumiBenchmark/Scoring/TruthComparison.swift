import Foundation
import LumiRendering
import LumiTensor

/// A method's image and gradient against the exact ones.
enum TruthComparison {
  /// Entries smaller than this share of the largest are near zero: their sign and presence do not
  /// count.
  private static let small = 1e-3

  static func score(_ method: MethodJacobian, _ truth: ProblemTruth) -> TruthScore {
    var score = score(image: method.image, probes: method.probes, truth)
    guard truth.isConverged else { return score }
    score.zeroShare = zeroShare(method.pixels, truth.pixels)
    score.pixelCosine = pixelCosine(method.pixels, truth.pixels)
    return score
  }

  /// Everything but what single pixels say, from the truth's first probes.
  static func score(image: Tensor, probes: [[Double]], _ truth: ProblemTruth) -> TruthScore {
    var score = TruthScore(source: truth.truth.method, truthError: truth.error)
    let exactImage = truth.truth.image
    score.imageError = (image - exactImage).norm().value / exactImage.norm().value
    guard truth.isConverged else { return score }
    let (found, exact) = normalized(probes, Array(truth.probes.prefix(probes.count)))
    let norm = (dot(found, found) * dot(exact, exact)).squareRoot()
    // A zero gradient has no direction.
    score.cosine = norm == 0 ? 0 : dot(found, exact) / norm
    let difference = zip(found, exact).map { $0 - $1 }
    score.relativeL2 = (dot(difference, difference) / dot(exact, exact)).squareRoot()
    score.signAgreement = signAgreement(found, exact)
    return score
  }

  /// Both gradients, every entry over the truth's norm for it, flattened; entries that the truth
  /// has none of are left out.
  private static func normalized(
    _ found: [[Double]], _ exact: [[Double]]
  ) -> ([Double], [Double]) {
    let count = exact.first?.count ?? 0
    let norms = (0..<count).map { k in
      exact.reduce(0) { $0 + $1[k] * $1[k] }.squareRoot()
    }
    let floor = (norms.max() ?? 0) * 1e-9
    func flat(_ rows: [[Double]]) -> [Double] {
      rows.flatMap { row in
        (0..<count).compactMap { norms[$0] > floor ? row[$0] / norms[$0] : nil }
      }
    }
    return (flat(found), flat(exact))
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private static func signAgreement(_ found: [Double], _ exact: [Double]) -> Double? {
    let limit = small * (exact.map(\.magnitude).max() ?? 0)
    let counted = zip(found, exact).filter { $0.1.magnitude > limit }
    guard !counted.isEmpty else { return nil }
    return Double(counted.count { $0.0 * $0.1 > 0 }) / Double(counted.count)
  }

  /// Share of the pixels with a true derivative where the method has none at all.
  private static func zeroShare(_ found: [[Double]], _ exact: [[Double]]) -> Double? {
    let limits = exact.map { small * ($0.map(\.magnitude).max() ?? 0) }
    let pixels = exact.first?.indices ?? 0..<0
    let moved = pixels.filter { pixel in
      exact.indices.contains { exact[$0][pixel].magnitude > limits[$0] }
    }
    guard !moved.isEmpty else { return nil }
    let still = moved.count { pixel in found.allSatisfy { $0[pixel] == 0 } }
    return Double(still) / Double(moved.count)
  }

  /// Every parameter's derivative image over the truth's norm for it.
  private static func pixelCosine(_ found: [[Double]], _ exact: [[Double]]) -> Double? {
    let (a, b) = normalized(transposed(found), transposed(exact))
    let norm = (dot(a, a) * dot(b, b)).squareRoot()
    return norm == 0 ? 0 : dot(a, b) / norm
  }

  private static func transposed(_ rows: [[Double]]) -> [[Double]] {
    guard let first = rows.first else { return [] }
    return first.indices.map { column in rows.map { $0[column] } }
  }
}

extension GradientPicture {
  /// How many parameters of a problem are pictured.
  static let limit = 6

  /// The first parameters' derivative images.
  static func pictures(
    _ problem: GradientProblem, _ method: MethodJacobian, _ truth: ProblemTruth
  ) -> [GradientPicture] {
    let (height, width) = (method.image.shape[0], method.image.shape[1])
    return (0..<min(limit, problem.parameters.count)).map { k in
      let largest = truth.pixels[k].map(\.magnitude).max() ?? 0
      let own = method.pixels[k].filter(\.isFinite).map(\.magnitude).max() ?? 0
      let scale = largest > 0 ? largest : own > 0 ? own : 1
      return GradientPicture(
        parameter: problem.parameters[k], width: width, height: height, scale: scale,
        truth: encoded(truth.pixels[k], scale), method: encoded(method.pixels[k], scale))
    }
  }

  private static func encoded(_ values: [Double], _ scale: Double) -> String {
    let bytes = values.map { value in
      UInt8(
        bitPattern: Int8(value.isFinite ? (max(-1, min(1, value / scale)) * 127).rounded() : 0))
    }
    return Data(bytes).base64EncodedString()
  }
}
