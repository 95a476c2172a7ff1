import LumiRendering
import LumiScene
import LumiTensor
import Testing

/// Points in the plane z = 0 with the normal +z under a lamp at (0, 0, 2) that shines down.
struct SpotLightTests {
  static func light(
    at points: [[Double]], _ cone: Light.Cone, falloff: Light.Falloff = .none,
    reflection: Reflection = .lambert
  ) -> Illumination {
    let count = points.count
    let up = Tensor([0.0, 0, 1]).broadcast(to: [count, 3])
    return Illumination(
      positions: Tensor(points), normals: up, toEye: up,
      lights: [
        .spot(
          position: Tensor([0.0, 0, 2]), axis: Tensor([0.0, 0, -3]),
          intensity: Tensor([1.0, 2, 4]), cone: cone, falloff: falloff)
      ], material: Material(specular: 1, shininess: 3, dtype: .float64), reflection: reflection)
  }

  static func angles(_ inner: Double, _ outer: Double) -> Light.Cone {
    .angles(inner: Tensor(inner, dtype: .float64), outer: Tensor(outer, dtype: .float64))
  }

  /// Points whose angles to the axis have the cosines 1, 0.95, 0.8 and 0.6.
  static let points = [1, 0.95, 0.8, 0.6].map { cosine in
    [2 * (1 - cosine * cosine).squareRoot() / cosine, 0, 0]
  }

  static func cone(cosines inner: Double, _ outer: Double) -> Light.Cone {
    angles(
      Tensor(inner, dtype: .float64).acos().value, Tensor(outer, dtype: .float64).acos().value)
  }

  @Test func byAngles() {
    let light = Self.light(at: Self.points, Self.cone(cosines: 0.9, 0.7))
    let found = light.diffuse.slice(axis: 1, from: 0, to: 1).scalars(as: Double.self)
    // Half way between the cosines 0.9 and 0.7 half of the light is left.
    for (a, b) in zip(found, [1, 0.95, 0.8 * 0.5, 0]) { #expect(abs(a - b) < 1e-12) }
    let green = light.diffuse.slice(axis: 1, from: 1, to: 2).scalars(as: Double.self)
    #expect(green == found.map { $0 * 2 })
  }

  /// n·d cosᵉ/r², as OpenDR's lamp has it.
  @Test func exponentWithFalloff() {
    let cone = Light.Cone.exponent(Tensor(2.5, dtype: .float64))
    let light = Self.light(at: Self.points, cone, falloff: .inverseSquare)
    let found = light.diffuse.slice(axis: 1, from: 0, to: 1).scalars(as: Double.self)
    for (value, cosine) in zip(found, [1, 0.95, 0.8, 0.6]) {
      let distance = 2 / cosine
      let power = Tensor(cosine, dtype: .float64).pow(2.5).value
      #expect(abs(value - cosine * power / (distance * distance)) < 1e-12)
    }
  }

  /// Highlights have the cone too.
  @Test func highlights() {
    let cone = Self.cone(cosines: 0.9, 0.7)
    let lit = Self.light(at: Self.points, cone, reflection: .phong).specular
    let everywhere = Self.light(at: Self.points, Self.angles(3, 3.1), reflection: .phong).specular
    let share = Tensor([1.0, 1, 0.5, 0]).expandingDims(at: 1)
    #expect((lit - everywhere * share).abs().max().value < 1e-12)
    #expect(everywhere.slice(axis: 0, from: 2, to: 3).min().value > 0.1)
  }

  /// Nothing reaches what is behind the lamp.
  @Test func behindTheLamp() {
    for cone in [Self.angles(0.3, 1.5), .exponent(Tensor(1, dtype: .float64))] {
      let light = Illumination(
        positions: Tensor([[0.0, 0, 5]]), normals: Tensor([[0.0, 0, -1]]),
        toEye: Tensor([[0.0, 0, -1]]),
        lights: [
          .spot(
            position: Tensor([0.0, 0, 2]), axis: Tensor([0.0, 0, -1]),
            intensity: Tensor([1.0, 1, 1]), cone: cone, falloff: .none)
        ], material: Material(specular: 1, dtype: .float64), reflection: .phong)
      #expect(light.diffuse.scalars(as: Double.self) == [0, 0, 0])
      #expect(light.specular.scalars(as: Double.self) == [0, 0, 0])
    }
  }

  @Test(arguments: Reflection.allCases, [true, false])
  func gradients(_ reflection: Reflection, _ hasAngles: Bool) throws {
    var random = RandomGenerator(seed: 31)
    func numbers(_ shape: [Int], _ low: Double, _ high: Double) -> Tensor {
      random.uniform(shape, low: low, high: high, dtype: .float64)
    }
    let names = ["positions", "normals", "lamp", "axis", "intensity", "cone", "outer", "shininess"]
    let report = try checkGradients(
      at: [
        numbers([9, 3], -1, 1), numbers([9, 3], -0.2, 0.2) + Tensor([0.0, 0, 1]),
        Tensor([0.2, -0.1, 3]), Tensor([0.05, 0.1, -1.2]), Tensor([1.0, 2, 0.5]),
        Tensor(0.2, dtype: .float64), Tensor(0.7, dtype: .float64), Tensor(4, dtype: .float64),
      ], names: names
    ) { x in
      var material = Material(specular: 0.7, dtype: .float64)
      material.shininess = x[7]
      let light = Light.spot(
        position: x[2], axis: x[3], intensity: x[4],
        cone: hasAngles ? .angles(inner: x[5], outer: x[6]) : .exponent(x[5] * 20),
        falloff: .inverseSquare)
      let result = Illumination(
        positions: x[0], normals: x[1].unitVectors(),
        toEye: Tensor([[0.3, 0.1, 0.9]]).unitVectors().broadcast(to: [9, 3]), lights: [light],
        material: material, reflection: reflection)
      return result.diffuse + result.specular
    }
    #expect(report.compared > 60)
  }

  /// The border of a cone is smooth: gradients vanish outside and are finite where there is no
  /// cone, no axis and no distance.
  @Test func degenerateInputStaysFinite() {
    let same = Self.angles(0.5, 0.5)
    for cone in [same, Self.angles(2, 1), .exponent(Tensor(0, dtype: .float64)), Self.angles(0, 0)]
    {
      let gradients = gradient(
        at: [
          Tensor([[0.0, 0, 0], [0, 0, 2], [1, 1, 1]]), Tensor([0.0, 0, 2]),
          .zeros([3], dtype: .float64),
        ],
        unreachable: .zeros
      ) { x in
        let light = Illumination(
          positions: x[0], normals: Tensor([[0.0, 0, 1], [0, 0, 1], [0, 0, 0]]),
          toEye: Tensor([[0.0, 0, 1], [0, 0, 0], [0, 0, 1]]),
          lights: [
            .spot(
              position: x[1], axis: x[2], intensity: Tensor([1.0, 1, 1]), cone: cone,
              falloff: .inverseSquare)
          ], material: Material(specular: 1, dtype: .float64), reflection: .blinnPhong)
        return (light.diffuse + light.specular).sum()
      }
      for gradient in gradients { #expect(gradient.isAllFinite) }
    }
  }
}
