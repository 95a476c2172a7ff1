import LumiRendering
import LumiScene
import LumiTensor
import Testing

@testable import LumiBenchmark

/// Scenes in space: one way of computing the truth against another.
struct TruthSceneTests {
  static func problem(_ name: String) -> GradientProblem {
    GradientProblem.standard.first { $0.name == name }!
  }

  static func build(_ problem: GradientProblem) -> (Tensor) throws -> (Scene<Mesh>, Camera) {
    { theta in
      let scene = problem.scene(theta)
      return (try scene.scene(of: Mesh.self, detail: problem.detail), scene.cameras[0])
    }
  }

  static func family(_ problem: GradientProblem) throws -> SnapshotFamily {
    try SnapshotFamily(
      of: build(problem), at: problem.point!, channel: problem.channel,
      shader: GradientProblem.shader, withJacobian: true)
  }

  static func difference(_ a: Tensor, _ b: Tensor) -> Double {
    (a - b).norm().value / b.norm().value
  }

  @Test(arguments: ["geometry/sphere-scale", "geometry/free-form", "geometry/thin-rod"])
  func linesAgreeWithTheClosedForm(_ name: String) throws {
    let family = try Self.family(Self.problem(name))
    let closed = try #require(ConvexSilhouette(family)).truth()
    #expect(closed.imageError == 0 && closed.jacobianError == 0)
    let coarse = LineSampling(family, linesPerPixel: 16)
    let lines = LineSampling(family, linesPerPixel: 32).truth(comparedWith: coarse)
    let error = Self.difference(lines.image, closed.image)
    #expect(error < 2e-3)
    // The estimate is no promise but must not be far too small.
    #expect(error <= 3 * lines.imageError)
    for (a, b) in zip(lines.jacobian, closed.jacobian) { #expect(Self.difference(a, b) < 1e-9) }
  }

  @Test func holesAndSeveralBodiesHaveNoClosedForm() throws {
    for name in ["geometry/translation", "geometry/depth-order"] {
      #expect(ConvexSilhouette(try Self.family(Self.problem(name))) == nil)
    }
  }

  /// Sums over the picture are smooth where nothing leaves it: plain differences of finely sampled
  /// pictures give their derivative.
  @Test(
    arguments: ["geometry/depth-order", "geometry/interpenetration", "camera/pose"])
  func derivativeOfASumAgreesWithDifferences(_ name: String) throws {
    let problem = Self.problem(name)
    let truth = try exactTruth(
      of: Self.build(problem), at: problem.point!, channel: problem.channel,
      shader: GradientProblem.shader, tolerance: 1e-3)
    #expect(truth.jacobianError <= 1e-3)
    let weight = SmoothWeights.images(truth.image.shape)[3]
    func sum(_ theta: [Double]) throws -> Double {
      let family = try SnapshotFamily(
        of: Self.build(problem), at: theta, channel: problem.channel,
        shader: GradientProblem.shader, withJacobian: false)
      let lines = LineSampling(family, linesPerPixel: 64)
      return (lines.truth(comparedWith: lines).image * weight).sum().value
    }
    let sums = truth.jacobian.map { ($0 * weight).sum().value }
    let largest = sums.map(\.magnitude).max()!
    for k in sums.indices {
      var (above, below) = (problem.point!, problem.point!)
      above[k] += 0.01
      below[k] -= 0.01
      let slope = (try sum(above) - sum(below)) / 0.02
      #expect(abs(slope - sums[k]) < 0.03 * largest, "\(k): \(slope), \(sums[k])")
      #expect(abs(slope + sums[k]) > 0.05 * abs(sums[k]) || abs(sums[k]) < 0.05 * largest)
    }
  }

  /// Where the whole outline is inside of the picture, a translation moves area and makes none.
  @Test func translationKeepsTheArea() throws {
    let truth = try exactTruth(
      of: Self.build(Self.problem("geometry/translation")), at: [0.11, -0.07, 0.13],
      channel: .alpha, shader: GradientProblem.shader, tolerance: 1e-3)
    let x = truth.jacobian[0]
    // Under perspective the picture also grows a little, because x is partly towards the camera.
    #expect(abs(x.sum().value) < 0.2 * x.abs().sum().value)
  }

  static func scene(_ vertices: [[Double]]) -> (Scene<Mesh>, Camera) {
    let faces: [[Int32]] = vertices.count < 3 ? [] : [[0, 1, 2]]
    return (
      Scene(
        Mesh(
          vertices: vertices.isEmpty
            ? .zeros([0, 3], dtype: .float64) : Tensor(vertices),
          faces: faces.isEmpty ? .zeros([0, 3], dtype: .int32) : Tensor(faces))),
      Camera.perspective(
        from: [0, 0, 3], verticalFieldOfView: 0.7, width: 7, height: 5, dtype: .float64)
    )
  }

  @Test func nothingInThePicture() throws {
    for vertices in [
      [], [[50.0, 0, 0], [51, 0, 0], [50, 1, 0]], [[0.0, 0, 0], [1, 0, 0], [2, 0, 0]],
    ] {
      let truth = try exactTruth(
        of: { theta in
          var (scene, camera) = Self.scene(vertices)
          scene.shape.vertices = scene.shape.vertices + theta
          camera.near = 0.1
          return (scene, camera)
        }, at: [0, 0, 0], channel: .alpha, shader: GradientProblem.shader, tolerance: 1e-3)
      #expect(truth.image.abs().max().value < 1e-12)
      #expect(truth.jacobian.count == 3)
      #expect(truth.jacobian.allSatisfy { $0.abs().max().value < 1e-9 })
      #expect(truth.imageError == 0)
    }
  }

  @Test func scenesBehindTheCameraAreRefused() throws {
    #expect(throws: TruthError.outsideOfDepthRange) {
      try exactTruth(
        of: { _ in Self.scene([[0.0, 0, 5], [1, 0, 0], [0, 1, 0]]) }, at: [0], channel: .alpha,
        shader: GradientProblem.shader, tolerance: 1e-3)
    }
  }

