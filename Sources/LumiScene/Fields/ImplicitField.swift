import LumiTensor

/// What the values of a field say about space.
public enum FieldQuantity: String, Sendable, Codable, CaseIterable {
  /// How far the surface is, negative inside. A network's values are so only as far as it has learned.
  case signedDistance
  /// The logit of the probability to be inside: above 0 inside.
  case occupancyLogit
  /// How much light is absorbed per world unit. Methods take densities below 0 as 0.
  case density
}

/// A shape as a function of space: a closed form, a network, or both combined.
///
/// One requirement is enough to be drawn: ``values(at:)``. A field that knows its gradient or has a
/// colour states them, too. Everything is made of tensor operations, so that derivatives reach
/// points and parameters.
public protocol ImplicitField: Parameterized, Sendable {
  var quantity: FieldQuantity { get }
  /// The floating-point type of parameters and points.
  var dtype: DType { get }

  /// The values [N] at points [N, 3].
  func values(at points: Tensor) -> Tensor

  /// All that is known at points [N, 3] before a direction is chosen. By default `values(at:)`,
  /// and its derivative by the tape.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - withGradients: whether spatial gradients are wanted; they have derivatives of their own.
  func samples(at points: Tensor, withGradients: Bool) -> FieldSamples

  /// How many channels colours have; 0 for a shape alone, which methods draw white.
  var colorChannels: Int { get }

  /// The colours [N, C] at points.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - samples: what `samples(at:withGradients:)` gave there, with gradients if
  ///     `colorsNeedGradients`.
  ///   - directions: [N, 3], unit vectors from the eye.
  func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor

  /// Whether colours depend on spatial gradients, as a shading by normals does.
  var colorsNeedGradients: Bool { get }

  /// The same function as it is now, constant to every derivative, for whoever evaluates it many
  /// times. By default with the parameters as they are; a field that computes something of them for
  /// every evaluation does so here, and may have other parameters then.
  func frozen() -> Self
}

/// What a field says at points.
public struct FieldSamples: Sendable {
  /// [N].
  public var values: Tensor
  /// [N, 3]: the derivative of values with respect to points, not normalised.
  public var gradients: Tensor?
  /// [N, F]: what colours are made of beside points and directions.
  public var features: Tensor?

  public init(values: Tensor, gradients: Tensor? = nil, features: Tensor? = nil) {
    self.values = values
    self.gradients = gradients
    self.features = features
  }
}

extension ImplicitField {
  public func samples(at points: Tensor, withGradients: Bool) -> FieldSamples {
    guard withGradients else { return FieldSamples(values: values(at: points)) }
    let (found, pullback) = vectorJacobianProduct(at: [points]) { [values(at: $0[0])] }
    let slopes = pullback([.ones(like: found[0].stoppingGradient())])
    return FieldSamples(values: found[0], gradients: slopes[0])
  }

  public var colorChannels: Int { 0 }
  public var colorsNeedGradients: Bool { false }

  public func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    .zeros([points.shape[0], colorChannels], dtype: dtype)
  }

  public func frozen() -> Self { mapParameters { $1.stoppingGradient() } }
}
