import LumiScene
import LumiTensor

/// What a problem shows, free of any representation.
public struct ProblemScene: Sendable {
  public var bodies: [Body]
  /// The shadows that the bodies cast, as dark bodies of their own: what the exact picture shows in
  /// their place. Methods do not get to see them; they compute shadows or, if they cannot, skip the
  /// problem. Empty where nothing casts shadows.
  public var shadows: [Body]
  /// Without lights, bodies show their own colour.
  public var lights: [Light]
  /// [3].
  public var background: Tensor
  /// How all bodies reflect light.
  public var material: Material
  /// The views.
  public var cameras: [Camera]

  public init(
    bodies: [Body], shadows: [Body] = [], lights: [Light] = [], background: Tensor? = nil,
    material: Material? = nil, cameras: [Camera]
  ) {
    require(!bodies.isEmpty && !cameras.isEmpty, "ProblemScene: no bodies or no cameras")
    self.bodies = bodies
    self.shadows = shadows
    self.lights = lights
    self.background = background ?? .zeros([3], dtype: .float64)
    self.material = material ?? Material(dtype: .float64)
    self.cameras = cameras
  }
}

/// A kind of shape that the benchmark can build its scenes from.
///
/// A plug-in's own shape type conforms, and all problems that it can represent run on its
/// renderers.
public protocol BenchmarkShape: SceneShape {
  /// The bodies in this representation, made of tensor operations on their parameters.
  ///
  /// - Parameters:
  ///   - bodies: at least one.
  ///   - material: how they reflect light.
  ///   - detail: how finely: 0 and up, every step has about four times the primitives.
  /// - Throws: ``UnsupportedScene`` for what the representation cannot hold.
  static func representing(_ bodies: [Body], material: Material, detail: Int) throws -> Self

  /// Triangles, points, cells: what cost grows with.
  var primitiveCount: Int { get }
}

/// A scene that a representation cannot hold. The case is skipped with the reason.
public struct UnsupportedScene: Error, Sendable, CustomStringConvertible {
  public let reason: String
  public init(_ reason: String) { self.reason = reason }
  public var description: String { reason }
}

extension ProblemScene {
  /// The scene in a representation, without its shadows.
  public func scene<Shape: BenchmarkShape>(
    of shape: Shape.Type = Shape.self, detail: Int
  ) throws -> Scene<Shape> {
    Scene(
      try Shape.representing(bodies, material: material, detail: detail), lights: lights,
      background: background)
  }

  /// The mesh that the exact picture shows, shadows included.
  func exactScene(detail: Int) throws -> Scene<Mesh> {
    var whole = self
    whole.bodies += shadows
    return try whole.scene(detail: detail)
  }
}

extension Mesh: BenchmarkShape {
  /// Bodies as one mesh. A texture needs a scene of one body.
  public static func representing(
    _ bodies: [Body], material: Material, detail: Int
  ) throws -> Mesh {
    if bodies.count == 1, case .texture(let image) = bodies[0].colors {
      return textured(bodies[0], image, material, detail)
    }
    var vertices: [Tensor] = []
    var faces: [Tensor] = []
    var colors: [Tensor] = []
    var count = 0
    for body in bodies {
      if case .texture = body.colors {
        throw UnsupportedScene("a mesh of several bodies has no texture")
      }
      let surface = body.surface(detail: body.detail ?? detail)
      vertices.append(body.placed(surface.vertices))
      colors.append(body.color(at: surface.vertices))
      faces.append(surface.faces + Tensor(Double(count), dtype: .int32))
      count += surface.vertexCount
    }
    return Mesh(
      vertices: .concatenate(vertices), faces: .concatenate(faces),
      appearance: .vertexColors(.concatenate(colors)), material: material)
  }

  private static func textured(
    _ body: Body, _ image: Tensor, _ material: Material, _ detail: Int
  ) -> Mesh {
    let surface = body.surface(detail: body.detail ?? detail)
    let coordinates = surface.vertices.slice(axis: 1, from: 0, to: 2) + 0.5
    return Mesh(
      vertices: body.placed(surface.vertices), faces: surface.faces,
      appearance: .texture(image: image, coordinates: coordinates, faces: surface.faces),
      material: material)
  }

  public var primitiveCount: Int { faceCount }
}
