import LumiImplicit
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport

/// Fields that the tests of surface methods draw.
enum SurfaceScenes {
  typealias View = SceneView<ImplicitShape>

  static let background = Tensor([0.1, 0.3, 0.2])

  static func camera(
    from eye: SIMD3<Double> = [0.9, 0.7, 2.2], width: Int = 8, height: Int = 6
  ) -> Camera {
    .perspective(
      from: eye, verticalFieldOfView: 0.7, width: width, height: height, dtype: .float64)
  }

  static func view(_ field: any ImplicitField, camera: Camera = camera()) -> View {
    View(
      scene: Scene(ImplicitShape(field), background: background.cast(to: field.dtype)),
      camera: camera.cast(to: field.dtype))
  }

  /// A small network that is about a sphere, with colours by everything that a head may see.
  static func network(
    _ quantity: FieldQuantity = .signedDistance, radius: Double = 0.5, dtype: DType = .float64
  ) -> NeuralField {
    var trunk = MultilayerPerceptron.sphere(
      hidden: [16, 8], outputs: 3, beta: 12, seed: 3, dtype: .float64)
    let last = trunk.layers.count - 1
    var random = RandomGenerator(seed: 9)
    let sphere = random.normal([50, 3], dtype: .float64).unitVectors() * radius
    trunk.layers[last].bias = trunk.layers[last].bias! - trunk(sphere).mean(axis: 0)
    if quantity == .occupancyLogit {
      // Inside is above 0, and steeper than a distance.
      trunk.layers[last].gain = trunk.layers[last].gain! * -6
      trunk.layers[last].bias = trunk.layers[last].bias! * -6
    }
    let head = MultilayerPerceptron(
      widths: [11, 6, 3], activation: .softplus(beta: 2), outputActivation: .sigmoid, seed: 5,
      dtype: .float64)
    return NeuralField(
      quantity, trunk: trunk.mapParameters { $1.cast(to: dtype) },
      head: head.mapParameters { $1.cast(to: dtype) }, dtype: dtype)
  }

  static let views: [(name: String, view: View)] = {
    let sphere = SphereField(radius: 0.6, dtype: .float64)
    var far = SphereField(radius: 0.6, dtype: .float64)
    far.centre = Tensor([9.0, 9, 9])
    let orthographic = Camera.orthographic(
      from: [0, 0, 3], visibleHeight: 1.2, width: 5, height: 5, dtype: .float64)
    return [
      ("nothing in sight", view(far)),
      ("camera inside", view(sphere, camera: camera(from: [0.1, 0.05, 0.2]))),
      ("camera on the surface", view(sphere, camera: camera(from: [0, 0, 0.6]))),
      ("grazing rays", view(sphere, camera: orthographic)),
      ("a point", view(SphereField(radius: 0, dtype: .float64))),
      ("one pixel", view(sphere, camera: camera(width: 1, height: 1))),
      (
        "looking away",
        view(
          sphere,
          camera: .perspective(
            lookingAt: [0, 0, 9], from: [0, 0, 4], verticalFieldOfView: 0.5, width: 4, height: 3,
            dtype: .float64))
      ),
      ("constant outside", view(ConstantField(value: Tensor(0.4, dtype: .float64)))),
      ("constant inside", view(ConstantField(value: Tensor(-0.4, dtype: .float64)))),
      ("not a number", view(ConstantField(value: Tensor(Double.nan, dtype: .float64)))),
      ("network", view(network())),
    ]
  }()
}

/// The same value everywhere.
struct ConstantField: ImplicitField {
  /// [].
  var value: Tensor
  var quantity: FieldQuantity { .signedDistance }
  var dtype: DType { value.dtype }

  func values(at points: Tensor) -> Tensor { points.sum(axis: 1) * 0 + value }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ConstantField { ConstantField(value: try transform("value", value)) }
}

/// Logits of a ball, as steep as one likes.
struct SteepBall: ImplicitField {
  var ball: SphereField
  let slope: Double
  var quantity: FieldQuantity { .occupancyLogit }
  var dtype: DType { ball.dtype }

  func values(at points: Tensor) -> Tensor { ball.values(at: points) * -slope }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> SteepBall {
    SteepBall(ball: try ball.mapParameters(transform), slope: slope)
  }
}

/// Half a space of one colour: the distance from a plane.
struct SteepPlane: ImplicitField {
  /// [3], unit length.
  var normal: Tensor
  /// [].
  var offset: Tensor
  /// What distances are multiplied by; 1 for distances proper.
  var slope = 1.0
  var quantity: FieldQuantity { .signedDistance }
  var dtype: DType { normal.dtype }

  func values(at points: Tensor) -> Tensor { ((points * normal).sum(axis: 1) - offset) * slope }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> SteepPlane {
    SteepPlane(
      normal: try transform("normal", normal), offset: try transform("offset", offset),
      slope: slope)
  }
}
