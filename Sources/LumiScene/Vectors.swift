import LumiTensor

extension Tensor {
  /// One component of the last axis, which goes.
  package func component(_ index: Int) -> Tensor {
    slice(axis: -1, from: index, to: index + 1).squeezed(axis: -1)
  }

  /// [3].
  package init(_ vector: SIMD3<Double>, dtype: DType) {
    self = Tensor([vector.x, vector.y, vector.z]).cast(to: dtype)
  }

  /// Vectors [..., 3] through the matrix [3, 3]: M·x for each.
  func transformed(by matrix: Tensor) -> Tensor {
    reshaped([-1, 3]).matmul(matrix, transposingRight: true).reshaped(shape)
  }
}

/// An angle in degrees as radians.
public func radians(degrees: Double) -> Double { degrees * .pi / 180 }
