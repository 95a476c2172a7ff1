import LumiScene
import LumiTensor

enum Scenes {
  enum Look: String, CaseIterable, Sendable {
    case uniform, vertexColors, faceColors, faceTexels, texture
  }

  /// A dented icosahedron of radius 1 in general position: 12 vertices, 20 faces.
  static func body(_ look: Look = .vertexColors, seed: UInt64 = 5) -> Mesh {
    var random = RandomGenerator(seed: seed)
    var mesh = Mesh.icosphere(subdivisions: 0, dtype: .float64)
    mesh.vertices = mesh.vertices + random.uniform([12, 3], low: -0.2, high: 0.2, dtype: .float64)
    mesh.appearance = appearance(look, mesh, &random)
    mesh.material = Material(
      ambient: .full([3], 0.8, dtype: .float64), diffuse: Tensor([0.9, 0.7, 0.8]),
      specular: Tensor([0.3, 0.4, 0.2]), emission: Tensor([0.02, 0.01, 0.03]),
      shininess: Tensor(6, dtype: .float64))
    return mesh
  }

  static func appearance(
    _ look: Look, _ mesh: Mesh, _ random: inout RandomGenerator
  ) -> MeshAppearance {
    func colors(_ shape: [Int]) -> Tensor {
      random.uniform(shape, low: 0.1, high: 1, dtype: .float64)
    }
    switch look {
    case .uniform: return .uniform(colors([3]))
    case .vertexColors: return .vertexColors(colors([mesh.vertexCount, 3]))
    case .faceColors: return .faceColors(colors([mesh.faceCount, 3]))
    case .faceTexels: return .faceTexels(colors([mesh.faceCount, 4, 3]))
    case .texture:
      let coordinates = random.uniform([mesh.faceCount * 3, 2], dtype: .float64)
      return .texture(
        image: colors([3, 4, 3]), coordinates: coordinates,
        faces: Tensor.arange(mesh.faceCount * 3).reshaped([mesh.faceCount, 3]))
    }
  }

  /// Every kind of light, named.
  static let lights: [(name: String, light: Light)] = [
    ("ambient", .ambient(intensity: Tensor([0.3, 0.2, 0.25]))),
    (
      "directional",
      .directional(direction: Tensor([0.4, 0.7, 0.9]), intensity: Tensor([0.8, 0.7, 0.6]))
    ),
    (
      "point",
      .point(
        position: Tensor([1.5, 1, 2.5]), intensity: Tensor([0.5, 0.6, 0.7]), falloff: .none)
    ),
    (
      "point, inverse square",
      .point(
        position: Tensor([-1, 2, 2.2]), intensity: Tensor([4.0, 3, 5]), falloff: .inverseSquare)
    ),
    (
      "spherical harmonics",
      .sphericalHarmonics(
        coefficients: {
          var random = RandomGenerator(seed: 9)
          let waves = random.uniform([8, 3], low: -0.2, high: 0.2, dtype: .float64)
          return .concatenate([.full([1, 3], 2, dtype: .float64), waves])
        }())
    ),
  ]

  static func camera(width: Int = 17, height: Int = 13) -> Camera {
    Camera.perspective(
      from: [0.5, 0.8, 3], verticalFieldOfView: radians(degrees: 45), width: width,
      height: height, dtype: .float64)
  }

  /// Every camera model, off-centre and not square.
  static let cameras: [(name: String, camera: Camera)] = {
    let base = camera()
    func changed(_ change: (inout Camera) -> Void) -> Camera {
      var camera = base
      change(&camera)
      return camera
    }
    return [
      ("perspective", base),
      (
        "off-centre, skewed, tall",
        changed {
          $0.principalPoint = Tensor([6.2, 9.1])
          $0.skew = Tensor(0.7, dtype: .float64)
          $0.focalLength = Tensor([14.0, 17])
          ($0.width, $0.height) = (12, 19)
        }
      ),
      (
        "orthographic",
        changed {
          $0.model = .orthographic
          $0.focalLength = Tensor([5.0, 5.5])
        }
      ),
      (
        "weak perspective",
        changed {
          $0.model = .weakPerspective
          $0.meanDepth = Tensor(3.1, dtype: .float64)
        }
      ),
      (
        "quadratic",
        changed {
          $0.model = .quadratic
          $0.distortion = Tensor([-0.2])
        }
      ),
      (
        "brown",
        changed {
          $0.model = .brown
          $0.distortion = Tensor([-0.1, 0.05, 0.01, -0.02, 0.01])
        }
      ),
      (
        "fisheye",
        changed {
          $0.model = .fisheye
          $0.distortion = Tensor([0.05, -0.02, 0.01, 0.003])
        }
      ),
      (
        "thin lens",
        changed {
          $0.model = .thinLens
          $0.aperture = Tensor(0.05, dtype: .float64)
          $0.focusDistance = Tensor(3, dtype: .float64)
        }
      ),
    ]
  }()

  static let background = Tensor([0.15, 0.3, 0.2])

  /// The body under an ambient and a directional light before a coloured background.
  static func view(
    _ look: Look = .vertexColors, lights: [Light]? = nil, camera: Camera? = nil
  ) -> View {
    View(
      scene: Scene(
        body(look), lights: lights ?? Scenes.lights[0...1].map(\.light), background: background),
      camera: camera ?? Scenes.camera())
  }
}
