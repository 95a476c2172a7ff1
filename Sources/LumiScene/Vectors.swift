import LumiTensor

extension Tensor {
  /// One component of the last axis, which goes.
  package func component(_ index: Int) -> Tensor {
    slice(axis: -1, from: index, to: index + 1).squeezed(axis: -1)
  }

  /// x/|x| along the last axis; vectors shorter than 1e-12 give zero with a zero derivative, because
  /// their direction is noise and its derivative has no bound.
  public func unitVectors() -> Tensor {
    let squared = square().sum(axis: -1, keepDims: true)
    let short = (squared.stoppingGradient() .> 1e-24).not()
    let length = Tensor.where(short, Tensor(1, dtype: dtype), squared).sqrt()
    return Tensor.where(short, Tensor(0, dtype: dtype), self / length)
  }

  /// Vectors [..., 3] through the matrix [3, 3]: M·x for each.
  func transformed(by matrix: Tensor) -> Tensor {
    reshaped([-1, 3]).matmul(matrix, transposingRight: true).reshaped(shape)
  }
}

/// An angle in degrees as radians.
public func radians(degrees: Double) -> Double { degrees * .pi / 180 }
