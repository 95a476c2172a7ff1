// Positional encoding whose octaves are faded in from coarse to fine, so that places and poses find
// their way before detail pins them down.
//
// K. Park et al., "Nerfies: Deformable Neural Radiance Fields", ICCV 2021, equation 8 (the window);
// C.-H. Lin, W.-C. Ma, A. Torralba, S. Lucey, "BARF: Bundle-Adjusting Neural Radiance Fields", ICCV
// 2021, equation 14 (for poses).
import Foundation
import LumiTensor

/// The weight of every octave, (1 - cos(π clamp(α - k, 0, 1))) / 2 for octave k.
///
/// - Parameters:
///   - frequencies: number of octaves.
///   - progress: 0 (none) to 1 (all); α is `progress` times the number of octaves.
public func octaveWindow(frequencies: Int, progress: Double) -> [Double] {
  let reached = progress * Double(frequencies)
  return (0..<frequencies).map { (1 - cos(.pi * min(max(reached - Double($0), 0), 1))) / 2 }
}

/// [x, w₀ sin(s x), w₀ cos(s x), w₁ sin(2s x), w₁ cos(2s x), …]: with weights of ones and s = 1 the
/// same as ``positionalEncoding(_:frequencies:)``.
///
/// - Parameters:
///   - x: [..., n].
///   - octaveWeights: a weight for each octave; see ``octaveWindow(frequencies:progress:)``.
///   - scale: s, the lowest angular frequency; π in the papers.
/// - Returns: [..., n (1 + 2 octaves)].
public func annealedEncoding(
  _ x: Tensor, octaveWeights: [Double], scale: Double = .pi
) -> Tensor {
  var parts = [x]
  for (octave, weight) in octaveWeights.enumerated() {
    let phases = x * (scale * Double(sign: .plus, exponent: octave, significand: 1))
    parts += [phases.sin() * weight, phases.cos() * weight]
  }
  return Tensor.concatenate(parts, axis: -1)
}
