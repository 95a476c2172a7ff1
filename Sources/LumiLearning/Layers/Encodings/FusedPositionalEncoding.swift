import CLumiKernels
import LumiTensor

/// Rows of one thread's piece of work.
private let encodingRows = 2048

/// Runs `body` on blocks of rows.
private func inRowBlocks(_ rows: Int, _ body: (_ start: Int, _ count: Int) -> Void) {
  parallelFor((rows + encodingRows - 1) / encodingRows) { block in
    let start = block * encodingRows
    body(start, min(encodingRows, rows - start))
  }
}

/// ``positionalEncoding(_:frequencies:)`` of float32 [rows, n] as one operation, which has first
/// derivatives only.
package func fusedPositionalEncoding(_ x: Tensor, frequencies: Int) -> Tensor {
  let (rows, n) = (x.shape[0], x.shape[1])
  let width = n * (1 + 2 * frequencies)
  let encoded = Tensor.build([rows, width], Float.self) { out in
    let coordinates = x.pointer(Float.self)
    inRowBlocks(rows) { start, count in
      lumi_positional_encoding_f32(
        count, n, frequencies, coordinates + start * n, out + start * width)
    }
  }
  return customOperation("positional encoding", inputs: [x], outputs: [encoded]) { cotangents, _ in
    [pulledBack(cotangents[0]!, encoded, frequencies)]
  }[0]
}

/// ``PositionalEncoding/pullback(_:encoded:)`` on float32 [rows, …] as one operation, which has
/// first derivatives only.
package func fusedEncodingPullback(
  _ cotangent: Tensor, encoded: Tensor, frequencies: Int
) -> Tensor {
  let result = pulledBack(cotangent, encoded, frequencies)
  return customOperation(
    "derivative of positional encoding", inputs: [encoded, cotangent], outputs: [result]
  ) { cotangents, needs in
    pullbackDerivatives(cotangents[0]!, encoded, cotangent, frequencies, needs)
  }[0]
}

private func pulledBack(_ cotangent: Tensor, _ encoded: Tensor, _ frequencies: Int) -> Tensor {
  let (rows, width) = (encoded.shape[0], encoded.shape[1])
  let n = width / (1 + 2 * frequencies)
  return Tensor.build([rows, n], Float.self) { out in
    let (e, c) = (encoded.pointer(Float.self), cotangent.pointer(Float.self))
    inRowBlocks(rows) { start, count in
      lumi_positional_pullback_f32(
        count, n, frequencies, e + start * width, c + start * width, out + start * n)
    }
  }
}

private func pullbackDerivatives(
  _ arriving: Tensor, _ encoded: Tensor, _ cotangent: Tensor, _ frequencies: Int, _ needs: [Bool]
) -> [Tensor?] {
  let (rows, width) = (encoded.shape[0], encoded.shape[1])
  let n = width / (1 + 2 * frequencies)
  let results = needs.map { isNeeded in
    isNeeded ? Storage(byteCount: encoded.count * MemoryLayout<Float>.stride) : nil
  }
  let (a, e, c) = (
    arriving.pointer(Float.self), encoded.pointer(Float.self), cotangent.pointer(Float.self)
  )
  inRowBlocks(rows) { start, count in
    let places = results.map {
      $0.map { $0.pointer.assumingMemoryBound(to: Float.self) + start * width }
    }
    lumi_positional_pullback_gradient_f32(
      count, n, frequencies, e + start * width, c + start * width, a + start * n, places[0],
      places[1])
  }
  return results.map { $0.map { Tensor(storage: $0, shape: encoded.shape, dtype: .float32) } }
}
