import Lumigrad

/// Everything about a picture that is not shape or camera: the material and the two lamps.
///
/// Nothing here is the light's or the material's alone: see ``scaled(by:)``.
struct Look: Parameterized, Sendable {
  /// The surface's own colour: [V, 3] at the vertices, or a texture [H, W, 3].
  var albedo: Tensor
  /// [3]: how much of the albedo shows without any lamp, in ambient light of intensity 1.
  var ambient: Tensor
  /// [3]: the colour of highlights.
  var specular: Tensor
  /// []: Phong's exponent. The larger, the smaller the highlight.
  var shininess: Tensor
  /// [3]: points to a lamp that is far away; of any length.
  var sunDirection: Tensor
  /// [3].
  var sunIntensity: Tensor
  /// [3]: where a lamp nearby stands.
  var bulbPosition: Tensor
  /// [3]: at a distance of 1; it falls with the square of the distance.
  var bulbIntensity: Tensor

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Look {
    Look(
      albedo: try transform("albedo", albedo), ambient: try transform("ambient", ambient),
      specular: try transform("specular", specular),
      shininess: try transform("shininess", shininess),
      sunDirection: try transform("sunDirection", sunDirection),
      sunIntensity: try transform("sunIntensity", sunIntensity),
      bulbPosition: try transform("bulbPosition", bulbPosition),
      bulbIntensity: try transform("bulbIntensity", bulbIntensity))
  }

  /// The scene in which the object has been turned and the lamps have stayed.
  func scene(_ shape: Mesh, turn: Tensor) -> Scene<Mesh> {
    Scene(
      turned(shape, turn),
      lights: [
        .ambient(intensity: .ones([3])),
        .directional(direction: sunDirection, intensity: sunIntensity),
        .point(position: bulbPosition, intensity: bulbIntensity, falloff: .inverseSquare),
      ])
  }

  /// The object without light shows its albedo.
  func unlitScene(_ shape: Mesh, turn: Tensor) -> Scene<Mesh> { Scene(turned(shape, turn)) }

  private func turned(_ shape: Mesh, _ turn: Tensor) -> Mesh {
    var mesh = shape
    mesh.vertices = shape.vertices.matmul(turn.transposed())
    mesh.vertexNormals = shape.vertexNormals.map { $0.matmul(turn.transposed()) }
    mesh.appearance = shape.appearance.withAlbedo(albedo)
    mesh.material = Material()
    mesh.material.ambient = ambient
    mesh.material.specular = specular
    mesh.material.shininess = shininess
    return mesh
  }

  /// Another look with the same pictures: a surface that is s times as bright in lamps that are s
  /// times as dim. s is [3], a factor for each of red, green and blue.
  ///
  /// A picture holds only products of a reflectance and an intensity, so no number of pictures
  /// tells s. The ambient light's intensity is fixed at 1, hence `ambient` takes its 1/s.
  func scaled(by s: Tensor) -> Look {
    var result = self
    result.albedo = albedo * s
    result.specular = specular * s
    result.ambient = ambient / s
    result.sunIntensity = sunIntensity / s
    result.bulbIntensity = bulbIntensity / s
    return result
  }
}

extension MeshAppearance {
  /// The same kind of appearance in other colours.
  func withAlbedo(_ albedo: Tensor) -> MeshAppearance {
    if case .texture(_, let coordinates, let faces) = self {
      return .texture(image: albedo, coordinates: coordinates, faces: faces)
    }
    return .vertexColors(albedo)
  }
}

/// A look as descent moves it: the logarithms of all that must stay positive.
///
/// A step of 0.01 then means 1% of a colour, an intensity or an exponent alike, so that one
/// learning rate serves all.
struct Unknowns: Parameterized, Sendable {
  private var logarithms: Look

  init(_ look: Look) {
    logarithms = look.mapParameters { path, value in
      Self.isPlace(path) ? value : value.log()
    }
  }

  var look: Look {
    logarithms.mapParameters { path, value in Self.isPlace(path) ? value : value.exp() }
  }

  private static func isPlace(_ path: String) -> Bool {
    path == "sunDirection" || path == "bulbPosition"
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Unknowns {
    var result = self
    result.logarithms = try logarithms.mapParameters(transform)
    return result
  }
}
