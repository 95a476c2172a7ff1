import LumiTensor

/// What a piece of a ray does to light, by its density v and its length l.
public enum VolumeMedium: Sendable, Equatable, CaseIterable {
  /// ``EmissionAbsorption``: 1 - exp(-v l) of the light that arrives stops.
  case emissionAbsorption
  /// Absorption in steps: the share p = 1 - v l, limited to 1e-5…1, passes (Henzler et al. 2019).
  case limitedAbsorption
  /// With d = v l, at most 1, the share 1 - d passes; a weight is d times the light that has passed
  /// the sample, itself included (Henzler et al. 2019). Weights add up to less than what is missing.
  case inclusiveEmission
  /// ``SaturatingAlpha``: v l is added up to 1.
  case saturating
}

extension VolumeMedium: RayAggregation {
  public func weights(of values: Tensor, lengths: Tensor) -> RayWeights {
    switch self {
    case .emissionAbsorption: return EmissionAbsorption().weights(of: values, lengths: lengths)
    case .saturating: return SaturatingAlpha().weights(of: values, lengths: lengths)
    case .limitedAbsorption:
      let passing = (1 - values * lengths).clamped(min: 1e-5, max: 1)
      return TerminationAggregation().weights(of: 1 - passing, lengths: lengths)
    case .inclusiveEmission:
      let density = (values * lengths).clamped(max: 1)
      let passing = (1 - density).cumprod(axis: 1)
      let last = values.shape[1] - 1
      return RayWeights(
        samples: density * passing,
        remainder: passing.slice(axis: 1, from: last, to: last + 1).squeezed(axis: 1))
    }
  }
}
