import LumiScene
import LumiTensor
import Testing

@testable import LumiBenchmark

struct PointBodyTests {
  static let forms: [Body.Form] = [
    .sphere, .cube, .cylinder(radius: 0.03, height: 1.8),
    .torus(majorRadius: 0.6, minorRadius: 0.25), .square,
  ]

  private func cloud(_ body: Body, detail: Int = 1) throws -> PointCloud {
    try .representing([body], material: Material(dtype: .float64), detail: detail).validated()
  }

  @Test(arguments: forms)
  func discsLeaveNoGap(_ form: Body.Form) throws {
    let body = Body(form, scale: Tensor(1.3, dtype: .float64), translation: Tensor([0.2, 0, 0.1]))
    let cloud = try cloud(body)
    var surface = body.surface(detail: 2)
    surface.vertices = body.placed(surface.vertices)
    var random = RandomGenerator(seed: 3)
    let samples = try surface.sampleSurface(400, using: &random).points
    let count = min(cloud.count, 60)
    let near = nearestNeighbours(of: samples, in: cloud.points, count: count)
    let offsets =
      cloud.points.gather(near.indices.cast(to: .int64)) - samples.expandingDims(at: 1)
    let inside = offsets.norm(axis: 2) .<= cloud.radii!.gather(near.indices.cast(to: .int64)) + 1e-9
    #expect(inside.any(axis: 1).all().value == 1)
    let length = cloud.normals!.norm(axis: 1)
    #expect((length - 1).abs().max().value < 1e-12)
  }

  @Test func aThinRodHasSmallDiscs() throws {
    let rod = try cloud(Body(.cylinder(radius: 0.03, height: 1.8)), detail: 2)
    #expect(rod.radii!.max().value < 0.04)
  }

  @Test(arguments: forms)
  func aDetailHasAboutFourTimesThePoints(_ form: Body.Form) throws {
    let counts = try (1...3).map { try cloud(Body(form), detail: $0).primitiveCount }
    for (a, b) in zip(counts, counts.dropFirst()) {
      #expect((1.9...8.1).contains(Double(b) / Double(a)), "\(counts)")
    }
  }

  @Test func everyParameterOfABodyHasItsDerivative() throws {
    let colors = Tensor((0..<8).map { [Double($0) / 8, 0.5, 1 - Double($0) / 8] })
    let inputs = [
      Tensor(0.9, dtype: .float64), Tensor([0.2, -0.1, 0.3]), Tensor([0.1, 0.4, -0.2]), colors,
      Tensor([1.0, 1.1, 0.9]),
    ]
    let names = ["scale", "translation", "rotation", "colors", "deformation"]
    try checkGradients(at: inputs, names: names) { values in
      let stretch = values[4]
      let body = Body(
        .torus(majorRadius: 0.6, minorRadius: 0.25), colors: .corners(values[3]),
        scale: values[0], rotation: Rotation.exponential(values[2]), translation: values[1],
        deformation: { $0 * stretch })
      let cloud = try cloud(body, detail: 0)
      return .concatenate(
        [
          cloud.points, cloud.normals!, cloud.radii!.expandingDims(at: 1),
          cloud.appearance.colors(count: cloud.count),
        ], axis: 1)
    }
  }

  @Test func texturesAreSeenAtThePoints() throws {
    let image = Tensor.linspace(0, 1, 48, dtype: .float64).reshaped([4, 4, 3])
    let square = Body(.square, colors: .texture(image))
    let cloud = try cloud(square, detail: 3)
    let colors = cloud.appearance.colors(count: cloud.count)
    #expect((colors - square.color(at: cloud.points)).abs().max().value < 1e-12)
    #expect((cloud.normals! - Tensor([0.0, 0, 1])).abs().max().value < 1e-12)
  }

  @Test func bodiesFollowEachOther() throws {
    let one = try cloud(Body(.sphere))
    let two = try PointCloud.representing(
      [Body(.sphere), Body(.cube)], material: Material(dtype: .float64), detail: 1)
    #expect(two.count > one.count)
    #expect((two.points[0..<one.count] - one.points).abs().max().value == 0)
  }
}
