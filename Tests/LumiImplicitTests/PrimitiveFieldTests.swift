import LumiScene
import LumiTensor
import Testing

@Suite struct PrimitiveFieldTests {
  private let points = {
    var random = RandomGenerator(seed: 11)
    return random.uniform([60, 3], low: -1.5, high: 1.5, dtype: .float64)
  }()

  private static let turn = SimilarityTransform(
    scale: Tensor(1.3, dtype: .float64),
    rotation: Rotation.exponential(Tensor([0.3, -0.5, 0.2])), translation: Tensor([0.1, 0.2, -0.1]))

  /// Fields whose values are distances everywhere.
  private static let exact: [any ImplicitField] = [
    SphereField(centre: [0.1, -0.2, 0.3], radius: 0.5, dtype: .float64),
    BoxField(centre: [0.1, 0.2, -0.1], halfSize: [0.4, 0.6, 0.3], dtype: .float64),
    TorusField(centre: [0.1, -0.1, 0.2], majorRadius: 0.7, minorRadius: 0.2, dtype: .float64),
    PlaneField(normal: [1, 2, -2], offset: 0.3, dtype: .float64),
    CylinderField(centre: [0.2, 0.1, 0], radius: 0.5, halfHeight: 0.7, dtype: .float64),
    CapsuleField(start: [-0.4, 0, 0.1], end: [0.5, 0.3, 0], radius: 0.3, dtype: .float64),
    TransformedField(
      BoxField(halfSize: [0.3, 0.5, 0.2], dtype: .float64), by: PrimitiveFieldTests.turn),
  ]

  private static let combined: [any ImplicitField] = [
    CombinedField(.union, exact[0], exact[1]), CombinedField(.intersection, exact[1], exact[4]),
    CombinedField(.difference, exact[1], exact[0]),
    CombinedField(.smoothUnion(width: Tensor(0.4, dtype: .float64)), exact[0], exact[5]),
  ]

  @Test(arguments: exact.indices) func valuesAreDistances(index: Int) {
    let samples = Self.exact[index].samples(at: points, withGradients: true)
    let slopes = samples.gradients!
    #expect((slopes.norm(axis: 1) - 1).abs().max().value < 1e-9)
    // The nearest point is on the surface, and none is nearer along any direction tried.
    let nearest = points - slopes * samples.values.expandingDims(at: 1)
    #expect(Self.exact[index].values(at: nearest).abs().max().value < 1e-9)
    var random = RandomGenerator(seed: 12)
    let aside = random.normal([60, 3], dtype: .float64).unitVectors()
    let inside = points + aside * (samples.values.abs() * 0.999).expandingDims(at: 1)
    let sameSign = Self.exact[index].values(at: inside) * samples.values
    #expect(sameSign.min().value >= 0)
  }

  @Test func valuesAtKnownPoints() {
    func value(_ field: any ImplicitField, _ point: [Double]) -> Double {
      field.values(at: Tensor([point])).item()
    }
    let box = BoxField(halfSize: [1, 2, 3], dtype: .float64)
    #expect(value(box, [4, 6, 0]) == 5 && value(box, [0.5, 0, 0]) == -0.5)
    let torus = TorusField(majorRadius: 2, minorRadius: 0.5, dtype: .float64)
    #expect(value(torus, [2, 0, 0]) == -0.5 && value(torus, [0, 0, 0]) == 1.5)
    let capsule = CapsuleField(start: [0, 0, 0], end: [2, 0, 0], radius: 1, dtype: .float64)
    #expect(value(capsule, [1, 3, 0]) == 2 && value(capsule, [5, 4, 0]) == 4)
    let cylinder = CylinderField(radius: 1, halfHeight: 2, dtype: .float64)
    #expect(value(cylinder, [0, 3, 0]) == 1 && value(cylinder, [4, 0, 0]) == 3)
    let plane = PlaneField(normal: [0, 3, 0], offset: 1, dtype: .float64)
    #expect(value(plane, [7, 4, 7]) == 3)
  }

