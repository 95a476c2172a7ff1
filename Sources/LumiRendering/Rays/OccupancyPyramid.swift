import CLumiKernels
import LumiTensor

/// Where a grid has no density, in blocks of 4³, 8³, … cells, so that rays can pass over it.
///
/// A block is empty if no value at a corner of its cells is above the threshold; a cell reaches from
/// one value to the next along each axis, and the outermost cells go on outside of the grid. So no
/// trilinear look-up in an empty block is above the threshold (nor above 0 or the threshold,
/// whichever is larger, where values fade to 0 outside). Build it again when values change.
///
/// - Complexity: one pass over the values; a byte for 64 of them, and a seventh more.
public struct OccupancyPyramid: Sendable {
  /// The values' extent, [X, Y, Z].
  public let shape: [Int]
  public let threshold: Double
  /// bool, blocks along x, y, z; each level has half as many along each axis, down to one.
  let levels: [Tensor]

  /// Cells along an axis of the smallest block.
  public static let smallestBlock = 1 << Int(LUMI_VOLUME_FIRST_LEVEL)

  /// - Parameters:
  ///   - density: [X, Y, Z], float32 or float64, at least one value along each axis. No derivative.
  ///   - threshold: values up to it count as nothing; 0 by default. What is not a number is above.
  public init(of density: Tensor, threshold: Double = 0) {
    require(
      density.rank == 3 && density.count > 0 && density.dtype.isFloatingPoint,
      "OccupancyPyramid: densities \(density.dtype) \(density.shape)")
    shape = density.shape
    self.threshold = threshold
    var counts = shape.map { (max($0 - 1, 1) + Self.smallestBlock - 1) / Self.smallestBlock }
    let finest = Tensor.unfilled(counts, .bool)
    lumi_volume_occupied_blocks(
      density.dtype == .float32 ? LUMI_FLOAT32 : LUMI_FLOAT64, shape.map(Int64.init),
      density.kernelPointer, threshold, counts.map(Int64.init), finest.blocks)
    var all = [finest]
    while counts.max()! > 1 && all.count < Int(LUMI_VOLUME_MOST_LEVELS) {
      let next = counts.map { ($0 + 1) / 2 }
      let coarser = Tensor.unfilled(next, .bool)
      lumi_volume_coarser_blocks(
        counts.map(Int64.init), all.last!.blocks, next.map(Int64.init), coarser.blocks)
      all.append(coarser)
      counts = next
    }
    levels = all
  }

  /// The share of the smallest blocks that are not empty.
  public var occupiedShare: Double {
    levels[0].cast(to: .float64).mean().value
  }

  /// Whether points may have a density above the threshold: a mask of samples for any way of
  /// marching.
  ///
  /// - Parameter points: [..., 3] in grid coordinates.
  /// - Returns: bool [...]; what is not a number counts as 0.
  public func mayHaveDensity(at points: Tensor) -> Tensor {
    let counts = levels[0].shape
    let flat = points.stoppingGradient().reshaped([-1, 3])
    var row = Tensor.zeros([flat.shape[0]], dtype: .int64)
    for axis in 0..<3 {
      let place = flat.slice(axis: 1, from: axis, to: axis + 1).squeezed(axis: 1)
      let cell = Tensor.where(place .== place, place, 0).clamped(
        min: 0, max: Double(max(shape[axis] - 2, 0)))
      let block = (cell / Double(Self.smallestBlock)).floor().cast(to: .int64)
      row = row * Tensor(Double(counts[axis]), dtype: .int64) + block
    }
    return levels[0].reshaped([-1]).gather(row).reshaped(Array(points.shape.dropLast()))
  }

  /// For the kernel, which reads it while this exists.
  var kernel: lumi_volume_occupancy {
    var result = lumi_volume_occupancy()
    result.levels = Int32(levels.count)
    withUnsafeMutableBytes(of: &result.blocks) { bytes in
      let pointers = bytes.bindMemory(to: UnsafePointer<UInt8>?.self)
      for (index, level) in levels.enumerated() { pointers[index] = UnsafePointer(level.blocks) }
    }
    withUnsafeMutableBytes(of: &result.extent) { bytes in
      let numbers = bytes.bindMemory(to: Int64.self)
      for (index, level) in levels.enumerated() {
        for axis in 0..<3 { numbers[3 * index + axis] = Int64(level.shape[axis]) }
      }
    }
    return result
  }
}

extension Tensor {
  fileprivate var blocks: UnsafeMutablePointer<UInt8> {
    kernelPointer.assumingMemoryBound(to: UInt8.self)
  }
}
