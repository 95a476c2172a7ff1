import LumiScene

/// Coarse to fine: which grids are optimised after each other, how long, and at which rate.
///
/// A coarse grid has few values, and every picture moves all that a surface is made of; a fine one
/// has values that no pixel sees, and its surface gets stuck in folds. Y. Jiang, D. Ji, Z. Han,
/// M. Zwicker, "SDFDiff", CVPR 2020: 8³, 16³, … 64³ values, with trilinear interpolation in between.
public struct MultiResolutionSchedule: Sendable, Equatable {
  public struct Level: Sendable, Equatable {
    /// Values along x, y and z.
    public var counts: SIMD3<Int>
    public var steps: Int
    public var learningRate: Double

    public init(counts: SIMD3<Int>, steps: Int, learningRate: Double) {
      self.counts = counts
      self.steps = steps
      self.learningRate = learningRate
    }
  }

  public var levels: [Level]

  public init(_ levels: [Level]) { self.levels = levels }

  /// Cubes.
  ///
  /// - Parameters:
  ///   - resolutions: values along each axis, level by level; published 8, 16, … 64.
  ///   - steps: of every level; published until the loss stops falling.
  ///   - learningRate: of the first level; published 0.01.
  ///   - decay: what the rate is divided by from level to level; published 1.03.
  public init(
    resolutions: [Int] = Array(stride(from: 8, through: 64, by: 8)), steps: Int,
    learningRate: Double = 0.01, decay: Double = 1.03
  ) {
    var rate = learningRate
    levels = resolutions.map { resolution in
      defer { rate /= decay }
      return Level(
        counts: SIMD3(repeating: resolution), steps: steps, learningRate: rate)
    }
  }

  /// Steps of all levels.
  public var totalSteps: Int { levels.reduce(0) { $0 + $1.steps } }

  /// Brings a grid to every level in turn and has it optimised there.
  ///
  /// - Parameters:
  ///   - start: with any number of values.
  ///   - optimise: makes the steps of a level. An optimiser's memory of other levels does not fit;
  ///     begin with a new one.
  /// - Returns: the grid of the last level; `start` if there is none.
  public func run(
    from start: VoxelGrid, _ optimise: (inout VoxelGrid, Level) throws -> Void
  ) rethrows -> VoxelGrid {
    var grid = start
    for level in levels {
      if grid.counts != level.counts { grid = grid.resampled(to: level.counts) }
      try optimise(&grid, level)
    }
    return grid
  }
}