  @Test(arguments: 0..<11) func everythingHasDerivatives(index: Int) throws {
    let field = (Self.exact + Self.combined)[index]
    let few = points.slice(axis: 0, from: 0, to: 12)
    let names = field.parameters.map(\.path)
    try checkGradients(at: [few] + field.parameters.map(\.value)) { values in
      let changed = try field.replacing(
        Dictionary(uniqueKeysWithValues: zip(names, values.dropFirst())))
      return changed.values(at: values[0])
    }
    let own = field.samples(at: few, withGradients: true).gradients!
    let byTape = gradient(at: few) { field.values(at: $0).sum() }
    #expect((own - byTape).abs().max().value < 1e-12)
  }

  @Test func derivativesAreFiniteWhereTheyAreNotUnique() {
    let box = BoxField(halfSize: [1, 1, 1], dtype: .float64)
    let torus = TorusField(majorRadius: 1, minorRadius: 0.3, dtype: .float64)
    let point = CapsuleField(start: [0, 0, 0], end: [0, 0, 0], radius: 0.5, dtype: .float64)
    let twice = CombinedField(
      .smoothUnion(width: Tensor(0, dtype: .float64)), box, box)
    let places = Tensor([
      [0.0, 0, 0], [1, 0, 0], [1, 1, 1], [0, 1, 0], [2, 0, 0], [0.5, 0.5, 0.5], [0, -3, 0],
    ])
    let fields: [any ImplicitField] = [
      SphereField(dtype: .float64), box, torus, CylinderField(dtype: .float64), point, twice,
      PlaneField(normal: .zero, dtype: .float64), CombinedField(.difference, box, box),
    ]
    for field in fields {
      let names = field.parameters.map(\.path)
      let slopes = gradient(
        at: [places] + field.parameters.map(\.value), unreachable: .zeros
      ) { values in
        let changed = try! field.replacing(
          Dictionary(uniqueKeysWithValues: zip(names, values.dropFirst())))
        return changed.samples(at: values[0], withGradients: true).gradients!.sum()
          + changed.values(at: values[0]).sum()
      }
      for slope in slopes { #expect(slope.isFinite().all().item(as: Bool.self), "\(field)") }
    }
    // On a face the slope is that of the face.
    let onFace = box.samples(at: Tensor([[1.0, 0.2, 0.1]]), withGradients: true)
    #expect(onFace.gradients!.scalars(as: Double.self) == [1, 0, 0])
  }

  @Test func smoothUnionIsABoundThatFillsTheSeam() {
    let (a, b) = (Self.exact[0], Self.exact[5])
    let plain = CombinedField(.union, a, b).values(at: points)
    let smooth = Self.combined[3].samples(at: points, withGradients: true)
    let below = plain - smooth.values
    #expect(below.min().value >= 0 && below.max().value <= 0.1 && below.max().value > 0.01)
    #expect(smooth.gradients!.norm(axis: 1).max().value <= 1 + 1e-12)
  }

  @Test func coloursFollowTheShapeThatCounts() throws {
    let left = ColoredField(
      SphereField(centre: [-1, 0, 0], radius: 0.5, dtype: .float64), color: [1, 0, 0])
    let right = SphereField(centre: [1, 0, 0], radius: 0.5, dtype: .float64)
    let places = Tensor([[-1.5, 0, 0], [1.5, 0, 0], [0, 0, 0]])
    func colors(_ field: any ImplicitField) -> [Double] {
      let samples = field.samples(at: places, withGradients: false)
      return field.colors(at: places, samples: samples, directions: places).scalars()
    }
    let both = CombinedField(.union, left, right)
    #expect(colors(both) == [1, 0, 0, 1, 1, 1, 1, 0, 0])
    let smooth = CombinedField(
      .smoothUnion(width: Tensor(0.5, dtype: .float64)), left, right)
    #expect(colors(smooth) == [1, 0, 0, 1, 1, 1, 1, 0.5, 0.5])
    #expect(smooth.parameters.map(\.path).contains("first.field.radius"))
    #expect(smooth.parameters.map(\.path).last == "width")
    let painted = TransformedField(
      ColoredField(right, color: .function(channels: 3) { $0 * 2 }), by: Self.turn)
    let own = Self.turn.inverse.applied(to: places) * 2
    #expect(colors(painted) == own.scalars())
  }
}
