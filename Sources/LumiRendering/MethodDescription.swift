/// What a renderer's gradient is to its own forward pass.
public enum GradientKind: String, Sendable, Codable, CaseIterable {
  /// The derivative of the forward pass. Checked against central differences.
  case exact
  /// Useful for optimisation, by design not the derivative. Judged by what it optimises.
  case surrogate
  /// An unbiased or consistent random estimate of the derivative. Judged by its mean.
  case estimator
  /// No gradient reaches these parameters.
  case none
}

/// The survey's four groups of rendering parameters (Φs, Φm, Φc, Φl).
public enum ParameterGroup: String, Sendable, Codable, CaseIterable {
  case shape, material, camera, light
}

/// The first column of the survey's Table 1.
public enum Representation: String, Sendable, Codable, CaseIterable {
  case mesh, voxel, points, implicit
  /// A representation from outside the survey's table, such as a plug-in's own.
  case other
}

/// What a rendering method is, can do and cannot do. The benchmark prints it and tests its claims.
public struct MethodDescription: Sendable, Codable, Equatable {
  /// `representation/note`, for instance "mesh/softras". Unique within a registry.
  public let id: String
  public let name: String
  public let representation: Representation
  /// The survey's type within the representation, such as "approximated rendering".
  public let type: String
  public let strengths: String
  public let limits: String
  /// Who published it, where and when.
  public let citation: String
  /// The kind of gradient that each group of parameters gets; groups that are missing get none.
  public let claims: [ParameterGroup: GradientKind]

  public init(
    id: String, name: String, representation: Representation, type: String, strengths: String,
    limits: String, citation: String, claims: [ParameterGroup: GradientKind]
  ) {
    self.id = id
    self.name = name
    self.representation = representation
    self.type = type
    self.strengths = strengths
    self.limits = limits
    self.citation = citation
    self.claims = claims
  }

  /// The kind of gradient that a group of parameters gets.
  public func claim(_ group: ParameterGroup) -> GradientKind { claims[group] ?? .none }
}
