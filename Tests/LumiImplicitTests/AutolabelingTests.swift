import Foundation
import LumiImplicit
import LumiLearning
import LumiRendering
import LumiScene
import LumiTensor
import RenderingTestSupport
import Testing

/// Surface points, tangent discs and the pictures made of them.
@Suite struct AutolabelingTests {
  private func camera(width: Int = 24, height: Int = 20, focal: Double = 30) -> Camera {
    Camera(
      pose: .lookAt(
        eye: Tensor([0.0, 0, -3]), target: Tensor([0.0, 0, 0]), up: Tensor([0.0, 1, 0])),
      focal: focal, width: width, height: height)
  }

  private func discs(_ points: [[Double]], _ normals: [[Double]]) -> SurfacePoints {
    SurfacePoints(points: Tensor(points), normals: Tensor(normals))
  }

  /// Rays of a pinhole at the origin that looks along z.
  private func rays(width: Int, height: Int, focal: Double) -> DiscRays {
    DiscRays(
      of: Camera(
        rotation: .eye(3, dtype: .float64), translation: .zeros([3], dtype: .float64),
        focalLength: Tensor([focal, focal]), width: width, height: height))
  }

  // MARK: Surface points

  @Test func projectedPointsLieOnTheSphere() {
    let field = SphereField(centre: [0.05, -0.1, 0.02], radius: 0.6, dtype: .float64)
    let surface = SurfaceProjection().points(on: field, in: .ball(radius: 1))
    #expect(surface.count > 400)
    // One step is exact for a true distance.
    #expect(field.values(at: surface.points).abs().max().value < 1e-12)
    let outward = (surface.points - field.centre).unitVectors().dot(surface.normals)
    #expect(outward.min().value > 1 - 1e-12)
    let coordinates = surface.objectCoordinates(in: .ball(radius: 1))
    #expect(coordinates.min().value >= 0 && coordinates.max().value <= 1)
    #expect((coordinates * 2 - 1 - surface.points).abs().max().value < 1e-15)
  }

  @Test func moreStepsReachTheSurfaceOfWhatIsNoDistance() {
    let field = Squared(base: SphereField(radius: 0.6, dtype: .float64))
    func error(_ steps: Int) -> Double {
      let surface = SurfaceProjection(band: 0.1, steps: steps).points(
        on: field, in: .ball(radius: 1))
      return (surface.points.norm(axis: 1) - 0.6).abs().max().value
    }
    #expect(error(4) < error(1) / 20)
  }

  @Test func derivativeMovesPointsAlongConstantNormals() throws {
    let field = SphereField(radius: 0.6, dtype: .float64)
    let projection = SurfaceProjection(density: 12, band: 0.1)
    // A grid point's side does not change within the band; the count neither.
    let normals = projection.points(on: field, in: .ball(radius: 1)).normals
    let slopes = gradient(at: [field.centre, field.radius]) { values in
      let moved = SphereField(centre: values[0], radius: values[1])
      let surface = projection.points(on: moved, in: .ball(radius: 1))
      return (surface.points * surface.normals).sum()
    }
    // dp/dr = n and, at fixed places, dp/dcentre = n nᵀ.
    #expect((slopes[1].value - Double(normals.shape[0])).magnitude < 1e-9)
    #expect((slopes[0] - normals.sum(axis: 0)).abs().max().value < 1e-9)
  }

  @Test func boundsAndSlopelessPointsAreSafe() throws {
    let field = SphereField(radius: 0.9, dtype: .float64)
    let half = SurfaceProjection().points(
      on: field, in: .box(lower: [-1, -1, 0], upper: [1, 1, 1]))
    let lowest = half.points.slice(axis: 1, from: 2, to: 3).min().value
    #expect(half.count > 100 && lowest > -1e-5)
    // Value and slope are 0 everywhere.
    let flat = Squared(base: SphereField(radius: 0.6, dtype: .float64), factor: 0)
    let surface = SurfaceProjection(density: 5).points(on: flat, in: .ball(radius: 1))
    #expect(surface.count > 0 && surface.normals.largest == 0 && surface.points.isAllFinite)
    let view = SceneView(scene: Scene(ImplicitShape(flat)), camera: camera())
    let (output, gradients) = try AutolabelingRenderer().evaluate(view)
    #expect(try output[.alpha].largest == 0)
    #expect(gradients.values.allSatisfy { $0.isAllFinite })
  }

