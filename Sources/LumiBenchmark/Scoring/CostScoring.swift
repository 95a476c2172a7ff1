import Foundation
import LumiRendering
import LumiScene
import LumiTensor

/// Times a method's forward and backward pass over image sizes and numbers of primitives.
struct CostScoring {
  /// What is measured.
  struct Plan {
    var sides: [Int]
    var details: [Int]
    /// The detail of the images' series and the side of the primitives' series.
    var detail = 3
    var side = 128
    /// For each point at least.
    var seconds: Double

    init(_ mode: BenchmarkMode) {
      switch mode {
      case .quick: (sides, details, seconds) = ([64, 128, 256], [1, 2, 3, 4], 0.1)
      case .full: (sides, details, seconds) = ([64, 128, 256, 512], [1, 2, 3, 4, 5, 6], 0.5)
      }
    }
  }

  let renderer: AnyRenderer
  let plan: Plan
  let calibration: Calibration

  func result() -> CostResult {
    var result = CostResult(
      method: renderer.method.id, status: .reported, calibrationMs: calibration.singleMs,
      threads: LumiRuntime.threads)
    do {
      result.resolutions = try plan.sides.map { try point(side: $0, detail: plan.detail) }
      result.primitives = try plan.details.map { try point(side: plan.side, detail: $0) }
      result.withPixels = Self.exponents(result.resolutions) { Double($0.pixels) }
      result.withPrimitives = Self.exponents(result.primitives) { Double($0.primitives) }
    } catch let unsupported as UnsupportedScene {
      result.status = .skipped
      result.messages = [unsupported.reason]
    } catch {
      result.status = .fail
      result.messages = ["\(error)"]
    }
    return result
  }

  private func point(side: Int, detail: Int) throws -> CostPoint {
    guard let shape = renderer.shapeType as? any BenchmarkShape.Type else {
      throw UnsupportedScene("\(renderer.shapeType) does not conform to BenchmarkShape")
    }
    func time<Shape: BenchmarkShape>(_ shape: Shape.Type) throws -> CostPoint {
      let (workload, primitives) = try workload(side: side, detail: detail, shape)
      let timing = try measure(workload, seconds: plan.seconds, calibration)
      return CostPoint(
        pixels: side * side, primitives: primitives, forwardMs: timing.forwardMs,
        backwardMs: timing.backwardMs, units: timing.units,
        fastestUnits: timing.fastestUnits, peakBytes: timing.peakBytes)
    }
    return try time(shape)
  }

  /// A coloured sphere in float32, to every parameter of its shape.
  private func workload<Shape: BenchmarkShape>(
    side: Int, detail: Int, _ shape: Shape.Type
  ) throws -> (Workload, primitives: Int) {
    let problem = ProblemScene(
      bodies: [Body(.sphere, colors: .corners(ProblemTools.cornerColors))],
      cameras: [ProblemTools.camera(width: side, height: side)])
    let scene = try problem.scene(of: Shape.self, detail: detail)
      .mapParameters { $1.dtype == .float64 ? $1.cast(to: .float32) : $1 }
    let camera = problem.cameras[0].cast(to: .float32)
    let parameters = scene.shape.parameters.filter { $0.value.dtype == .float32 }
    let renderer = renderer
    let workload = Workload(name: "cost", summary: "a coloured sphere to all of its parameters") {
      (
        parameters.map(\.value),
        { inputs in
          var moved = scene
          moved.shape = try scene.shape.replacing(
            Dictionary(uniqueKeysWithValues: zip(parameters.map(\.path), inputs)))
          let output = try renderer.render(moved, from: camera)
          return try [RenderChannel.color, .alpha].filter(output.channels.contains)
            .map { try output[$0] }
        }
      )
    }
    return (workload, scene.shape.primitiveCount)
  }

  static func exponents(
    _ points: [CostPoint], over size: (CostPoint) -> Double
  ) -> GrowthExponents? {
    guard points.count >= 3 else { return nil }
    func slope(_ value: (CostPoint) -> Double) -> Double {
      let x = points.map { log(size($0)) }
      let y = points.map { log(max(value($0), 1e-6)) }
      let (meanX, meanY) = (
        x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count)
      )
      let spread = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
      let product = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
      return spread > 0 ? product / spread : 0
    }
    return GrowthExponents(
      forward: slope(\.forwardMs), backward: slope(\.backwardMs),
      bytes: slope { Double($0.peakBytes) })
  }
}
