import LumiTensor

/// Where the surface of a grid is, without the tape: which edges of the lattice it crosses and how
/// the crossings join to triangles.
///
/// Vertices are numbered by the lattice node that their edge starts from, then by axis. Every pass
/// takes slabs along x; numbers come from counting first, so they do not depend on threads.
struct MarchingCubesScan {
  /// A place where the surface crosses an edge.
  struct Crossing {
    /// The values at the ends, as positions in the flat grid; equal for a vertex on a cap.
    let lower, upper: Int32
    let axis: Int32
    /// The lower end in grid coordinates.
    let base: SIMD3<Double>
    /// How far along the axis from the base, in spacings, where the values do not tell.
    let fixed: Double
  }

  let crossings: [Crossing]
  /// int32 [F, 3], rows of ``crossings``.
  let faces: Tensor

  /// - Parameters:
  ///   - values: [X, Y, Z].
  ///   - level: what separates filled from empty; values at it are empty.
  ///   - filledBelow: whether smaller values are filled, or larger ones.
  ///   - cap: nil leaves the surface open at the border; else it is closed this many spacings beyond
  ///     the outermost values.
  /// - Throws: ``SceneError`` for a value that is not finite.
  init(_ values: Tensor, level: Double, filledBelow: Bool, cap: Double?) throws {
    let lattice = CubeLattice(values.shape, border: cap == nil ? 0 : 1)
    let filled =
      values.dtype == .float32
      ? try lattice.filledNodes(values, Float(level), filledBelow)
      : try lattice.filledNodes(values, level, filledBelow)
    let (crossed, counts) = lattice.crossedEdges(filled)
    let vertexStarts = Self.runningSums(counts.map(\.vertices))
    let faceStarts = Self.runningSums(counts.map(\.triangles))
    guard max(vertexStarts.last!, faceStarts.last!, values.count) <= Int32.max else {
      throw SceneError(
        field: "voxels.values", expected: "at most \(Int32.max) values, vertices and faces",
        actual: "\(values.count), \(vertexStarts.last!) and \(faceStarts.last!)")
    }
    let (crossings, first) = lattice.crossings(crossed, vertexStarts, cap: cap ?? 0)
    self.crossings = crossings
    faces = lattice.faces(filled, crossed, first, faceStarts)
  }

  private static func runningSums(_ counts: [Int]) -> [Int] {
    counts.reduce(into: [0]) { $0.append($0.last! + $1) }
  }
}

/// The nodes that cubes stand on: the grid's values, with a layer of empty nodes around them if the
/// surface shall be closed.
private struct CubeLattice {
  let grid: SIMD3<Int>
  let border: Int
  let x, y, z: Int

  init(_ shape: [Int], border: Int) {
    grid = SIMD3(shape[0], shape[1], shape[2])
    self.border = border
    (x, y, z) = (grid.x + 2 * border, grid.y + 2 * border, grid.z + 2 * border)
  }

  @inline(__always)
  private func node(_ i: Int, _ j: Int, _ k: Int) -> Int { (i * y + j) * z + k }

  /// 1 for filled nodes, 0 for empty ones.
  func filledNodes<T: TensorScalar & BinaryFloatingPoint>(
    _ values: Tensor, _ level: T, _ filledBelow: Bool
  ) throws -> [UInt8] {
    let source = values.pointer(T.self)
    var nodes = [UInt8](repeating: 0, count: x * y * z)
    var isFinite = [Bool](repeating: true, count: grid.x)
    nodes.withUnsafeMutableBufferPointer { nodes in
      isFinite.withUnsafeMutableBufferPointer { isFinite in
        let (nodes, isFinite) = (nodes.baseAddress!, isFinite.baseAddress!)
        parallelFor(grid.x) { i in
          // Stays 0 for finite numbers, becomes NaN for others.
          var sum: T = 0
          for j in 0..<grid.y {
            let from = source + (i * grid.y + j) * grid.z
            let to = nodes + node(i + border, j + border, border)
            for k in 0..<grid.z {
              sum += from[k] * 0
              to[k] = (filledBelow ? from[k] < level : from[k] > level) ? 1 : 0
            }
          }
          isFinite[i] = sum == 0
        }
      }
    }
    if isFinite.contains(false) { try checkFinite("voxels.values", values) }
    return nodes
  }

