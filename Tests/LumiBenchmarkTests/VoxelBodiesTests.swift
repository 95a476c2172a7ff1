import Foundation
import LumiScene
import LumiTensor
import Testing

@testable import LumiBenchmark

/// Bodies as grids of signed distances: values against other ways to get them, and derivatives.
struct VoxelBodiesTests {
  static let forms: [Body.Form] = [
    .sphere, .cube, .cylinder(radius: 0.5, height: 0.9),
    .torus(majorRadius: 0.7, minorRadius: 0.3),
  ]

  /// Turned, scaled and moved by parameters [7]: a rotation vector, a scale, a translation.
  static func body(_ form: Body.Form, _ theta: Tensor, _ colors: Body.Colors? = nil) -> Body {
    func part(_ range: Range<Int>) -> Tensor {
      theta.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
    }
    return Body(
      form, colors: colors, scale: part(3..<4).reshaped([]),
      rotation: Rotation.exponential(part(0..<3)), translation: part(4..<7))
  }

  static let pose = Tensor([0.4, -0.3, 0.7, 1.15, 0.2, -0.1, 0.15])
  static let matt = Material(dtype: .float64)

  static func grid(_ bodies: [Body], detail: Int = 1) throws -> VoxelGrid {
    try VoxelGrid.representing(bodies, material: matt, detail: detail)
  }

  /// The trilinear value at a world point.
  static func distance(_ body: Body, at point: [Double]) throws -> Double {
    try body.samples(at: Tensor(point, shape: [1, 3]), interval: 0.1, detail: 2).distances[0].value
  }

  @Test func distancesOfFormsByHand() throws {
    #expect(try Self.distance(Body(.sphere), at: [0, 3, 4]) == 4)
    #expect(try Self.distance(Body(.sphere), at: [0.25, 0, 0]) == -0.75)
    #expect(try Self.distance(Body(.cube), at: [3.5, 4.5, 0.1]) == 5)
    #expect(try abs(Self.distance(Body(.cube), at: [0.1, -0.3, 0.2]) + 0.2) < 1e-15)
    let can = Body(.cylinder(radius: 1, height: 2))
    #expect(try Self.distance(can, at: [4, 5, 0]) == 5)
    #expect(try Self.distance(can, at: [0, 0.75, 0.5]) == -0.25)
    let ring = Body(.torus(majorRadius: 2, minorRadius: 0.5))
    #expect(try Self.distance(ring, at: [0, 0, 0]) == 1.5)
    #expect(try Self.distance(ring, at: [0, 3, -6]) == 4.5)
    // A plate from z = -0.2 to 0.
    #expect(try abs(Self.distance(Body(.square), at: [0.1, 0.2, 0.3]) - 0.3) < 1e-15)
    #expect(try abs(Self.distance(Body(.square), at: [0.1, 0.2, -0.05]) + 0.05) < 1e-15)
    #expect(try abs(Self.distance(Body(.square), at: [0.1, 0.2, -0.3]) - 0.1) < 1e-15)
  }

  /// The closed form of a placed body against the distance to its triangles, finely cut.
  @Test(arguments: forms)
  func distancesAreThoseOfTheSurface(_ form: Body.Form) throws {
    let body = Self.body(form, Self.pose)
    let grid = try Self.grid([body])
    let surface = body.surface(detail: 5)
    let vertices = body.placed(surface.vertices)
    let points = grid.valuePositions().reshaped([-1, 3])
    let place = ClosestTriangles(of: points, vertices: vertices, faces: surface.faces)
    let nearest =
      (vertices.gather(surface.faces.gather(place.indices))
      * place.barycentrics.expandingDims(at: 2)).sum(axis: 1)
    let expected = (points - nearest).norm(axis: 1).scalars(as: Double.self)
    let actual = grid.values.scalars(as: Double.self)
    let tolerance = form == .cube ? 1e-12 : 4e-3
    #expect(zip(actual, expected).allSatisfy { abs(abs($0) - $1) < tolerance })
    #expect(actual.contains { $0 < -0.1 } && actual.contains { $0 > 0.5 })
  }