  @Test func cornersAnywhereDoNotCrash() {
    #expect(throws: TruthError.self) {
      try exactTruth(
        of: { _ in Self.scene([[0.0, 0, 0], [1e30, 0, 0], [0, 1, 0]]) }, at: [0],
        channel: .alpha, shader: GradientProblem.shader, tolerance: 1e-3)
    }
    let far = ExactCoverage(
      polygon: [SIMD2(-1e300, -1e300), SIMD2(1e300, 0.5), SIMD2(.nan, 3)], width: 3, height: 2)
    #expect(far.coverage.count == 6)
    #expect(far.derivative([.one, .one, .one]).count == 6)
    let empty = ExactCoverage(
      polygon: [SIMD2(0, 0), SIMD2(1, 0), SIMD2(0, 1)], width: 0, height: 0)
    #expect(empty.coverage.isEmpty && empty.derivative([.one, .one, .one]).isEmpty)
  }

  /// Edges in line with the pixels: one direction of lines sees them badly, the other exactly.
  @Test func axisAlignedEdges() {
    let square = [SIMD2(1.25, 1.5), SIMD2(4.75, 1.5), SIMD2(4.75, 3.5), SIMD2(1.25, 3.5)]
    let coverage = ExactCoverage(polygon: square, width: 6, height: 5)
    #expect(abs(coverage.coverage.reduce(0, +) - 7) < 1e-12)
    #expect(coverage.coverage[1 * 6 + 1] == 0.375 && coverage.coverage[2 * 6 + 2] == 1)
    let right = coverage.derivative(square.map { _ in SIMD2(1, 0) })
    #expect(abs(right.reduce(0, +)) < 1e-12)
    #expect(abs(right[2 * 6 + 4] - 1) < 1e-12 && abs(right[2 * 6 + 1] + 1) < 1e-12)
    // The other way around the corners means the same.
    let reversed = ExactCoverage(polygon: square.reversed(), width: 6, height: 5)
    #expect(reversed.derivative(square.map { _ in SIMD2(1, 0) }) == right)
  }

  @Test func pixelGridEdgesAreCountedOnce() {
    let square = [SIMD2(1.0, 1), SIMD2(3, 1), SIMD2(3, 3), SIMD2(1, 3)]
    let coverage = ExactCoverage(polygon: square, width: 4, height: 4)
    let growth = coverage.derivative(square.map { $0 - SIMD2(2, 2) })
    // Scaling by 1 + t about the middle adds 8t of area to first order.
    #expect(abs(growth.reduce(0, +) - 8) < 1e-12)
  }
}
