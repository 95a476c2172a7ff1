import LumiTensor

/// The methods that a program knows, by id, in the order of registration.
public struct RendererRegistry: Sendable {
  /// One registered method.
  public struct Entry: Sendable {
    public let renderer: AnyRenderer
    /// How the method answers reference vectors, if it does.
    public let reference: ReferenceAdapter?
    /// The method at several values of its softness, if it has one.
    public let softness: SoftnessSweep?
  }

  public private(set) var entries: [Entry] = []

  public init() {}

  /// Adds a method.
  ///
  /// - Parameters:
  ///   - renderer: with the settings that the benchmark shall judge.
  ///   - shadowed: the same with the settings for problems whose bodies cast shadows; nil, the
  ///     default, if it cannot draw them.
  ///   - reference: how it answers reference vectors.
  ///   - softness: the method at several values of its softness.
  /// - Throws: ``RenderError/duplicateMethod(_:)`` if its id is taken.
  public mutating func register<Method: Renderer>(
    _ renderer: Method, shadowed: Method? = nil, reference: ReferenceAdapter? = nil,
    softness: SoftnessSweep? = nil
  ) throws {
    try register(
      AnyRenderer(renderer, shadowed: shadowed), reference: reference, softness: softness)
  }

  /// Adds a method whose type is known at run time only; see
  /// ``register(_:shadowed:reference:softness:)``.
  ///
  /// - Parameters:
  ///   - renderer: with the settings that the benchmark shall judge.
  ///   - reference: how it answers reference vectors.
  ///   - softness: the method at several values of its softness.
  public mutating func register(
    _ renderer: AnyRenderer, reference: ReferenceAdapter? = nil, softness: SoftnessSweep? = nil
  ) throws {
    let id = renderer.method.id
    guard !entries.contains(where: { $0.renderer.method.id == id }) else {
      throw RenderError.duplicateMethod(id)
    }
    entries.append(Entry(renderer: renderer, reference: reference, softness: softness))
  }

  /// Every method's description.
  public var methods: [MethodDescription] { entries.map(\.renderer.method) }

  /// The method with an id. Throws ``RenderError/unknownMethod(_:known:)``.
  public func renderer(_ id: String) throws -> AnyRenderer {
    guard let entry = entries.first(where: { $0.renderer.method.id == id }) else {
      throw RenderError.unknownMethod(id, known: methods.map(\.id))
    }
    return entry.renderer
  }
}

/// One method at several values of a softness parameter: what its bias is shown over.
public struct SoftnessSweep: Sendable {
  /// The parameter's name, such as "sigma".
  public let parameter: String
  /// From soft to sharp.
  public let variants: [(value: Double, renderer: AnyRenderer)]

  /// - Parameters:
  ///   - parameter: the parameter's name.
  ///   - values: from soft to sharp.
  ///   - renderer: the method at one value.
  public init<Method: Renderer>(
    parameter: String, values: [Double], renderer: (Double) -> Method
  ) {
    self.parameter = parameter
    variants = values.map { ($0, AnyRenderer(renderer($0))) }
  }
}
