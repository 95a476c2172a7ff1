import LumiScene
import LumiTensor

/// A differentiable renderer of one kind of shape.
///
/// A conforming type states what it is in ``method`` and draws one view; the rest has defaults.
/// Every image is made of tensor operations on the scene's and the camera's parameters (custom
/// operations included), so that `valueAndGradient` works through it.
public protocol Renderer<Shape>: Sendable {
  associatedtype Shape: SceneShape

  /// What the method is, with its claims about gradients.
  static var method: MethodDescription { get }

  /// Draws one view. Throws ``RenderError``.
  func render(_ scene: Scene<Shape>, from camera: Camera) throws -> RenderOutput

  /// Draws several views. Override it where views share work.
  func render(_ scene: Scene<Shape>, from cameras: [Camera]) throws -> [RenderOutput]
}

extension Renderer {
  public func render(_ scene: Scene<Shape>, from cameras: [Camera]) throws -> [RenderOutput] {
    try cameras.map { try render(scene, from: $0) }
  }
}

/// A renderer whose pictures or gradients are random estimates.
public protocol StochasticRenderer: Renderer {
  /// The same renderer drawing from another stream of random numbers. Equal seeds give equal bits.
  func seeded(_ seed: UInt64) -> Self
}

/// A renderer whose kind of shape is known at run time only.
public struct AnyRenderer: Sendable {
  public let method: MethodDescription
  private let base: any Renderer
  private let shadowed: (any Renderer)?

  /// - Parameters:
  ///   - base: the renderer itself.
  ///   - shadowed: the same method where bodies cast shadows; nil if it has none.
  ///   - method: what it goes by, where that is not its type's own description, as for a variant
  ///     with other settings.
  public init<Base: Renderer>(
    _ base: Base, shadowed: (any Renderer)? = nil, method: MethodDescription? = nil
  ) {
    self.base = base
    self.shadowed = shadowed
    self.method = method ?? Base.method
  }

  /// The same method where bodies cast shadows, if it can.
  public var withShadows: AnyRenderer? {
    func open<Base: Renderer>(_ base: Base) -> AnyRenderer { AnyRenderer(base, method: method) }
    return shadowed.map { open($0) }
  }

  /// The same method with another seed, if it is a ``StochasticRenderer``.
  public func seeded(_ seed: UInt64) -> AnyRenderer? {
    func seeded<Base: StochasticRenderer>(_ base: Base) -> any StochasticRenderer {
      base.seeded(seed)
    }
    func open<Base: StochasticRenderer>(_ base: Base) -> AnyRenderer {
      AnyRenderer(
        base.seeded(seed),
        shadowed: (shadowed as? any StochasticRenderer).map { seeded($0) }, method: method)
    }
    return (base as? any StochasticRenderer).map { open($0) }
  }

  /// The same method behind another renderer, such as one that wraps it.
  ///
  /// - Parameter wrap: gets the renderer with its type.
  public func wrapped(by wrap: (any Renderer) -> any Renderer) -> AnyRenderer {
    func open<Base: Renderer>(_ base: Base) -> AnyRenderer {
      AnyRenderer(base, shadowed: shadowed.map(wrap), method: method)
    }
    return open(wrap(base))
  }

  /// The kind of shape that it draws.
  public var shapeType: any SceneShape.Type { Self.shapeType(of: base) }

  private static func shapeType<Base: Renderer>(of base: Base) -> any SceneShape.Type {
    Base.Shape.self
  }

  /// The renderer itself, if it draws `Shape`.
  public func typed<Shape: SceneShape>(as shape: Shape.Type = Shape.self) throws
    -> any Renderer<Shape>
  {
    guard let typed = base as? any Renderer<Shape> else {
      throw RenderError.shapeMismatch(
        method: method.id, expected: "\(shapeType)", actual: "\(Shape.self)")
    }
    return typed
  }

  /// Draws one view; throws ``RenderError/shapeMismatch(method:expected:actual:)`` for another kind
  /// of shape.
  public func render<Shape: SceneShape>(
    _ scene: Scene<Shape>, from camera: Camera
  ) throws -> RenderOutput {
    try typed(as: Shape.self).render(scene, from: camera)
  }

  /// Draws several views.
  public func render<Shape: SceneShape>(
    _ scene: Scene<Shape>, from cameras: [Camera]
  ) throws -> [RenderOutput] {
    try typed(as: Shape.self).render(scene, from: cameras)
  }
}
