import LumiRendering
import LumiScene
import LumiTensor

/// A method that draws probabilities or densities, given signed distances.
///
/// Computes: the probability that a place is filled, σ(-d/s), with the distance d and a softness s
/// of so many intervals of the grid; a density is that times what is filled for certain. Values on
/// nodes become cells around the same places where the method wants cells. Then the method draws.
/// Everything is made of tensor operations, so that the method's claims hold of the distances, too.
/// Grids of other quantities are drawn as they are.
///
/// Cannot: tell more about a surface than a value does: inside and outside of a few s nothing has a
/// derivative, and with a softness far below an interval most surfaces fall between two values.
public struct DistanceConversion<Base: Renderer>: Renderer where Base.Shape == VoxelGrid {
  /// What distances become.
  public enum Target: Sendable, Equatable {
    case occupancy
    /// Cells of probabilities to be empty.
    case emptyCells
    /// Density per world unit, `filled` inside.
    case density(filled: Double)
  }

  public static var method: MethodDescription { Base.method }

  public var base: Base
  public var target: Target
  /// Intervals of the grid, above 0.
  public var softness: Double

  /// - Parameters:
  ///   - base: the method.
  ///   - target: what it draws.
  ///   - softness: intervals of the grid, above 0; by default ¼, where σ is as steep as linear
  ///     interpolation between an empty and a filled value.
  public init(_ base: Base, as target: Target, softness: Double = 0.25) {
    self.base = base
    self.target = target
    self.softness = softness
  }

  public func render(_ scene: Scene<VoxelGrid>, from camera: Camera) throws -> RenderOutput {
    try base.render(try converted(scene), from: camera)
  }

  public func render(
    _ scene: Scene<VoxelGrid>, from cameras: [Camera]
  ) throws -> [RenderOutput] {
    try base.render(try converted(scene), from: cameras)
  }

  /// The scene as the method is given it.
  public func converted(_ scene: Scene<VoxelGrid>) throws -> Scene<VoxelGrid> {
    guard scene.shape.quantity == .signedDistance else { return scene }
    guard softness > 0 && softness.isFinite else {
      throw RenderError.invalid(
        method: Self.method.id, parameter: "softness", expected: "above 0 and finite",
        actual: "\(softness)")
    }
    try scene.shape.checkStructure()
    let spacing = scene.shape.spacing
    let inside = scene.shape.values * (-3 / (softness * spacing.sum()))
    var result = scene
    switch target {
    case .occupancy:
      result.shape.values = inside.sigmoid()
      result.shape.quantity = .occupancy
    case .emptyCells:
      result.shape.values = (-inside).sigmoid()
      result.shape.quantity = .emptiness
      if scene.shape.placement == .nodes {
        result.shape.placement = .cells
        result.shape.lower -= spacing / 2
        result.shape.upper += spacing / 2
      }
    case .density(let filled):
      result.shape.values = inside.sigmoid() * filled
      result.shape.quantity = .density
    }
    return result
  }
}