  /// The distance to deformed triangles against closed forms, where there are any.
  @Test(arguments: forms)
  func deformedBodiesHaveTheDistanceOfTheirSurface(_ form: Body.Form) throws {
    let plain = Self.body(form, Self.pose)
    var deformed = plain
    deformed.deformation = { $0 * 0.8 + Tensor([0.1, 0.2, -0.1]) }
    var moved = plain
    moved.scale = plain.scale * 0.8
    moved.translation = plain.placed(Tensor([[0.1, 0.2, -0.1]])).reshaped([3])
    deformed.detail = 4
    let difference = try Self.grid([deformed]).values - Self.grid([moved]).values
    let largest = difference.abs().max().value
    #expect(largest < (form == .cube ? 1e-12 : 1e-2), "\(largest)")
  }

  @Test func aUnionIsTheNearestBody() throws {
    let cube = Self.body(.cube, Self.pose, .uniform(Tensor([1.0, 0, 0])))
    let ball = Body(
      .sphere, colors: .uniform(Tensor([0.0, 0, 1])), scale: Tensor(0.4, dtype: .float64),
      translation: Tensor([-0.9, 0.3, 0.2]))
    let both = try Self.grid([cube, ball])
    let points = both.valuePositions().reshaped([-1, 3])
    let (a, b) = (
      try cube.samples(at: points, interval: 0.1, detail: 1).distances,
      try ball.samples(at: points, interval: 0.1, detail: 1).distances
    )
    let nearest = Tensor.minimum(a, b).reshaped(both.values.shape)
    #expect((both.values - nearest).abs().max().value == 0)
    // Colours are each body's own around it.
    guard case .colors(let colors) = both.appearance else {
      Issue.record("no colours")
      return
    }
    let apart = (a - b).scalars(as: Double.self)
    let rows = colors.reshaped([-1, 3]).scalars(as: Double.self)
    for (index, difference) in apart.enumerated() where abs(difference) > 0.8 {
      #expect(abs(rows[3 * index] - (difference < 0 ? 1 : 0)) < 2e-3)
      #expect(abs(rows[3 * index + 2] - (difference < 0 ? 0 : 1)) < 2e-3)
    }
    #expect(apart.contains { $0 > 0.8 } && apart.contains { $0 < -0.8 })
  }

  @Test func coloursAreTheBodysOwn() throws {
    let body = Self.body(.cube, Self.pose, .corners(ProblemTools.cornerColors))
    let inside = Tensor([[0.3, -0.4, 0.5], [-0.1, 0.2, -0.5], [0.5, 0.5, 0.5]])
    let found = try body.samples(at: body.placed(inside), interval: 0.1, detail: 2).colors
    #expect((found - body.color(at: inside)).abs().max().value < 1e-12)
    let far = Tensor([[40.0, 3, -2]])
    let away = try body.samples(at: far, interval: 0.1, detail: 2).colors
    #expect(away.abs().max().value < 3)
    // A texture lies on the plate as on the square.
    let image = Tensor([1.0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1], shape: [2, 2, 3])
    let square = Body(.square, colors: .texture(image), scale: Tensor(2, dtype: .float64))
    let texels = Tensor([[-0.5, 0.5, 0.01], [0.5, -0.5, 0.01]])
    let seen = try square.samples(at: texels, interval: 0.1, detail: 2).colors
    #expect((seen - Tensor([[1.0, 0, 0], [1, 1, 1]])).abs().max().value < 1e-12)
  }

  // MARK: Derivatives

  static func weighted(_ grid: VoxelGrid) -> Tensor {
    var random = RandomGenerator(seed: 9)
    return grid.parameters.map { _, value in
      (value * random.uniform(value.shape, low: -1, dtype: .float64)).sum()
    }.reduce(Tensor(0, dtype: .float64), +)
  }

  @Test(arguments: forms + [.square])
  func derivativesOfPlacesAndColours(_ form: Body.Form) throws {
    try checkGradients(at: [Self.pose, ProblemTools.cornerColors], tolerance: 1e-6) { x in
      Self.weighted(try Self.grid([Self.body(form, x[0], .corners(x[1]))], detail: 0))
    }
  }

