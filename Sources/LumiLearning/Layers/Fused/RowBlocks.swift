import CLumiKernels
import LumiTensor

/// Rows in blocks that stay in the cache, and blocks in groups that add up derivatives of weights.
///
/// Both depend on the shapes alone, so that no bit of a result depends on the number of threads.
struct RowBlocks {
  let rows: Int
  let rowsPerBlock: Int
  private let blocksPerGroup: Int

  /// Below this many multiplications a block is not worth a thread of its own (about 200 µs).
  private static let worthwhileWork = 1 << 23
  /// Products of 64 rows take a quarter more time for the same work than those of 512.
  private static let leastRows = 128
  /// Of a group: its own sums have to be worth their memory.
  private static let leastBlocks = 2
  /// The sums of every group are held until the end.
  private static let mostGroups = 16

  /// - Parameters:
  ///   - rows: all of them.
  ///   - work: multiplications for one row.
  ///   - mostRows: of one block.
  init(rows: Int, work: Int, mostRows: Int = 512) {
    self.rows = rows
    let worthwhile = (Self.worthwhileWork + work - 1) / max(work, 1)
    let wanted = max(worthwhile, (rows + 7) / 8, Self.leastRows)
    rowsPerBlock = min((wanted + 15) / 16 * 16, mostRows)
    let blocks = (rows + rowsPerBlock - 1) / rowsPerBlock
    blocksPerGroup = max(Self.leastBlocks, (blocks + Self.mostGroups - 1) / Self.mostGroups)
  }

  var count: Int { (rows + rowsPerBlock - 1) / rowsPerBlock }

  subscript(index: Int) -> Range<Int> {
    index * rowsPerBlock..<min((index + 1) * rowsPerBlock, rows)
  }

  var groupCount: Int { (count + blocksPerGroup - 1) / blocksPerGroup }

  /// The blocks of a group, in order.
  func blocks(ofGroup group: Int) -> Range<Int> {
    group * blocksPerGroup..<min((group + 1) * blocksPerGroup, count)
  }
}

/// One sum of a given shape per group of rows, added up in order at the end.
struct GroupSums {
  private let groups: Int
  private let shape: [Int]
  private let storage: Storage
  var count: Int { shape.reduce(1, *) }

  /// Columns added by one thread at a time.
  private static let blockColumns = 1 << 14

  init(groups: Int, shape: [Int]) {
    self.groups = groups
    self.shape = shape
    storage = Storage(byteCount: groups * shape.reduce(1, *) * MemoryLayout<Float>.stride)
  }

  /// The sum of one group, not initialised.
  subscript(group: Int) -> UnsafeMutablePointer<Float> {
    storage.pointer.assumingMemoryBound(to: Float.self) + group * count
  }

  func total() -> Tensor {
    Tensor.build(shape, Float.self) { out in
      out.update(repeating: 0, count: count)
      parallelFor((count + Self.blockColumns - 1) / Self.blockColumns) { block in
        let start = block * Self.blockColumns
        lumi_add_rows_f32(
          groups, min(Self.blockColumns, count - start), self[0] + start, count, out + start)
      }
    }
  }
}
