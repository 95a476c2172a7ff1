import CLumiKernels
import LumiTensor

/// The encoding on fused kernels; it has first and second derivatives.
///
/// The first derivative by points is an operation of its own with a derivative; further ones are
/// those of ``composedHashGrid(_:_:_:)``.
package func fusedHashGrid(_ points: Tensor, _ table: Tensor, _ layout: HashGridLayout) -> Tensor {
  let kernel = FusedHashGrid(layout: layout, points: points, table: table)
  return customOperation(
    "hashGrid", inputs: [points, table], outputs: [kernel.values()], differentiableTwice: true
  ) { cotangents, needs in
    let arrived = cotangents[0]!
    return [
      needs[0] ? hashGridSlopes(points, table, arrived, layout) : nil,
      needs[1] ? hashGridScatter(points, table, arrived, layout) : nil,
    ]
  }[0]
}

/// The derivative [N, D] of Σ `arrived` · values by points, with its own derivative.
private func hashGridSlopes(
  _ points: Tensor, _ table: Tensor, _ arrived: Tensor, _ layout: HashGridLayout
) -> Tensor {
  let kernel = FusedHashGrid(layout: layout, points: points, table: table)
  return customOperation(
    "hashGrid by points", inputs: [points, table, arrived], outputs: [kernel.byPoints(arrived)]
  ) { cotangents, needs in
    let along = FusedHashGrid(
      layout: layout, points: points, table: table, direction: cotangents[0]!)
    return [
      needs[0] ? along.byPoints(arrived) : nil, needs[1] ? along.byTable(arrived) : nil,
      needs[2] ? along.values() : nil,
    ]
  }[0]
}

/// The derivative [rows, F] of Σ `arrived` · values by the table, with its own derivative.
private func hashGridScatter(
  _ points: Tensor, _ table: Tensor, _ arrived: Tensor, _ layout: HashGridLayout
) -> Tensor {
  let kernel = FusedHashGrid(layout: layout, points: points, table: table)
  return customOperation(
    "hashGrid by table", inputs: [points, arrived], outputs: [kernel.byTable(arrived)]
  ) { cotangents, needs in
    let other = FusedHashGrid(layout: layout, points: points, table: cotangents[0]!)
    return [needs[0] ? other.byPoints(arrived) : nil, needs[1] ? other.values() : nil]
  }[0]
}

/// The kernels on blocks of points, or on levels: nothing depends on the number of threads.
private struct FusedHashGrid {
  let layout: HashGridLayout
  /// [N, D].
  let points: Tensor
  /// [rows, F].
  let table: Tensor
  /// [N, D]: if there is one, all is about the derivative along it.
  var direction: Tensor?

  private static let blockPoints = 2048
  private var count: Int { points.shape[0] }

  func values() -> Tensor {
    let result = Tensor.unfilled([count, layout.features], table.dtype)
    withKernel { kernel in
      inPointBlocks { lumi_hash_grid_values(kernel, $0, $1, result.kernelPointer) }
    }
    return result
  }

  func byPoints(_ arrived: Tensor) -> Tensor {
    let result = Tensor.unfilled(points.shape, table.dtype)
    withKernel { kernel in
      inPointBlocks {
        lumi_hash_grid_by_points(kernel, $0, $1, arrived.kernelPointer, result.kernelPointer)
      }
    }
    return result
  }

  func byTable(_ arrived: Tensor) -> Tensor {
    let result = Tensor.unfilled(table.shape, table.dtype)
    withKernel { kernel in
      parallelFor(layout.resolutions.count) { level in
        lumi_hash_grid_by_table(
          kernel, Int32(level), count, arrived.kernelPointer, result.kernelPointer)
      }
    }
    return result
  }

  private func inPointBlocks(_ body: (_ first: Int, _ last: Int) -> Void) {
    parallelFor((count + Self.blockPoints - 1) / Self.blockPoints) { block in
      body(block * Self.blockPoints, min((block + 1) * Self.blockPoints, count))
    }
  }

  private func withKernel(_ body: (UnsafePointer<lumi_hash_grid>) -> Void) {
    let resolutions = layout.resolutions.map { Int32($0) }
    let hashed: [Int32] = layout.isHashed.map { $0 ? 1 : 0 }
    let firstRows = layout.firstRows.map { Int64($0) }
    resolutions.withUnsafeBufferPointer { resolutions in
      hashed.withUnsafeBufferPointer { hashed in
        firstRows.withUnsafeBufferPointer { firstRows in
          var kernel = lumi_hash_grid(
            real: table.dtype == .float32 ? LUMI_FLOAT32 : LUMI_FLOAT64,
            dimensions: Int32(layout.dimensions), levels: Int32(resolutions.count),
            features: Int32(layout.featuresPerLevel), resolution: resolutions.baseAddress,
            hashed: hashed.baseAddress, first_row: firstRows.baseAddress,
            points: points.kernelPointer,
            direction: direction.map { UnsafeRawPointer($0.kernelPointer) },
            table: table.kernelPointer)
          body(&kernel)
        }
      }
    }
  }
}