  @Test func derivativesOfUnions() throws {
    let other = Tensor([-0.2, 0.5, 0.1, 0.8, -0.4, 0.3, -0.2])
    let color = Tensor([0.8, 0.3, 0.1])
    try checkGradients(at: [Self.pose, other, color], tolerance: 1e-6) { x in
      let bodies = [Self.body(.cube, x[0], .uniform(x[2])), Self.body(.cube, x[1])]
      return Self.weighted(try Self.grid(bodies, detail: 0))
    }
  }

  @Test func derivativesOfDeformations() throws {
    let offsets = Tensor(FreeFormDeformation.example(0.5), shape: [27, 3])
    let color = Tensor([0.8, 0.3, 0.1])
    try checkGradients(at: [offsets, Self.pose, color], tolerance: 2e-6) { x in
      var body = Self.body(.sphere, x[1], .uniform(x[2]))
      let deformation = FreeFormDeformation(offsets: x[0])
      body.deformation = { deformation($0) }
      body.detail = 1
      return Self.weighted(try Self.grid([body], detail: 0))
    }
  }

  @Test func derivativesOfTextures() throws {
    var random = RandomGenerator(seed: 3)
    let image = random.uniform([3, 2, 3], dtype: .float64)
    try checkGradients(at: [image, Self.pose], tolerance: 1e-6) { x in
      Self.weighted(try Self.grid([Self.body(.square, x[1], .texture(x[0]))], detail: 0))
    }
  }

  /// The middle of a form has no derivative; it gets a finite one.
  @Test(arguments: forms)
  func degenerateBodiesAreFinite(_ form: Body.Form) throws {
    let points = Tensor([[0.0, 0, 0], [0.1, 0.2, 0.3], [0.7, 0, 0]])
    for scale in [1, 0, -0.5] {
      let pose = Tensor([0, 0, 0, scale, 0, 0, 0])
      let slope = try gradient(at: pose, unreachable: .zeros) { theta in
        let body = Self.body(form, theta, .corners(ProblemTools.cornerColors))
        let samples = try body.samples(at: points, interval: 0.1, detail: 1)
        return samples.distances.sum() + samples.colors.sum()
      }
      #expect(slope.scalars(as: Double.self).allSatisfy { $0.isFinite }, "\(scale): \(slope)")
    }
  }

  // MARK: The box

  @Test func theBoxHoldsStill() throws {
    let here = try Self.grid([Body(.sphere)])
    let there = try Self.grid([Body(.cube, translation: Tensor([0.4, -0.6, 0.5]))])
    #expect(here.lower == there.lower && here.upper == there.upper)
    for scale in [1.4, 3, 70.0] {
      let wide = try Self.grid([Body(.sphere, scale: Tensor(scale, dtype: .float64))])
      #expect((2 * scale...2.8 * scale).contains(wide.extent.x))
      #expect(wide.values.shape == here.values.shape)
    }
    for place in [Double.nan, .infinity] {
      let nowhere = try Self.grid([Body(.sphere, translation: Tensor([place, 0, 0]))])
      #expect(nowhere.extent == here.extent)
    }
  }

  @Test func everyDetailHasAboutFourTimesTheValues() throws {
    let counts = try (0...4).map { try Self.grid([Body(.cube)], detail: $0).primitiveCount }
    for (less, more) in zip(counts, counts.dropFirst()) {
      #expect((3...4.6).contains(Double(more) / Double(less)), "\(counts)")
    }
    #expect(counts[2] == 25 * 25 * 25)
  }

  @Test func whatAGridCannotHoldThrows() {
    let shiny = Material(specular: 0.5, dtype: .float64)
    let error = #expect(throws: UnsupportedScene.self) {
      try VoxelGrid.representing([Body(.sphere)], material: shiny, detail: 1)
    }
    #expect(error?.reason.contains("material") == true)
    #expect(throws: UnsupportedScene.self) {
      try Self.grid([Body(.square, deformation: { $0 * 2 })])
    }
    #expect(throws: UnsupportedScene.self) {
      try Self.grid([
        Body(.cube, colors: .corners(ProblemTools.cornerColors), deformation: { $0 * 2 })
      ])
    }
  }
}
