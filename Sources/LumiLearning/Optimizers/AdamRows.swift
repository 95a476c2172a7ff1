import LumiTensor

// Adam on the rows of a parameter that have a gradient.

extension Adam {
  func isSparse(_ path: String) -> Bool {
    sparseParameters.contains { $0 == path || path.hasPrefix($0 + ".") }
  }

  /// Throws `ParameterError` for an entry that fits no parameter, or one without rows.
  func checkSparseParameters(_ parameters: [String: Tensor]) throws {
    guard !sparseParameters.isEmpty else { return }
    try sparseParameters.checkPaths(parameters.keys)
    for (path, value) in parameters.sorted(by: { $0.key < $1.key })
    where value.rank == 0 && isSparse(path) {
      throw ParameterError.shape(path, expected: [1], actual: [])
    }
  }
}

extension AdamCoefficients {
  /// Updates the rows whose gradient is not 0 altogether and leaves the others as they are.
  func applyToUsedRows(_ values: AdamValues) -> AdamValues {
    let rows = values.gradient.nonzeroRows()
    guard rows.count > 0 else { return values }
    let moved = apply(
      AdamValues(
        parameter: values.parameter.gather(rows), gradient: values.gradient.gather(rows),
        firstMoment: values.firstMoment.gather(rows),
        secondMoment: values.secondMoment.gather(rows)))
    return AdamValues(
      parameter: values.parameter.replacingRows(rows, by: moved.parameter),
      gradient: values.gradient,
      firstMoment: values.firstMoment.replacingRows(rows, by: moved.firstMoment),
      secondMoment: values.secondMoment.replacingRows(rows, by: moved.secondMoment))
  }
}

extension Tensor {
  /// Positions, int32, of the rows with an element that is not 0.
  fileprivate func nonzeroRows() -> Tensor {
    let width = count / Swift.max(shape[0], 1)
    guard count > 0 else { return Tensor([] as [Int32]) }
    let isUsed = (reshaped([shape[0], width]) .!= 0).any(axis: 1)
    let flags = isUsed.scalars(as: Bool.self)
    return Tensor(flags.indices.filter { flags[$0] }.map { Int32($0) })
  }

  /// The same with the rows at distinct positions replaced.
  fileprivate func replacingRows(_ rows: Tensor, by new: Tensor) -> Tensor {
    let width = count / shape[0] * dtype.byteCount
    let result = Tensor.unfilled(shape, dtype)
    result.kernelPointer.copyMemory(from: kernelPointer, byteCount: count * dtype.byteCount)
    withExtendedLifetime((self, new)) {
      for (source, target) in rows.scalars(as: Int32.self).enumerated() {
        (result.kernelPointer + Int(target) * width)
          .copyMemory(from: new.kernelPointer + source * width, byteCount: width)
      }
    }
    return result
  }
}
