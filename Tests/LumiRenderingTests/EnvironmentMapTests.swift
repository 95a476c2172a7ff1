import LumiRendering
import LumiScene
import LumiTensor
import Testing

struct EnvironmentMapTests {
  static func random(_ shape: [Int], seed: UInt64 = 21, low: Double = 0) -> Tensor {
    var random = RandomGenerator(seed: seed)
    return random.uniform(shape, low: low, high: 1, dtype: .float64)
  }

  static func directions(_ count: Int) -> Tensor {
    random([count, 3], seed: 5, low: -1).unitVectors()
  }

  static func value(_ map: EnvironmentMap, _ direction: [Double]) -> [Double] {
    map.radiance(along: Tensor([direction])).scalars(as: Double.self)
  }

  // MARK: Look-ups

  @Test(arguments: [[8, 16, 3], [5, 7, 2], [1, 1, 1], [1, 9, 1], [6, 1, 3]])
  func texelCentresReadTheirTexels(_ shape: [Int]) {
    let map = EnvironmentMap(Self.random(shape))
    let found = map.radiance(along: map.directions() * 3)
    #expect((found - map.image.reshaped([-1, shape[2]])).abs().max().value < 1e-12)
    let total = map.solidAngles().sum().value * Double(shape[1])
    #expect(abs(total - 4 * .pi) < 1e-12)
  }

  /// Row 0 at +y; columns from +z over -x, -z (the middle) and +x back to +z.
  @Test func axes() {
    let map = EnvironmentMap(Tensor([[0.0, 1, 2, 3]]).reshaped([1, 4, 1]))
    #expect(abs(Self.value(map, [-1, 0, 1])[0] - 0) < 1e-12)
    #expect(abs(Self.value(map, [-1, 0, -1])[0] - 1) < 1e-12)
    #expect(abs(Self.value(map, [1, 0, -1])[0] - 2) < 1e-12)
    #expect(abs(Self.value(map, [1, 0, 1])[0] - 3) < 1e-12)
    #expect(abs(Self.value(map, [0, 0, -1])[0] - 1.5) < 1e-12)
    #expect(abs(Self.value(map, [1, 0, 0])[0] - 2.5) < 1e-12)
    let rows = EnvironmentMap(Tensor([[0.0], [1], [2]]).reshaped([3, 1, 1]))
    #expect(Self.value(rows, [0, 1, 0])[0] == 0)
    #expect(Self.value(rows, [0, -1, 0])[0] == 2)
    #expect(abs(Self.value(rows, [0.3, 0, 0.4])[0] - 1) < 1e-12)
  }

  /// The picture behind a scene is seen from inside: what is on the right of the map's middle is on
  /// the right of a camera that looks there, what is above is above.
  @Test func backgroundIsNotMirrored() {
    let map = EnvironmentMap(
      Tensor([0.0, 1, 2, 3, 10, 11, 12, 13], shape: [2, 4, 1]))
    let camera = Camera.perspective(
      from: [0, 0, 7], verticalFieldOfView: radians(degrees: 60), width: 9,
      height: 7, dtype: .float64)
    let picture = map.background(from: camera)
    #expect(picture.shape == [7, 9, 1])
    let values = picture.scalars(as: Double.self)
    #expect(abs(values[3 * 9 + 4] - 6.5) < 1e-12)
    #expect(values[3 * 9 + 8] > values[3 * 9] + 0.3)
    #expect(values[6 * 9 + 4] > values[4] + 2)
  }

  /// Continuous over the seam at +z and at the poles, from whichever side.
  @Test func seamAndPoles() {
    let map = EnvironmentMap(Self.random([6, 11, 1]))
    for height in [-0.7, 0, 0.4] {
      let left = Self.value(map, [-1e-9, height, 1])[0]
      #expect(abs(left - Self.value(map, [1e-9, height, 1])[0]) < 1e-7)
      #expect(abs(left - Self.value(map, [0, height, 1])[0]) < 1e-7)
    }
    for pole in [1.0, -1] {
      let values = (0..<12).map { step in
        let turn = Tensor(Double(step) * .pi / 6, dtype: .float64)
        return Self.value(map, [1e-9 * turn.cos().value, pole, 1e-9 * turn.sin().value])[0]
      }
      #expect(values.max()! - values.min()! < 1e-7)
      #expect(abs(values[0] - Self.value(map, [0, pole, 0])[0]) < 1e-7)
    }
  }

  @Test func lookUpGradients() throws {
    let near = Tensor([[1e-3, 0.9, 2e-3], [-1e-3, -1, 1e-4], [1e-3, 0.2, 1], [-2e-3, 0.2, 0.8]])
    try checkGradients(
      at: [Self.random([5, 7, 2]), Self.directions(30), near], steps: [1e-6, 1e-7],
      tolerance: 1e-5
    ) {
      EnvironmentMap($0[0]).radiance(along: .concatenate([$0[1], $0[2]]))
    }
  }