  /// For every node which edges from it are crossed (bit a for axis a), and how many vertices and
  /// triangles there are in every slab.
  func crossedEdges(_ filled: [UInt8]) -> ([UInt8], [(vertices: Int, triangles: Int)]) {
    var crossed = [UInt8](repeating: 0, count: filled.count)
    var counts = [(vertices: Int, triangles: Int)](repeating: (0, 0), count: x)
    let starts = MarchingCubesTable.shared.starts
    crossed.withUnsafeMutableBufferPointer { crossed in
      counts.withUnsafeMutableBufferPointer { counts in
        let (crossed, counts) = (crossed.baseAddress!, counts.baseAddress!)
        filled.withUnsafeBufferPointer { filled in
          let filled = filled.baseAddress!
          parallelFor(x) { i in
            var (vertices, triangles) = (0, 0)
            for j in 0..<y {
              for k in 0..<z {
                let at = node(i, j, k)
                let bits = crossedBits(filled, at, i, j, k)
                crossed[at] = bits
                vertices += bits.nonzeroBitCount
                guard i + 1 < x, j + 1 < y, k + 1 < z else { continue }
                let cube = filledCorners(filled, at)
                if cube != 0 && cube != 255 { triangles += (starts[cube + 1] - starts[cube]) / 3 }
              }
            }
            counts[i] = (vertices, triangles)
          }
        }
      }
    }
    return (crossed, counts)
  }

  @inline(__always)
  private func crossedBits(
    _ filled: UnsafePointer<UInt8>, _ at: Int, _ i: Int, _ j: Int, _ k: Int
  ) -> UInt8 {
    let own = filled[at]
    var bits: UInt8 = 0
    if i + 1 < x { bits |= own ^ filled[at + y * z] }
    if j + 1 < y { bits |= (own ^ filled[at + z]) << 1 }
    if k + 1 < z { bits |= (own ^ filled[at + 1]) << 2 }
    return bits
  }

  /// The case of the cube that starts at a node.
  @inline(__always)
  private func filledCorners(_ filled: UnsafePointer<UInt8>, _ at: Int) -> Int {
    func pair(_ at: Int) -> Int { Int(filled[at] | filled[at + 1] << 1) }
    let next = at + y * z
    return pair(at) | pair(at + z) << 2 | pair(next) << 4 | pair(next + z) << 6
  }

  /// The vertices, and the number of the first one on the edges from each node.
  func crossings(
    _ crossed: [UInt8], _ starts: [Int], cap: Double
  ) -> ([MarchingCubesScan.Crossing], [Int32]) {
    var first = [Int32](repeating: 0, count: crossed.count)
    let crossings = [MarchingCubesScan.Crossing](unsafeUninitializedCapacity: starts.last!) {
      (out, count) in
      first.withUnsafeMutableBufferPointer { first in
        let (out, first) = (out.baseAddress, first.baseAddress!)
        crossed.withUnsafeBufferPointer { crossed in
          let crossed = crossed.baseAddress!
          parallelFor(x) { i in
            var number = starts[i]
            for j in 0..<y {
              for k in 0..<z {
                let at = node(i, j, k)
                first[at] = Int32(number)
                guard crossed[at] != 0 else { continue }
                for axis in 0..<3 where crossed[at] >> axis & 1 == 1 {
                  (out! + number).initialize(to: crossing(SIMD3(i, j, k), axis, cap))
                  number += 1
                }
              }
            }
          }
        }
      }
      count = starts.last!
    }
    return (crossings, first)
  }

  private func crossing(
    _ start: SIMD3<Int>, _ axis: Int, _ cap: Double
  ) -> MarchingCubesScan.Crossing {
    var (lower, upper, fixed) = (start &- border, start &- border, 0.5)
    upper[axis] += 1
    // Only one end can be beyond the border, because nodes there are empty.
    if lower[axis] < 0 {
      (lower, fixed) = (upper, -cap)
    } else if upper[axis] == grid[axis] {
      (upper, fixed) = (lower, cap)
    }
    func position(_ p: SIMD3<Int>) -> Int32 {
      Int32(truncatingIfNeeded: (p.x * grid.y + p.y) * grid.z + p.z)
    }
    return MarchingCubesScan.Crossing(
      lower: position(lower), upper: position(upper), axis: Int32(axis),
      base: SIMD3<Double>(lower), fixed: fixed)
  }

  func faces(
    _ filled: [UInt8], _ crossed: [UInt8], _ first: [Int32], _ starts: [Int]
  ) -> Tensor {
    let table = MarchingCubesTable.shared
    // How far the start of each of a cube's edges is from the cube's first node.
    let offsets = MarchingCubesTable.edgeStarts.map { corner in
      (corner >> 2) * y * z + (corner >> 1 & 1) * z + (corner & 1)
    }
    return .build([starts.last!, 3], Int32.self) { out in
      filled.withUnsafeBufferPointer { filled in
        let filled = filled.baseAddress!
        parallelFor(x - 1) { i in
          var to = out + 3 * starts[i]
          for j in 0..<y - 1 {
            for k in 0..<z - 1 {
              let at = node(i, j, k)
              let cube = filledCorners(filled, at)
              guard cube != 0 && cube != 255 else { continue }
              for edge in table.edges[table.starts[cube]..<table.starts[cube + 1]] {
                let start = at + offsets[Int(edge)]
                let before = crossed[start] & (1 << (edge / 4) - 1)
                to.pointee = first[start] + Int32(before.nonzeroBitCount)
                to += 1
              }
            }
          }
        }
      }
    }
  }
}
