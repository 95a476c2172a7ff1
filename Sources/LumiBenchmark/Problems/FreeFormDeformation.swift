import LumiTensor

/// A solid in a lattice of control points.
///
/// Computes: every point of the box [-1.05, 1.05]³ moves by the sum of the offsets of 3×3×3 control
/// points, weighted with products of the quadratic Bernstein polynomials of its three coordinates.
/// Zero offsets leave everything in place.
///
/// T. W. Sederberg, S. R. Parry, "Free-Form Deformation of Solid Geometric Models", SIGGRAPH 1986.
struct FreeFormDeformation: Sendable {
  /// [27, 3]: control point x + 3y + 9z.
  let offsets: Tensor

  static let names = (0..<27).flatMap { point in
    ["x", "y", "z"].map { "\($0) of control point \(point)" }
  }

  /// An egg with a waist, scaled by `strength`: smooth and without symmetry.
  static func example(_ strength: Double) -> [Double] {
    (0..<27).flatMap { point -> [Double] in
      let (x, y, z) = (Double(point % 3 - 1), Double(point / 3 % 3 - 1), Double(point / 9 - 1))
      return [
        strength * x * (0.35 * y - 0.25), strength * (0.3 * y - 0.15 * x * z),
        strength * z * (0.2 - 0.35 * y * y),
      ]
    }
  }

  /// Points [N, 3] after the deformation.
  func callAsFunction(_ points: Tensor) -> Tensor {
    let t = points / 2.1 + 0.5
    let s = 1 - t
    let bernstein = [s * s, s * t * 2, t * t]
    func axis(_ order: Int, _ k: Int) -> Tensor {
      bernstein[order].slice(axis: 1, from: k, to: k + 1)
    }
    let weights = (0..<27).map { point in
      axis(point % 3, 0) * axis(point / 3 % 3, 1) * axis(point / 9, 2)
    }
    return points + Tensor.concatenate(weights, axis: 1).matmul(offsets)
  }
}
