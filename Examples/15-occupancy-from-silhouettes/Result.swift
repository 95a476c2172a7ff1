import Foundation
import Lumigrad

/// A trained field, its surface, and how much they have in common with the known shape.
struct Result {
  let name: String
  let field: NeuralField
  let surface: Mesh
  /// Mean intersection over union of the surface's silhouettes with those that were learned from.
  let training: Double
  /// The same with silhouettes that were not.
  let heldOut: Double
  /// Intersection over union of the volumes.
  let volume: Double
  /// The mean of the mean distances from surface to surface, both ways.
  let chamfer: Double
  let seconds: Double

  static let header =
    "                     seconds  training  held out   volume   chamfer"

  var line: String {
    String(
      format: "%@ %7.0f %9.4f %9.4f %8.4f %9.5f",
      name.padding(toLength: 20, withPad: " ", startingAt: 0), seconds, training, heldOut, volume,
      chamfer)
  }

  init(
    _ name: String, _ field: NeuralField, _ shape: KnownShape, nodes: Int, seconds: Double
  ) throws {
    (self.name, self.field, self.seconds) = (name, field, seconds)
    let grid = Self.grid(of: field, nodes: nodes)
    surface = try grid.surface(closed: true)
    training = Self.overlap(surface, shape.cameras, shape.masks)
    heldOut = Self.overlap(surface, shape.heldOut, shape.heldOutMasks)
    let points = grid.valuePositions().reshaped([-1, 3])
    let truth =
      windingNumbers(of: points, vertices: shape.mesh.vertices, faces: shape.mesh.faces) .> 0.5
    let found = grid.values.flattened() .< 0
    let both = (truth .&& found).cast(to: .float32).sum().value
    volume = both / max((truth .|| found).cast(to: .float32).sum().value, 1)
    chamfer = try Self.chamfer(surface, shape.mesh)
  }

  /// Logits with their sign turned, so that they are below 0 inside; nothing is beyond the bounds.
  private static func grid(of field: NeuralField, nodes: Int) -> VoxelGrid {
    let (lower, upper) = KnownShape.bounds.box
    var grid = VoxelGrid(
      values: .zeros([nodes, nodes, nodes]), quantity: .signedDistance, placement: .nodes,
      lower: lower, upper: upper)
    let points = grid.valuePositions().reshaped([-1, 3])
    let blocks = stride(from: 0, to: points.shape[0], by: 1 << 15).map { start in
      field.values(at: points[start..<min(start + 1 << 15, points.shape[0])])
    }
    let isBeyond = points.norm(axis: 1) .> 0.6
    grid.values = Tensor.where(isBeyond, 10, -Tensor.concatenate(blocks)).reshaped(
      grid.values.shape)
    return grid
  }

  private static func overlap(_ mesh: Mesh, _ cameras: [Camera], _ masks: [Tensor]) -> Double {
    let overlaps = zip(cameras, masks).map { camera, mask in
      hardIntersectionOverUnion(KnownShape.mask(of: mesh, from: camera), mask).value
    }
    return overlaps.reduce(0, +) / Double(overlaps.count)
  }

  private static func chamfer(_ found: Mesh, _ known: Mesh) throws -> Double {
    guard found.faces.shape[0] > 0 else { return .infinity }
    var random = RandomGenerator(seed: 3)
    let a = try found.sampleSurface(10_000, using: &random).points
    let b = try known.sampleSurface(10_000, using: &random).points
    func distance(_ a: Tensor, _ b: Tensor) -> Double {
      (a - b.gather(nearestNeighbours(of: a, in: b))).norm(axis: 1).mean().value
    }
    return (distance(a, b) + distance(b, a)) / 2
  }
}
