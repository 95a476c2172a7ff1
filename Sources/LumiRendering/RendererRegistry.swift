import LumiTensor

/// The methods that a program knows, by id, in the order of registration.
public struct RendererRegistry: Sendable {
  /// One registered method.
  public struct Entry: Sendable {
    public let renderer: AnyRenderer
    /// How the method answers reference vectors, if it does.
    public let reference: ReferenceAdapter?
  }

  public private(set) var entries: [Entry] = []

  public init() {}

  /// Adds a method. Throws ``RenderError/duplicateMethod(_:)`` if its id is taken.
  public mutating func register<Method: Renderer>(
    _ renderer: Method, reference: ReferenceAdapter? = nil
  ) throws {
    let id = Method.method.id
    guard !entries.contains(where: { $0.renderer.method.id == id }) else {
      throw RenderError.duplicateMethod(id)
    }
    entries.append(Entry(renderer: AnyRenderer(renderer), reference: reference))
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