  // MARK: Discs

  @Test func frontalDiscIsACircle() {
    let (focal, radius, depth) = (40.0, 0.21, 1.5)
    let drawn = TangentDiscs(
      discs([[0, 0, depth]], [[0, 0, -1]]), radius: radius,
      rays: rays(width: 21, height: 15, focal: focal))
    let mask = drawn.mask.scalars(as: Double.self)
    for row in 0..<15 {
      for column in 0..<21 {
        let (x, y) = (Double(column) - 10, Double(row) - 7)
        let isInside = (x * x + y * y).squareRoot() < focal * radius / depth
        #expect(mask[row * 21 + column] == (isInside ? 1 : 0))
      }
    }
  }

  @Test func nearerDiscWinsTheMoreTheFartherTheyAreApart() {
    func weight(_ apart: Double) -> Double {
      let drawn = TangentDiscs(
        discs([[0, 0, 1.5 + apart], [0, 0, 1.5]], [[0, 0, -1], [0, 0, -1]]), radius: 0.4,
        rays: rays(width: 1, height: 1, focal: 10))
      return drawn.mix(Tensor([[0.0], [1]])).value
    }
    // s/Z = 1/√2 each for equal depths; the softmax of 150 (1 - s/Z).
    #expect(weight(0) == 0.5)
    let z = (2 * 1.5 * 1.5 + 2 * 1.5 * 0.01 + 0.0001).squareRoot()
    #expect((weight(0.01) - 1 / (1 + exp(-150 * 0.01 / z))).magnitude < 1e-12)
    #expect(weight(0.01) < weight(0.05) && weight(0.5) > 1 - 1e-12)
  }

  @Test func jointMotionChangesNothing() throws {
    let view = scene()
    let motion = RigidTransform(
      rotation: Rotation.exponential(Tensor([0.4, -0.7, 0.2])),
      translation: Tensor([0.3, 0.1, -0.5]))
    let surface = SurfaceProjection(density: 16, band: 0.08).points(
      on: view.scene.shape.field, in: .ball(radius: 1))
    let colors = surface.objectCoordinates(in: .ball(radius: 1))
    let moved = SurfacePoints(
      points: motion.applied(to: surface.points),
      normals: surface.normals.matmul(motion.rotation, transposingRight: true))
    var turned = view.camera
    let pose = motion.inverse.followed(by: view.camera.pose)
    (turned.rotation, turned.translation) = (pose.rotation, pose.translation)
    let renderer = AutolabelingRenderer(channels: [.color, .alpha, .depth])
    let background = Tensor([0.0, 0, 0])
    let first = try renderer.draw(
      surface, colors: colors, radius: 0.1, background: background, from: view.camera)
    let second = try renderer.draw(
      moved, colors: colors, radius: 0.1, background: background, from: turned)
    #expect(try first[.alpha].sum().value > 50)
    for channel in first.channels {
      #expect(try (first[channel] - second[channel]).largest < 1e-9)
    }
  }

  @Test func everyPixelSeesAllThatAnExhaustiveSearchFinds() {
    var random = RandomGenerator(seed: 9)
    let points = random.uniform([300, 3], low: -1.5, high: 1.5, dtype: .float64)
    let surface = SurfacePoints(
      points: points, normals: random.normal([300, 3], dtype: .float64).unitVectors())
    var wide = camera(width: 37, height: 23, focal: 9)
    wide.translation = Tensor([0.1, 0.05, 0.6])
    let parallel = Camera(
      model: .orthographic, rotation: wide.rotation, translation: wide.translation,
      focalLength: Tensor([14.0, 14]), width: 37, height: 23)
    for camera in [wide, parallel] {
      let rays = DiscRays(of: camera)
      let drawn = TangentDiscs(surface, radius: 0.3, rays: rays).fragments
      let found = zip(
        drawn.pixels.scalars(as: Int64.self), drawn.discs.scalars(as: Int64.self)
      ).map { [$0, $1] }
      #expect(found.count > 2000)
      #expect(found == exhaustive(surface, rays, radius: 0.3))
    }
  }

