import LumiMesh
import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// The fused kernels against the same method made of tensor operations.
struct SoftTwinTests {
  struct Options: Sendable, CustomTestStringConvertible {
    let distance: SoftRasterizer.Distance
    let alpha: SoftRasterizer.AlphaAggregation
    let color: SoftRasterizer.ColorAggregation
    var testDescription: String { "\(distance), \(alpha), \(color)" }

    static let all: [Options] = SoftRasterizer.Distance.allCases.flatMap { distance in
      SoftRasterizer.AlphaAggregation.allCases.flatMap { alpha in
        SoftRasterizer.ColorAggregation.allCases.map {
          Options(distance: distance, alpha: alpha, color: $0)
        }
      }
    }
  }

  static func renderer(_ options: Options) -> SoftRasterizer {
    var renderer = SoftRasterizer()
    renderer.sigma = 2e-3
    renderer.gamma = 0.02
    renderer.depthRange = 2.2...4
    renderer.distance = options.distance
    renderer.alpha = options.alpha
    renderer.color = options.color
    return renderer
  }

  /// All combinations of the two-valued options.
  static func variants(_ base: SoftRasterizer) -> [SoftRasterizer] {
    SoftRasterizer.GradientMode.allCases.flatMap { gradient in
      SoftRasterizer.BackgroundWeight.allCases.flatMap { weight in
        [true, false].map { sided in
          var renderer = base
          renderer.gradient = gradient
          renderer.backgroundWeight = weight
          renderer.isDoubleSided = sided
          return renderer
        }
      }
    }
  }

  static func worst(_ renderer: SoftRasterizer, _ view: View) throws -> (String, Double) {
    var readable = renderer
    readable.path = .tensorOperations
    return worstDistance(try renderer.evaluate(view), try readable.evaluate(view))
  }

  @Test(arguments: Options.all)
  func kernelsAgreeWithTensorOperations(_ options: Options) throws {
    for look in Scenes.Look.allCases where look != .texture {
      var view = Scenes.view(look)
      for var renderer in Self.variants(Self.renderer(options)) {
        if look == .faceTexels { renderer.shader = .flat }
        let (name, distance) = try Self.worst(renderer, view)
        // The released program divides by at least 1e-6 in the product's derivative; the twin
        // does not.
        let guarded = renderer.gradient == .official && renderer.alpha == .product
        #expect(distance < (guarded ? 2e-5 : 1e-10), "\(look) \(renderer.gradient) \(name)")
      }
      view.camera = Scenes.cameras[2].camera
      let (name, distance) = try Self.worst(Self.renderer(options), view)
      #expect(distance < 1e-10, "\(look), orthographic: \(name)")
    }
  }

  /// Clipped faces take part with new corners.
  @Test(arguments: Options.all)
  func kernelsAgreeThroughTheNearPlane(_ options: Options) throws {
    var view = Scenes.view()
    view.camera.near = 2.6
    var renderer = Self.renderer(options)
    renderer.depthRange = 1...10
    let (name, distance) = try Self.worst(renderer, view)
    #expect(distance < 1e-10, "\(name)")
  }

  /// One, two and five channels.
  @Test(arguments: [1, 2, 5])
  func kernelsAgreeForOtherNumbersOfChannels(_ channels: Int) throws {
    var random = RandomGenerator(seed: 3)
    var view = Scenes.view(lights: [])
    view.scene.shape.appearance = .vertexColors(
      random.uniform([12, channels], dtype: .float64))
    view.scene.background = random.uniform([channels], dtype: .float64)
    let options = Options(distance: .euclidean, alpha: .product, color: .softmax)
    let (name, distance) = try Self.worst(Self.renderer(options), view)
    #expect(distance < 1e-10, "\(name)")
  }

  /// The released program's gradient is another one: the comparison above could not pass by
  /// ignoring the option.
  @Test func officialGradientDiffersFromTheCompleteOne() throws {
    var renderer = Self.renderer(
      Options(distance: .euclidean, alpha: .product, color: .softmax))
    let complete = try renderer.evaluate(Scenes.view()).gradients["mesh.vertices"]!
    renderer.gradient = .official
    let official = try renderer.evaluate(Scenes.view()).gradients["mesh.vertices"]!
    #expect(official.distance(to: complete) > 0.01)
  }

  /// float32 follows float64. Vertices are rounded to float32 first, so that both see one scene.
  @Test(arguments: Options.all)
  func singlePrecisionFollowsDouble(_ options: Options) throws {
    let single = Scenes.view().cast(to: .float32)
    for path in HardRasterizer.Path.allCases {
      var renderer = Self.renderer(options)
      renderer.path = path
      let exact = try renderer.evaluate(single.cast(to: .float64))
      let (name, distance) = worstDistance(try renderer.evaluate(single), exact)
      #expect(distance < 1e-4, "\(path) \(name)")
    }
  }
}
