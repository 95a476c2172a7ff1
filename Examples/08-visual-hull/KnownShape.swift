import ExampleSupport
import Foundation
import Lumigrad

/// Part 1: a shape that is known, from pictures drawn by a mesh renderer, back by SDFDiff.
struct KnownShape {
  let shape: Mesh
  /// Nodes along each axis at the end.
  let nodes: Int
  /// Pixels along each side of a picture.
  let side: Int
  let views: Int
  /// Steps of all levels.
  let steps: Int

  /// Where the published program's 26 cameras are: along axes, face diagonals and space diagonals,
  /// at a distance of 5 (the axes' first, a few of all kinds with less).
  var cameras: [Camera] {
    var directions: [SIMD3<Double>] = []
    for x in [-1.0, 0, 1] {
      for y in [-1.0, 0, 1] {
        for z in [-1.0, 0, 1] where SIMD3(x, y, z) != .zero { directions.append([x, y, z]) }
      }
    }
    directions.sort { ($0 * $0).sum() < ($1 * $1).sum() }
    return directions.prefix(views).map { direction in
      var eye = direction * (5 / (direction * direction).sum().squareRoot())
      // Straight from above there is no "up".
      if eye.x == 0 && eye.z == 0 { eye.x = 0.1 }
      return .perspective(
        from: eye, verticalFieldOfView: .pi / 3, width: side, height: side)
    }
  }

  /// A lamp at the eye, far away.
  static func lamp(_ camera: Camera) -> Light {
    .directional(direction: camera.centre, intensity: .ones([3]))
  }

  static func target(_ shape: Mesh, from camera: Camera) throws -> Tensor {
    let shader = Shader(evaluation: .fragment, reflection: .lambert)
    return try HardRasterizer(shader: shader, channels: [.color]).render(
      Scene(shape, lights: [lamp(camera)]), from: camera)[.color]
  }

  /// A sphere that holds the shape: coverage only ever shrinks.
  static func start(nodes: Int) -> VoxelGrid {
    var grid = VoxelGrid(
      values: .zeros([nodes, nodes, nodes]), quantity: .signedDistance, placement: .nodes,
      lower: [-2, -2, -2], upper: [2, 2, 2])
    grid.values = grid.valuePositions().norm(axis: 3) - 1.6
    return grid
  }

  struct Result {
    var name: String
    var grid: VoxelGrid
    var seconds: Double
    /// Mean distance to the other surface and from it, in spacings.
    var toTarget: Double
    var fromTarget: Double

    var chamfer: Double { (toTarget + fromTarget) / 2 }
    var line: String {
      String(
        format: "%@ %7.0f %10.3f %10.3f %10.3f",
        name.padding(toLength: 20, withPad: " ", startingAt: 0), seconds, toTarget, fromTarget,
        chamfer)
    }
    static let header =
      "                     seconds  to target       from    chamfer (spacings)"
  }

  /// Follows a schedule and measures what comes out.
  func run(_ name: String, _ schedule: MultiResolutionSchedule) throws -> Result {
    let cameras = cameras
    let targets = try cameras.map { try Self.target(shape, from: $0) }
    let began = Date()
    var random = RandomGenerator(seed: 1)
    let order = random.permutation(cameras.count).scalars(as: Int32.self).map(Int.init)
    var made = 0
    let grid = try schedule.run(from: Self.start(nodes: schedule.levels[0].counts.x)) {
      grid, level in
      var adam = Adam(learningRate: .constant(level.learningRate), epsilon: 1e-2)
      for _ in 0..<level.steps {
        let (start, view) = (grid, order[made % order.count])
        let slope = try gradient(at: grid.values) { values in
          var moved = start
          moved.values = values
          return try loss(moved, cameras[view], targets[view])
        }
        try adam.update(&grid, gradients: ["values": slope])
        made += 1
      }
    }
    return try measured(name, grid, Date().timeIntervalSince(began))
  }

  /// The published energy, with sums over a picture of 256².
  private func loss(_ grid: VoxelGrid, _ camera: Camera, _ target: Tensor) throws -> Tensor {
    let image = try SDFDiff(channels: [.color]).render(
      Scene(grid, lights: [Self.lamp(camera)]), from: camera)[.color]
    let scale = 256.0 * 256 / Double(side * side) / 3
    return (image - target).abs().sum() * scale + grid.eikonalLoss() + grid.laplacianLoss()
  }

  private func measured(_ name: String, _ grid: VoxelGrid, _ seconds: Double) throws -> Result {
    let surface = try grid.surface()
    var random = RandomGenerator(seed: 3)
    let found = try surface.sampleSurface(20_000, using: &random).points
    let exact = try shape.sampleSurface(20_000, using: &random).points
    let spacing = 4 / Double(nodes - 1)
    func distance(_ a: Tensor, _ b: Tensor) -> Double {
      (a - b.gather(nearestNeighbours(of: a, in: b))).norm(axis: 1).mean().value / spacing
    }
    return Result(
      name: name, grid: grid, seconds: seconds, toTarget: distance(found, exact),
      fromTarget: distance(exact, found))
  }
}