  /// All pairs of pixel and disc, by tensors.
  private func exhaustive(
    _ surface: SurfacePoints, _ rays: DiscRays, radius: Double
  ) -> [[Int64]] {
    let directions = rays.directions.expandingDims(at: 1)
    let offsets = surface.points.expandingDims(at: 0) - rays.origins.expandingDims(at: 1)
    let normals = surface.normals.expandingDims(at: 0)
    let slopes = (normals * directions).sum(axis: 2)
    let depths = (normals * offsets).sum(axis: 2) / slopes
    let apart = (offsets - directions * depths.expandingDims(at: 2)).norm(axis: 2)
    let meets = ((slopes.abs() .>= 0.01) .&& (apart .< radius)).scalars(as: Bool.self)
    return meets.indices.filter { meets[$0] }.map {
      [Int64($0 / surface.count), Int64($0 % surface.count)]
    }
  }

  @Test func edgesOfDiscsAndNoDiscsAreFinite() throws {
    let surface = discs([[0, 0, 1], [0.1, 0, 1]], [[1, 0, 0], [0, 0, 0]])
    let rays = rays(width: 5, height: 5, focal: 4)
    let slopes = gradient(at: [surface.points, surface.normals], unreachable: .zeros) { values in
      TangentDiscs(
        SurfacePoints(points: values[0], normals: values[1]), radius: 0.5, rays: rays
      ).mix(values[0]).sum()
    }
    #expect(slopes.allSatisfy { $0.isAllFinite })
    let empty = SurfacePoints(
      points: .zeros([0, 3], dtype: .float64), normals: .zeros([0, 3], dtype: .float64))
    #expect(TangentDiscs(empty, radius: 0.1, rays: rays).mix(empty.points).largest == 0)
    #expect(Loss.nearestPoints(empty.points, to: surface.points, within: 1).value == 0)
    let broken = discs([[.nan, 0, 1], [0, 0, 1]], [[0, 0, -1], [0, 0, -1]])
    #expect(
      TangentDiscs(broken, radius: 0.5, rays: rays).mix(.ones([2, 1], dtype: .float64))
        .isAllFinite)
  }

  // MARK: Derivatives

  private func scene() -> SceneView<ImplicitShape> {
    let field = SphereField(centre: [0.05, 0.02, -0.03], radius: 0.7, dtype: .float64)
    return SceneView(scene: Scene(ImplicitShape(field)), camera: camera())
  }

  /// The readable derivative: the same picture with coverage, norms and places held, by differences.
  @Test func derivativesAreThoseWithCoverageAndNormsHeld() throws {
    let field = SphereField(radius: 0.7, dtype: .float64)
    let surface = SurfaceProjection(density: 10, band: 0.1).points(
      on: field, in: .ball(radius: 1))
    let rays = DiscRays(of: camera())
    let drawn = TangentDiscs(surface, radius: 0.15, rays: rays)
    let held = Held(surface, radius: 0.15, rays: rays, fragments: drawn.fragments)
    var random = RandomGenerator(seed: 4)
    let weights = random.uniform([rays.height, rays.width, 3], low: -1, dtype: .float64)
    let pose = ObjectPose(
      rotation: Tensor([1.0, 0, 0, 0]), translation: Tensor([0.0, 0, 0]), scale: Tensor(scalar: 1.0)
    )
    let names = pose.parameters.map(\.path)
    func posed(_ values: [Tensor]) throws -> SurfacePoints {
      try pose.replacing(Dictionary(uniqueKeysWithValues: zip(names, values))).applied(to: surface)
    }
    let values = pose.parameters.map(\.value)
    try checkGradients(at: values, names: names) { values in
      let moved = try posed(values)
      return (held.picture(moved, colors: moved.points) * weights).sum()
    }
    let exact = try gradient(at: values) { values in
      let moved = try posed(values)
      return (held.picture(moved, colors: moved.points) * weights).sum()
    }
    let ours = try gradient(at: values) { values in
      let moved = try posed(values)
      return (TangentDiscs(moved, radius: 0.15, rays: rays).mix(moved.points) * weights).sum()
    }
    for (a, b) in zip(exact, ours) { #expect((a - b).largest < 1e-10 * max(1, a.largest)) }
    #expect(ours.allSatisfy { $0.largest > 1e-3 })
  }

  @Test func scalesAlongAxesTurnNormals() throws {
    let sphere = SurfaceProjection(density: 14, band: 0.1).points(
      on: SphereField(radius: 0.5, dtype: .float64), in: .ball(radius: 1))
    let pose = ObjectPose(
      axis: Tensor([0.0, 1, 0]), angle: Tensor(scalar: 0.3), translation: Tensor([0.1, 0, 0.2]),
      scale: Tensor([1.0, 2, 0.5]))
    let moved = pose.applied(to: sphere)
    #expect((pose.inverse(of: moved.points) - sphere.points).largest < 1e-12)
    // Normals of an ellipsoid: the gradient of |inverse(x)|.
    let (_, slope) = valueAndGradient(at: moved.points) { pose.inverse(of: $0).norm(axis: 1).sum() }
    #expect((slope.unitVectors() - moved.normals).largest < 1e-12)
  }

  // MARK: The renderer

  @Test func spherePictureHasDepthAndNormals() throws {
    var view = scene()
    view.scene.background = Tensor([0.2, 0.3, 0.4])
    let renderer = AutolabelingRenderer(
      projection: SurfaceProjection(density: 40), discRadius: 0.06,
      channels: [.color, .alpha, .depth, .normal, AutolabelingRenderer.objectCoordinates])
    let output = try renderer.render(view)
    #expect(output.channels.count == 5)
    let (row, column) = (10, 12)
    #expect(try output[.alpha][row][column].value == 1)
    #expect((try output[.depth][row][column].value - (3 - 0.73)).magnitude < 0.02)
    #expect(try output[.normal][row][column].scalars(as: Double.self)[2] < -0.97)
    #expect(
      try
        (output[.color][row][column]
        - output[AutolabelingRenderer.objectCoordinates][row][column]).largest == 0)
    #expect(try (output[.color][0][0] - view.scene.background).largest == 0)
    #expect(try output[.depth][0][0].value == view.camera.far)
    // The covered area is the sphere's.
    let area = try output[.alpha].sum().value
    let outline = 30 * 0.7 / (2.97 * 2.97 - 0.49).squareRoot()
    #expect((area / (.pi * outline * outline) - 1).magnitude < 0.2)
    let behind = try renderer.render(
      SceneView(
        scene: view.scene,
        camera: view.camera.mapParameters {
          $0 == "translation" ? -$1 : $1
        }))
    #expect(try behind[.alpha].largest == 0)
  }

  @Test func badSettingsThrow() throws {
    let view = scene()
    func fails(_ renderer: AutolabelingRenderer) {
      #expect(throws: RenderError.self) { try renderer.render(view) }
    }
    fails(AutolabelingRenderer(projection: SurfaceProjection(density: 0)))
    fails(AutolabelingRenderer(projection: SurfaceProjection(band: .nan)))
    fails(AutolabelingRenderer(projection: SurfaceProjection(steps: 0)))
    fails(AutolabelingRenderer(discRadius: 0))
    fails(AutolabelingRenderer(sharpness: .infinity))
    fails(AutolabelingRenderer(channels: [.faceIndex]))
    let empty = SurfacePoints(
      points: .zeros([0, 3], dtype: .float64), normals: .zeros([0, 3], dtype: .float64))
    #expect(throws: RenderError.self) {
      try AutolabelingRenderer().draw(
        empty, colors: .zeros([1, 3], dtype: .float64), radius: 0.1,
        background: .zeros([3], dtype: .float64), from: view.camera)
    }
  }

  @Test func twoRunsAndThreadCountsGiveTheSameBits() throws {
    let view = scene().cast(to: .float32)
    let renderer = AutolabelingRenderer()
    func run() throws -> [[UInt64]] {
      let (output, gradients) = try renderer.evaluate(view)
      return try [output[.color].bits] + gradients.keys.sorted().map { gradients[$0]!.bits }
    }
    let first = try LumiRuntime.withThreads(1) { try run() }
    #expect(try LumiRuntime.withThreads(2) { try run() } == first)
  }

  // MARK: Losses

  @Test func coordinateLossFindsTheMostSimilarPixelNearby() throws {
    var random = RandomGenerator(seed: 2)
    let target = random.uniform([9, 11, 3], dtype: .float64)
    let mask = Tensor.ones([9, 11], dtype: .float64)
    func loss(_ rendered: Tensor, _ known: Tensor, reach: Double = 5) -> Tensor {
      Loss.objectCoordinates(
        rendered, mask: mask, target: target, targetMask: known, reach: reach)
    }
    #expect(loss(target, mask).value == 0)
    // Shifted by two columns: found within five pixels, not within one.
    let shifted = Tensor.concatenate(
      [target.slice(axis: 1, from: 2, to: 11), target.slice(axis: 1, from: 0, to: 2)], axis: 1)
    #expect(loss(shifted, mask).value < loss(shifted, mask, reach: 1).value / 5)
    #expect(loss(target, .zeros(like: mask)).value == 0)
    let drawn = random.uniform([9, 11, 3], dtype: .float64)
    try checkGradients(at: [drawn]) { loss($0[0], mask) }
  }

  @Test func pointLossCountsOnlyNearPoints() throws {
    let targets = Tensor([[0.0, 0, 0], [1, 0, 0]])
    let points = Tensor([[0.1, 0, 0], [1, 0.3, 0], [5, 0, 0]])
    #expect((Loss.nearestPoints(points, to: targets, within: 0.5).value - 0.2).magnitude < 1e-15)
    #expect(Loss.nearestPoints(points, to: targets, within: 0.05).value == 0)
    try checkGradients(at: [points, targets]) {
      Loss.nearestPoints($0[0], to: $0[1], within: 0.5)
    }
  }
}

