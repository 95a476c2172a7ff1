import LumiScene
import LumiTensor
import Testing

@testable import LumiBenchmark

/// Bodies as fields, against the grids of the same bodies, and derivatives.
struct FieldBodiesTests {
  static let points = {
    var random = RandomGenerator(seed: 11)
    return random.uniform([60, 3], low: -1.1, high: 1.1, dtype: .float64)
  }()

  private static func shape(_ bodies: [Body]) throws -> ImplicitShape {
    try ImplicitShape.representing(bodies, material: Material(dtype: .float64), detail: 2)
  }

  @Test(arguments: VoxelBodiesTests.forms)
  func fieldsHaveTheValuesOfGrids(_ form: Body.Form) throws {
    let corners = Tensor((0..<24).map { Double($0 % 7) / 7 }, shape: [8, 3])
    let first = VoxelBodiesTests.body(form, VoxelBodiesTests.pose, .corners(corners))
    let second = Body(.sphere, scale: Tensor(0.4, dtype: .float64))
    let bodies = [first, second]
    let (field, grid) = (try Self.shape(bodies).field, try VoxelBodiesTests.grid(bodies))
    let nodes = grid.valuePositions().reshaped([-1, 3])
    let distances = field.values(at: nodes)
    #expect((distances - grid.values.reshaped([-1])).abs().max().value < 1e-12)

    // On its own surface a body alone has its own colours.
    let own = first.surface(detail: 1).vertices
    let alone = try Self.shape([first]).field
    let colors = alone.colors(
      at: first.placed(own), samples: FieldSamples(values: own.sum(axis: 1)), directions: own)
    #expect((colors - first.color(at: own)).abs().max().value < 1e-12)
    // Far from the other body nothing of its colour is left.
    let far = Tensor([[0.0, 0, 4]])
    let mixed = field.colors(
      at: far, samples: FieldSamples(values: far.sum(axis: 1)), directions: far)
    #expect(
      (mixed
        - alone.colors(at: far, samples: FieldSamples(values: far.sum(axis: 1)), directions: far))
        .abs().max().value < 0.02)
  }

  @Test func deformedBodiesAreRefused() throws {
    var body = Body(.sphere)
    body.deformation = { $0 * 0.5 }
    #expect(throws: UnsupportedScene.self) { try Self.shape([body]) }
  }

  @Test func everyParameterHasADerivative() throws {
    try checkGradients(at: [VoxelBodiesTests.pose, Self.points]) { inputs in
      let bodies = [
        VoxelBodiesTests.body(.torus(majorRadius: 0.7, minorRadius: 0.3), inputs[0]),
        Body(.cube, translation: inputs[0].slice(axis: 0, from: 0, to: 3)),
      ]
      let field = try Self.shape(bodies).field
      let samples = field.samples(at: inputs[1], withGradients: true)
      return samples.values
        + field.colors(at: inputs[1], samples: samples, directions: inputs[1]).sum(axis: 1)
    }
  }

  @Test func boundsHoldTheBodiesAndDoNotFollow() throws {
    func radius(_ x: Double) throws -> Double {
      let body = Body(.sphere, translation: Tensor([x, 0, 0]))
      guard case .ball(_, let radius) = try Self.shape([body]).bounds else { return 0 }
      return radius
    }
    #expect(try radius(0) == 1.25 && radius(0.1) == 1.25)
    #expect(try radius(0.6) > 1.6 && radius(0.6) == radius(0.7))
    #expect(throws: UnsupportedScene.self) {
      var shiny = Material(dtype: .float64)
      shiny.specular = .ones([3], dtype: .float64)
      return try ImplicitShape.representing([Body(.sphere)], material: shiny, detail: 1)
    }
  }
}
