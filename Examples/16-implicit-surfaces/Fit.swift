import ExampleSupport
import Foundation
import Lumigrad

/// The three ways from a field to a picture.
enum Method: String, CaseIterable, Sendable {
  case dvr = "DVR"
  case volSDF = "VolSDF"
  case neuS = "NeuS"
}

struct Settings: Sendable {
  var steps = 1500
  /// Rays a step.
  var rays = 512
  /// Units of each of the hidden layers, and how many there are.
  var width = 64
  var depth = 4
  var rate = (first: 2e-3, last: 1e-4)
  /// With 0.1 VolSDF's surface stays 2.1% off instead of 1.9%.
  var eikonal = 0.03
  var mask = 0.2
  var seed: UInt64 = 1
}

/// A network that is fitted to pictures by one of the methods.
struct Fit {
  let method: Method
  let capture: Capture
  let settings: Settings
  private(set) var scene: Scene<ImplicitShape>
  private var optimizer: Adam
  private var random: RandomGenerator

  init(_ method: Method, _ capture: Capture, _ settings: Settings) {
    (self.method, self.capture, self.settings) = (method, capture, settings)
    random = RandomGenerator(seed: settings.seed)
    optimizer = Adam(
      learningRate: .cosine(
        initial: settings.rate.first, final: settings.rate.last, steps: settings.steps),
      // A width that shrinks late leaves the surface inside of the true one.
      learningRates: method == .volSDF
        ? ["field.beta": .cosine(initial: 0.01, final: 1e-3, steps: settings.steps)] : [:])
    let field = Self.network(settings, of: method == .dvr ? .occupancyLogit : .signedDistance)
    let soft: any ImplicitField =
      switch method {
      case .dvr: field
      case .volSDF: SoftField.beta(field, 0.1)
      case .neuS: SoftField.variance(field, 0.3)
      }
    scene = Scene(ImplicitShape(soft), background: Subject.background)
  }

  /// Begins as a ball of radius ½, whatever the quantity.
  private static func network(_ settings: Settings, of quantity: FieldQuantity) -> NeuralField {
    let encoding = PositionalEncoding(frequencies: 3)
    var trunk = MultilayerPerceptron.sphere(
      inputs: encoding.outputs(inputs: 3),
      hidden: [Int](repeating: settings.width, count: settings.depth), outputs: 17, radius: 0.5,
      seed: settings.seed)
    if quantity == .occupancyLogit {
      // A logit rises inwards, and more steeply than a distance falls.
      let last = trunk.layers.count - 1
      trunk.layers[last].gain = trunk.layers[last].gain! * -10
      trunk.layers[last].bias = trunk.layers[last].bias! * -10
    }
    return NeuralField(
      quantity, encoding: encoding, trunk: trunk,
      head: MultilayerPerceptron(
        widths: [19, settings.width, 3], outputActivation: .sigmoid, seed: settings.seed + 1),
      headInputs: [.position, .features])
  }

  /// Makes all steps; calls `report` with the loss of each.
  mutating func run(_ report: (Int, Double) -> Void) throws {
    for step in 0..<settings.steps { report(step, try self.step()) }
  }

  private mutating func step() throws -> Double {
    let chosen = capture.pixels.gather(
      random.integers([settings.rays], below: capture.pixels.count))
    let rays = PixelRays(of: capture.cameras, pixels: chosen)
    let (colors, coverage) = (capture.colors.gather(chosen), capture.coverage.gather(chosen))
    let names = scene.parameters.map(\.path).filter { $0.hasPrefix("field.") }
    // A draw of its own for every step, the same whatever the method does with it.
    var dice = RandomGenerator(seed: random.next())
    let (value, gradients) = try valueAndGradient(
      of: scene, withRespectTo: names, unreachable: .zeros
    ) { scene in
      switch method {
      case .dvr:
        let target = OccupancyLosses.Target(colors: colors, isBody: coverage .> 0.5)
        return OccupancyLosses()(
          of: scene.shape, along: rays, target: target, renderer: Self.dvr, using: &dice)
      case .volSDF:
        let offsets = dice.uniform([settings.rays, 32])
        return volumeLoss(
          Self.volSDF.march(scene, along: rays, offsets: offsets), scene, colors, coverage, &dice)
      case .neuS:
        let offsets = dice.uniform([settings.rays, 24])
        return volumeLoss(
          Self.neuS.march(scene, along: rays, offsets: offsets), scene, colors, coverage, &dice)
      }
    }
    try optimizer.update(&scene, gradients: gradients)
    return value.value
  }

  static let dvr = DifferentiableVolumetricRendering(samples: 48)
  static let volSDF = VolSDF(
    sampling: .bounded(.init(samples: 32, steps: 3, last: 32, kept: 12)))
  static let neuS = NeuS(sampling: .refined(.init(samples: 24, steps: 2, added: 24)))

  /// Colours, masks, and that values be distances at random points.
  private func volumeLoss(
    _ found: DistanceVolumeRays, _ scene: Scene<ImplicitShape>, _ colors: Tensor,
    _ coverage: Tensor, _ dice: inout RandomGenerator
  ) -> Tensor {
    let points = dice.uniform([settings.rays, 3], low: -1, high: 1)
    let gradients = scene.shape.field.samples(at: points, withGradients: true).gradients!
    let alpha = found.alpha.clamped(min: 1e-3, max: 1 - 1e-3)
    let mask = -(coverage * alpha.log() + (1 - coverage) * (1 - alpha).log()).mean()
    return Loss.meanAbsoluteError(found.colors, colors) + mask * settings.mask
      + Loss.eikonal(gradients) * settings.eikonal
  }

  // MARK: What came out

  /// The surface, by marching cubes on a grid with so many values a side.
  func surface(side: Int) throws -> Mesh {
    let field = scene.shape.field
    let isDistance = field.quantity == .signedDistance
    var grid = VoxelGrid(
      values: .zeros([side, side, side]), quantity: .signedDistance, placement: .nodes)
    let points = grid.valuePositions().reshaped([-1, 3])
    let parts = stride(from: 0, to: points.shape[0], by: 1 << 15).map { start in
      field.values(at: points[start..<min(start + 1 << 15, points.shape[0])])
    }
    let values = Tensor.concatenate(parts).reshaped([side, side, side])
    grid.values = isDistance ? values : -values
    return try grid.surface()
  }

  func picture(from camera: Camera) throws -> Tensor {
    switch method {
    case .dvr: try Self.dvr.render(scene, from: camera)[.color]
    case .volSDF: try VolSDF().render(scene, from: camera)[.color]
    case .neuS: try NeuS().render(scene, from: camera)[.color]
    }
  }
}