/// A function with another's zero set that is no distance: factor (d + d²).
private struct Squared: ImplicitField {
  var base: SphereField
  var factor = 1.0
  var quantity: FieldQuantity { .signedDistance }
  var dtype: DType { base.dtype }
  func values(at points: Tensor) -> Tensor {
    let distance = base.values(at: points)
    return (distance + distance * distance) * factor
  }
  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Squared { Squared(base: try base.mapParameters(transform), factor: factor) }
}

/// The discs' picture with coverage and norms as they were, written by tables of all pairs.
private struct Held {
  let covered: Tensor
  let norms: Tensor
  let rays: DiscRays

  init(_ surface: SurfacePoints, radius: Double, rays: DiscRays, fragments: DiscFragments) {
    self.rays = rays
    let pixels = rays.height * rays.width
    let places =
      fragments.pixels * Tensor(Double(surface.count), dtype: .int64) + fragments.discs
    covered = Tensor.scatterAdd(
      rows: .ones([fragments.count], dtype: .float64), at: places, count: pixels * surface.count
    ).reshaped([pixels, surface.count])
    norms = (Self.depths(surface, rays, covered).square() * covered).sum(
      axis: 1, keepDims: true
    ).sqrt()
  }

  static func depths(_ surface: SurfacePoints, _ rays: DiscRays, _ covered: Tensor) -> Tensor {
    let slopes = rays.directions.matmul(surface.normals, transposingRight: true)
    let offsets = surface.points.expandingDims(at: 0) - rays.origins.expandingDims(at: 1)
    let heights = (offsets * surface.normals.expandingDims(at: 0)).sum(axis: 2)
    return Tensor.where(covered .> 0, heights, 0) / Tensor.where(covered .> 0, slopes, 1)
  }

  func picture(_ surface: SurfacePoints, colors: Tensor) -> Tensor {
    let depths = Self.depths(surface, rays, covered)
    let scores = (1 - depths / (norms + 1e-300)) * 150
    let powers = Tensor.where(covered .> 0, (scores - 150).exp(), 0)
    let sums = powers.sum(axis: 1, keepDims: true)
    let weights = powers / Tensor.where(sums .> 0, sums, 1)
    return weights.matmul(colors).reshaped([rays.height, rays.width, 3])
  }
}

extension Camera {
  fileprivate init(pose: RigidTransform, focal: Double, width: Int, height: Int) {
    self.init(
      rotation: pose.rotation, translation: pose.translation, focalLength: Tensor([focal, focal]),
      width: width, height: height)
  }
}
