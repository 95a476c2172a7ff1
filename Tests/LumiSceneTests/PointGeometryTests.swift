import LumiScene
import LumiTensor
import Testing

/// Normals, curvature and samples of clouds.
struct PointGeometryTests {
  /// Points spread over a sphere of radius 2 around (1, 0, 0) by the golden angle.
  private func sphere(_ count: Int) -> Tensor {
    var values: [Double] = []
    for i in 0..<count {
      let z = 1 - 2 * (Double(i) + 0.5) / Double(count)
      let turn = Double(i) * 2.399963229728653
      let radius = (1 - z * z).squareRoot()
      let (c, s) = (
        Tensor(turn, dtype: .float64).cos().value, Tensor(turn, dtype: .float64).sin().value
      )
      values += [1 + 2 * radius * c, 2 * radius * s, 2 * z]
    }
    return Tensor(values, shape: [count, 3])
  }

  private func outwards(_ points: Tensor) -> Tensor {
    (points - Tensor([1.0, 0, 0])).normalized()
  }

  @Test func normalsOfASphereLookOutwards() throws {
    let cloud = PointCloud(points: sphere(600))
    let found = try cloud.localGeometry(neighbours: 10).normals
    #expect(found.dot(outwards(cloud.points)).min().value > 0.995)
    let middle = Tensor([1.0, 0, 0])
    let inwards = try cloud.withEstimatedNormals(neighbours: 10, orientation: .towards(middle))
    #expect(inwards.normals!.dot(outwards(cloud.points)).max().value < -0.995)
  }

  /// Two separate spheres, and a torus with inner and outer sides.
  @Test func propagationHandlesPartsAndHoles() throws {
    let two = Tensor.concatenate([sphere(300), sphere(300) + Tensor([30.0, 0, 0])], axis: 0)
    let normals = try PointCloud(points: two).localGeometry(neighbours: 10).normals
    let first = normals.slice(axis: 0, from: 0, to: 300).dot(outwards(sphere(300)))
    let second = normals.slice(axis: 0, from: 300, to: 600).dot(outwards(sphere(300)))
    #expect(first.min().value > 0.98 && second.min().value > 0.98)
    let torus = Mesh.torus(majorRadius: 1, minorRadius: 0.4, majorSegments: 60, minorSegments: 24)
    let cloud = PointCloud(points: torus.vertices)
    let found = try cloud.localGeometry(neighbours: 12).normals
    let (positions, directions) = (
      torus.vertices.scalars(as: Double.self), found.scalars(as: Double.self)
    )
    // The circle through the tube lies in one coordinate plane: find its axis by the extent.
    let extent = torus.vertices.max(axis: 0).scalars(as: Double.self)
    let axis = extent.firstIndex(of: extent.min()!)!
    for point in 0..<cloud.count {
      var ring = (0..<3).map { $0 == axis ? 0 : positions[3 * point + $0] }
      let length = ring.reduce(0) { $0 + $1 * $1 }.squareRoot()
      ring = ring.map { $0 / length }
      let out = (0..<3).map { positions[3 * point + $0] - ring[$0] }
      let alike = (0..<3).reduce(0) { $0 + out[$1] * directions[3 * point + $1] } / 0.4
      #expect(alike > 0.9)
    }
  }

  @Test func curvatureTellsPlanesFromBalls() throws {
    var random = RandomGenerator(seed: 5)
    let flat = Tensor.concatenate(
      [random.uniform([200, 2], dtype: .float64), .zeros([200, 1], dtype: .float64)], axis: 1)
    let plane = try PointCloud(points: flat).localGeometry()
    #expect(plane.surfaceVariation.max().value < 1e-12)
    #expect(plane.normals.abs().slice(axis: 1, from: 2, to: 3).min().value > 1 - 1e-12)
    let ball = try PointCloud(points: random.normal([200, 3], dtype: .float64))
      .localGeometry(neighbours: 200)
    #expect(ball.surfaceVariation.min().value > 0.2)
    // A smaller sphere bends more between points of one distance.
    let (wide, narrow) = (sphere(1200), sphere(300))
    func mean(_ points: Tensor) throws -> Double {
      try PointCloud(points: points).localGeometry().surfaceVariation.mean().value
    }
    #expect(try mean(narrow) > 2 * mean(wide))
  }

  @Test func derivativesAgreeWithDifferences() throws {
    var random = RandomGenerator(seed: 6)
    let points = random.normal([12, 3], dtype: .float64)
    let near = nearestNeighbours(of: points, in: points, count: 6).indices
    try checkGradients(at: [points]) { LocalGeometry(points: $0[0], neighbours: near).normals }
    try checkGradients(at: [points]) {
      LocalGeometry(points: $0[0], neighbours: near).surfaceVariation
    }
    // The oriented ones have the same derivative up to the sign, which does not change nearby.
    try checkGradients(at: [points]) {
      try PointCloud(points: $0[0]).localGeometry(neighbours: 6).normals
    }
  }

  @Test(arguments: ["line", "point", "pairs"])
  func degenerateCloudsStayFinite(_ kind: String) throws {
    let points =
      switch kind {
      case "line":
        Tensor.arange(10).cast(to: .float64).reshaped([10, 1]) * Tensor([[1.0, 2, 3]])
      case "point": Tensor.full([10, 3], 4, dtype: .float64)
      default: Tensor([[0.0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 0, 0]])
      }
    let (value, gradient) = try valueAndGradient(at: [points]) { inputs in
      let found = try PointCloud(points: inputs[0]).localGeometry()
      return found.normals.sum() + found.surfaceVariation.sum()
    }
    #expect(value.value.isFinite && gradient[0].isFinite().all().item(as: Bool.self))
  }

  @Test func badCloudsAreRefused() {
    func refusal(_ points: Tensor, _ neighbours: Int = 16) -> String? {
      do {
        _ = try PointCloud(points: points).localGeometry(neighbours: neighbours)
        return nil
      } catch { return (error as? SceneError)?.field }
    }
    #expect(refusal(.zeros([2, 3])) == "cloud.points")
    #expect(refusal(.zeros([5, 3]), 2) == "neighbours")
    #expect(refusal(Tensor([[0.0, 0, 0], [1, .nan, 0], [1, 1, 1]])) == "cloud.points")
    #expect(throws: SceneError.self) { try PointCloud(points: .zeros([5, 3])).farthestSample(6) }
  }

  @Test func samplesTakeAllThatBelongsToAPoint() throws {
    var random = RandomGenerator(seed: 7)
    let cloud = PointCloud(
      points: random.normal([50, 3]), appearance: .colors(random.uniform([50, 3])),
      radii: random.uniform([50], low: 0.1))
    var (first, again) = (RandomGenerator(seed: 8), RandomGenerator(seed: 8))
    let sample = try cloud.randomSample(20, using: &first)
    #expect(
      try sample.points.scalars(as: Float.self)
        == cloud.randomSample(20, using: &again).points.scalars(as: Float.self))
    let original = cloud.points.scalars(as: Float.self)
    let radii = cloud.radii!.scalars(as: Float.self)
    let (rows, sizes) = (
      sample.points.scalars(as: Float.self), sample.radii!.scalars(as: Float.self)
    )
    var places: Set<Int> = []
    for row in 0..<20 {
      let place = (0..<50).first { original[3 * $0] == rows[3 * row] }!
      places.insert(place)
      #expect(radii[place] == sizes[row])
    }
    #expect(places.count == 20)
    #expect(try cloud.farthestSample(50).count == 50)
  }
}
