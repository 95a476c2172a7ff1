import Foundation
import Lumigrad

/// Deforms a mesh until its silhouettes are those of the views.
struct Fit {
  let views: Views
  let topology: MeshTopology
  var renderer = SoftRasterizer.silhouettes
  var scene: Scene<Mesh>
  private var adam = Adam(learningRate: 0.01, beta1: 0.5, beta2: 0.99)
  private var random: RandomGenerator
  private var waiting: [Int] = []

  init(_ views: Views, seed: UInt64) {
    self.views = views
    topology = MeshTopology(views.sphere)
    scene = Scene(views.sphere)
    random = RandomGenerator(seed: seed)
  }

  /// One step down the gradient of the loss over `count` views; the loss before it.
  mutating func step(views count: Int) throws -> Double {
    let chosen = views.choose(drawViews(count))
    let (loss, gradients) = try valueAndGradient(
      of: scene, withRespectTo: ["mesh.vertices"]
    ) { try self.loss($0, chosen.silhouettes, chosen.cameras) }
    try adam.update(&scene, gradients: gradients)
    return loss.value
  }

  /// Fits the pictures, keeps neighbours together, and keeps faces from folding.
  func loss(
    _ scene: Scene<Mesh>, _ silhouettes: Tensor, _ cameras: [Camera]
  ) throws -> Tensor {
    let vertices = scene.shape.vertices
    return try Loss.intersectionOverUnion(render(scene, cameras), silhouettes)
      + Loss.squaredLaplacian(vertices: vertices, edges: topology.edges) * 0.03
      + Loss.flatten(vertices: vertices, pairs: topology.interiorEdges) * 0.0003
  }

  /// Silhouettes [cameras, size, size].
  func render(_ scene: Scene<Mesh>, _ cameras: [Camera]) throws -> Tensor {
    Tensor.stack(try renderer.render(scene, from: cameras).map { try $0[.alpha] })
  }

  /// Every view comes once before any comes again.
  private mutating func drawViews(_ count: Int) -> [Int] {
    if waiting.count < count {
      waiting += random.permutation(views.count).scalars(as: Int32.self).map { Int($0) }
    }
    defer { waiting.removeFirst(count) }
    return Array(waiting.prefix(count))
  }

  /// Mean intersection over union over all views: with soft silhouettes as in the loss, and of the
  /// pixels that are more than half covered.
  func score() throws -> (soft: Double, hard: Double) {
    let alpha = try render(scene, views.cameras)
    return (
      softIntersectionOverUnion(alpha, views.silhouettes).mean().value,
      hardIntersectionOverUnion(alpha, views.silhouettes).mean().value
    )
  }
}