  @Test func wildDirectionsStayFiniteOrPass() {
    let map = EnvironmentMap(Self.random([4, 8, 1]))
    let gradient = gradient(at: Tensor([[0.0, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]])) {
      map.radiance(along: $0).sum()
    }
    #expect(gradient.isAllFinite)
    let wild = map.radiance(
      along: Tensor([[Double.nan, 0, 1], [Double.infinity, 0, 0], [1e200, 1e200, 0]]))
    #expect(wild.shape == [3, 1])
    #expect(map.radiance(along: .zeros([0, 3], dtype: .float64)).shape == [0, 1])
  }

  // MARK: Convolution

  /// ∫ L max(0, cos)ˢ dω (s + 1)/2π over constant texels, by many points a texel.
  static func integral(_ map: EnvironmentMap, _ axes: Tensor, exponent: Double) -> Tensor {
    let fine = 12
    let (height, width) = (map.height * fine, map.width * fine)
    let blank = EnvironmentMap(.zeros([height, width, 1], dtype: .float64))
    let rows = Tensor(
      (0..<height * width).map { Int64($0 / width / fine * map.width + $0 % width / fine) })
    let light =
      map.image.reshaped([-1, map.image.shape[2]]).gather(rows)
      * blank.solidAngles().expandingDims(at: 1).broadcast(to: [height, width])
      .reshaped([-1, 1])
    let cosines = axes.matmul(blank.directions(), transposingRight: true)
    return cosines.relu().pow(exponent).matmul(light) * ((exponent + 1) / (2 * .pi))
  }

  /// One texel of 8 rows and 16 columns bright: the hardest case for look-ups between texels.
  static let lamp: EnvironmentMap = {
    var values = [Double](repeating: 0, count: 128)
    values[2 * 16 + 11] = 1
    return EnvironmentMap(Tensor(values, shape: [8, 16, 1]))
  }()

  /// The largest error over the largest value, for a random map and for the lamp, at every
  /// exponent.
  @Test(arguments: [
    (1.0, 1e-3, 4e-3), (4, 2e-3, 5e-3), (20, 3e-3, 4e-3), (100, 1e-2, 1e-2), (400, 1e-2, 1e-2),
  ])
  func againstBruteForce(_ exponent: Double, _ tolerance: Double, _ lampTolerance: Double) {
    let axes = Self.directions(150)
    let noise = EnvironmentMap(Self.random([8, 16, 1]))
    for (map, bound) in [(noise, tolerance), (Self.lamp, lampTolerance)] {
      let truth = Self.integral(map, axes, exponent: exponent)
      let found = map.convolved(exponent: Tensor(exponent, dtype: .float64)).radiance(along: axes)
      let error = ((found - truth).abs().max() / truth.max()).value
      #expect(error < bound)
    }
  }

  @Test(arguments: [(2, 0.1), (4, 0.05), (8, 0.025)])
  func harmonicsAgainstBruteForce(_ order: Int, _ bound: Double) {
    let axes = Self.directions(150)
    let noise = EnvironmentMap(Self.random([8, 16, 1]))
    for map in [noise, Self.lamp] {
      let truth = Self.integral(map, axes, exponent: 1)
      let found = sphericalHarmonics(axes, order: order)
        .matmul(map.irradianceHarmonics(order: order))
      let error = ((found - truth).abs().max() / truth.max()).value
      #expect(error < bound)
    }
  }

  /// Radiance that is itself a sum of low harmonics comes back as its coefficients.
  @Test func projectionFindsTheCoefficients() {
    let coefficients = Self.random([16, 3], low: -1)
    let blank = EnvironmentMap(.zeros([64, 128, 3], dtype: .float64))
    let image = sphericalHarmonics(blank.directions(), order: 3).matmul(coefficients)
      .reshaped([64, 128, 3])
    let found = EnvironmentMap(image).harmonics(order: 3)
    #expect((found - coefficients).abs().max().value < 2e-3)
  }

  /// A white surrounding stays white, whatever the lobe and however many texels.
  @Test(arguments: [[1, 1, 3], [3, 5, 3], [40, 80, 3], [100, 30, 3]])
  func furnace(_ shape: [Int]) {
    let map = EnvironmentMap(.ones(shape, dtype: .float64))
    for exponent in [-3, 0, 0.5, 1, 30, 200, 1e9] {
      let image = map.convolved(exponent: Tensor(exponent, dtype: .float64)).image
      #expect((image - 1).abs().max().value < 1e-10)
    }
    let single = EnvironmentMap(.ones(shape))
    let image = single.convolved(exponent: Tensor(1e9, dtype: .float32)).image
    #expect((image - 1).abs().max().cast(to: .float64).value < 1e-4)
  }

