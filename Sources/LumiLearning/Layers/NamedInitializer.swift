/// An initialiser with the name that a configuration calls it by.
public struct NamedInitializer: Sendable, Hashable {
  public let name: String
  public let initializer: Initializer
  /// Where it was published.
  public let citation: String

  /// Every initialiser that has a name, with its usual gain.
  public static let all: [NamedInitializer] = [
    .init("xavier-uniform", .xavierUniform(), glorot),
    .init("xavier-normal", .xavierNormal(), glorot),
    .init("kaiming-uniform", .kaimingUniform(), he), .init("kaiming-normal", .kaimingNormal(), he),
    .init(
      "lecun-normal", .kaimingNormal(gain: 1),
      "LeCun, Bottou, Orr, Müller: Efficient BackProp, 1998"),
    .init(
      "orthogonal", .orthogonal(),
      "Saxe, McClelland, Ganguli: Exact Solutions to the Nonlinear Dynamics of Learning, ICLR 2014"
    ),
    .init("siren", .sinusoidal(), sitzmann), .init("siren-first", .sinusoidalFirst, sitzmann),
  ]

  private static let glorot =
    "Glorot, Bengio: Understanding the Difficulty of Training Deep Feedforward Networks, AISTATS 2010"
  private static let he = "He, Zhang, Ren, Sun: Delving Deep into Rectifiers, ICCV 2015"
  private static let sitzmann =
    "Sitzmann et al.: Implicit Neural Representations with Periodic Activations, NeurIPS 2020"

  private init(_ name: String, _ initializer: Initializer, _ citation: String) {
    (self.name, self.initializer, self.citation) = (name, initializer, citation)
  }
}

/// A name that no initialiser has.
public enum InitializerError: Error, Sendable, Equatable, CustomStringConvertible {
  case unknown(String, known: [String])

  public var description: String {
    switch self {
    case .unknown(let name, let known):
      "there is no initializer \"\(name)\"; there are \(known.joined(separator: ", "))"
    }
  }
}

extension Initializer {
  /// The initialiser called `name`, with its usual gain.
  ///
  /// - Throws: ``InitializerError/unknown(_:known:)`` with the names that there are; see
  ///   ``NamedInitializer/all``.
  public init(named name: String) throws {
    guard let found = NamedInitializer.all.first(where: { $0.name == name }) else {
      throw InitializerError.unknown(name, known: NamedInitializer.all.map(\.name))
    }
    self = found.initializer
  }
}
