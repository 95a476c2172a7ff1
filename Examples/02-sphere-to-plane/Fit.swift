import Foundation
import Lumigrad

/// Deforms a mesh until its silhouettes are those of the views.
struct Fit {
  let views: Views
  let topology: MeshTopology
  var renderer = SoftRasterizer.silhouettes
  private(set) var shape: DeformableSphere
  private var adam: Adam
  private var random: RandomGenerator
  private var waiting: [Int] = []

  init(_ views: Views, seed: UInt64, rate: LearningRateSchedule, isBounded: Bool = true) {
    self.views = views
    topology = MeshTopology(views.sphere)
    shape = DeformableSphere(views.sphere, isBounded: isBounded)
    adam = Adam(learningRate: rate, beta1: 0.5, beta2: 0.99)
    random = RandomGenerator(seed: seed)
  }

  /// One step down the gradient of the loss over `count` views; the loss before it.
  mutating func step(views count: Int) throws -> Double {
    let chosen = views.choose(drawViews(count))
    let (loss, gradients) = try valueAndGradient(of: shape) {
      try self.loss($0.mesh, chosen.silhouettes, chosen.cameras)
    }
    try adam.update(&shape, gradients: gradients)
    return loss.value
  }

  /// Fits the pictures, keeps neighbours together, and keeps faces from folding.
  func loss(_ mesh: Mesh, _ silhouettes: Tensor, _ cameras: [Camera]) throws -> Tensor {
    try Loss.intersectionOverUnion(render(mesh, cameras), silhouettes)
      + Loss.squaredLaplacian(vertices: mesh.vertices, edges: topology.edges) * 0.03
      + Loss.flatten(vertices: mesh.vertices, pairs: topology.interiorEdges) * 0.0003
  }

  /// The loss over all views.
  func totalLoss() throws -> Double {
    try loss(shape.mesh, views.silhouettes, views.cameras).value
  }

  /// Silhouettes [cameras, size, size].
  func render(_ mesh: Mesh, _ cameras: [Camera]) throws -> Tensor {
    Tensor.stack(try renderer.render(Scene(mesh), from: cameras).map { try $0[.alpha] })
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
  /// pixels that are more than half covered. The target is what is fitted if nil.
  func score(against target: Tensor? = nil) throws -> (soft: Double, hard: Double) {
    let alpha = try render(shape.mesh, views.cameras)
    let target = target ?? views.silhouettes
    return (
      softIntersectionOverUnion(alpha, target).mean().value,
      hardIntersectionOverUnion(alpha, target).mean().value
    )
  }
}
