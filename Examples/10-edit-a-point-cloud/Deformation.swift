import Lumigrad

/// A sphere of points on its way to pictures of another cloud: silhouettes move points, normals as
/// pictures turn their normals, and the two regularisers make one surface of both.
struct Deformation {
  private(set) var shape: PointCloud
  private let target: PointCloud
  private let views: Views
  private let targets: [(alpha: Tensor, normal: Tensor)]
  private var optimizer = Adam(learningRate: 0.01, beta1: 0.9, beta2: 0.99)
  private var terms: SurfaceRegularizers?
  private var taken = 0

  private static let renderer = SurfaceSplatting(
    nearest: 12, thickness: 0.1, sizes: .neighbours(limits: 5e-5...0.02), reachFactor: 6,
    channels: [.alpha, .normal])

  init(target: PointCloud, views: Views, points: Int) throws {
    self.target = target
    self.views = views
    targets = try views.cameras.map { camera in
      let output = try Self.renderer.render(Scene(target), from: camera)
      return (try output[.alpha], try output[.normal])
    }
    // A sphere within the target's box.
    let directions = Tensor(Self.directions(points))
    shape = PointCloud(points: directions * 0.45, normals: directions)
  }

  /// Fibonacci's spiral over the sphere.
  private static func directions(_ count: Int) -> [[Float]] {
    Views(count: count, size: 1).cameras.map { camera in
      camera.centre.scalars(as: Float.self).map { $0 / 4 }
    }
  }

  /// One step on a few views, in turn.
  mutating func step(views count: Int, of total: Int) throws {
    if taken % 5 == 0 {
      terms = SurfaceRegularizers(points: shape.points, normals: shape.normals!.normalized())
    }
    let chosen = (0..<count).map { (taken * count + $0 * 7) % views.cameras.count }
    var drawn = shape
    drawn.radii = Self.radii(of: shape.points)
    let scene = Scene(drawn)
    let (_, gradients) = try valueAndGradient(
      of: scene, withRespectTo: ["cloud.points", "cloud.normals"]
    ) { scene in
      let pictures = try chosen.map { try loss(scene, $0) }
      return pictures.dropFirst().reduce(pictures[0], +) / Double(count)
        + terms!.projection(of: scene.shape.points) * 20
        + terms!.repulsion(of: scene.shape.points) * 0.3
    }
    var moving = scene
    try optimizer.update(&moving, gradients: gradients)
    shape.points = moving.shape.points
    shape.normals = moving.shape.normals!.normalized()
    taken += 1
  }

  /// So large that neighbours overlap.
  private static func radii(of points: Tensor) -> Tensor {
    SplatSizes.neighbours(limits: 1e-4...0.02).variances(of: points).sqrt()
  }

  private func loss(_ scene: Scene<PointCloud>, _ index: Int) throws -> Tensor {
    let output = try Self.renderer.render(scene, from: views.cameras[index])
    let (alpha, normal) = (try output[.alpha], try output[.normal])
    let target = targets[index]
    let both = (alpha.stoppingGradient() * target.alpha).expandingDims(at: 2)
    let overlap = Loss.intersectionOverUnion(alpha, target.alpha)
    return (alpha - target.alpha).abs().mean() + overlap * 0.1
      + ((normal - target.normal).abs() * both).mean()
  }

  struct Score: CustomStringConvertible {
    let overlap: Double
    let chamfer: Double
    var description: String {
      String(format: "IoU %.3f in new views, Chamfer distance %.4f", overlap, chamfer)
    }
  }

  /// In views that were not given.
  func score() throws -> Score {
    let others = Views(count: 6, size: 96, phase: 1)
    let silhouettes = Self.renderer
    let values = try others.cameras.map { camera in
      hardIntersectionOverUnion(
        try silhouettes.render(Scene(shape), from: camera)[.alpha],
        try silhouettes.render(Scene(target), from: camera)[.alpha]
      ).value
    }
    return Score(
      overlap: values.reduce(0, +) / Double(values.count),
      chamfer: Distances(shape.points, target.points).chamfer)
  }
}