  /// Light is neither made nor lost by the change of grid.
  @Test func convolutionKeepsTheMean() {
    for shape in [[7, 9, 1], [50, 61, 1], [90, 170, 1]] {
      let map = EnvironmentMap(Self.random(shape))
      func power(_ map: EnvironmentMap) -> Double {
        (map.image * map.solidAngles().reshaped([-1, 1, 1])).sum().value
      }
      let convolved = map.convolved(exponent: Tensor(5, dtype: .float64), rows: 48)
      #expect(abs(power(convolved) / power(map) - 1) < 1e-3)
    }
  }

  @Test func convolutionGradients() throws {
    try checkGradients(at: [Self.random([3, 5, 2]), Tensor(3.5, dtype: .float64)]) {
      EnvironmentMap($0[0]).convolved(exponent: $0[1], rows: 6).image
    }
  }

  // MARK: As a light

  static func illumination(
    _ map: Tensor, _ normals: Tensor, _ eye: Tensor, _ shininess: Tensor, _ reflection: Reflection
  ) -> Illumination {
    var material = Material(diffuse: 0.8, specular: 0.5, dtype: .float64)
    material.shininess = shininess
    return Illumination(
      positions: .zeros(like: normals.stoppingGradient()), normals: normals.unitVectors(),
      toEye: eye.unitVectors(), lights: [.environment(map: map)], material: material,
      reflection: reflection)
  }

  @Test(arguments: Reflection.allCases)
  func lightGradients(_ reflection: Reflection) throws {
    try checkGradients(
      at: [
        Self.random([2, 3, 3]), Self.directions(5), Self.random([5, 3], seed: 6, low: -1),
        Tensor(6, dtype: .float64),
      ], names: ["map", "normals", "eye", "shininess"], steps: [1e-5, 1e-6], tolerance: 1e-5
    ) { x in
      let light = Self.illumination(x[0], x[1], x[2], x[3], reflection)
      return light.diffuse + light.specular
    }
  }

  /// White surroundings: albedo times diffuse, and the specular colour.
  @Test func whiteSurroundings() {
    let light = Self.illumination(
      .ones([4, 8, 3], dtype: .float64), Self.directions(7), Self.directions(7),
      Tensor(40, dtype: .float64), .blinnPhong)
    #expect((light.diffuse - 0.8).abs().max().value < 1e-10)
    #expect((light.specular - 0.5).abs().max().value < 1e-10)
  }

  /// A small far lamp of radiance L and solid angle Ω lights as parallel light of LΩ/π does.
  @Test func smallLampIsParallelLight() {
    let normals = Self.directions(50)
    let place = 10 * 64 + 40
    var texels = [Double](repeating: 0, count: 32 * 64)
    texels[place] = 1
    let lamp = EnvironmentMap(Tensor(texels, shape: [32, 64, 1]).broadcast(to: [32, 64, 3]))
    let solidAngle = lamp.solidAngles().scalars(as: Double.self)[10]
    let sun = Light.directional(
      direction: lamp.directions()[.index(place)],
      intensity: .full([3], solidAngle / .pi, dtype: .float64))
    let found = Self.illumination(
      lamp.image, normals, normals, Tensor(1, dtype: .float64), .lambert
    ).diffuse
    let parallel = Illumination(
      positions: .zeros(like: normals), normals: normals, toEye: normals, lights: [sun],
      material: Material(diffuse: 0.8, dtype: .float64), reflection: .lambert
    ).diffuse
    #expect((found - parallel).abs().max().value < 0.02 * parallel.max().value)
  }

  /// A mirror shows a smooth map along the mirrored eye direction.
  @Test func mirror() {
    let blank = EnvironmentMap(.zeros([128, 256, 3], dtype: .float64))
    let map = sphericalHarmonics(blank.directions(), order: 4)
      .matmul(Self.random([25, 3], low: -1)).reshaped([128, 256, 3])
    let (normals, eye) = (Self.directions(40), Self.random([40, 3], seed: 7, low: -1))
    let light = Self.illumination(map, normals, eye, Tensor(1e6, dtype: .float64), .phong)
    let toEye = eye.unitVectors()
    let mirrored = (normals * toEye).sum(axis: 1, keepDims: true) * 2 * normals - toEye
    let expected = EnvironmentMap(map).radiance(along: mirrored) * 0.5
    #expect((light.specular - expected).abs().max().value < 0.01)
  }
}
