/// What an entry of a tensor's subscript may be: an Int, a range of Ints or a ``TensorIndex``.
public protocol TensorSelection {
  var tensorIndex: TensorIndex { get }
}

/// One entry of a tensor's subscript.
public struct TensorIndex: Sendable, TensorSelection {
  enum Entry { case all, newAxis, index(Int), range(Range<Int>), stride(Int, Int, Int) }
  let entry: Entry

  public var tensorIndex: TensorIndex { self }
}

extension Int: TensorSelection {
  public var tensorIndex: TensorIndex { .index(self) }
}

extension Range: TensorSelection where Bound == Int {
  public var tensorIndex: TensorIndex { .range(self) }
}

extension TensorSelection where Self == TensorIndex {
  /// The whole axis.
  public static var all: TensorIndex { TensorIndex(entry: .all) }
  /// A new axis of extent 1.
  public static var newAxis: TensorIndex { TensorIndex(entry: .newAxis) }
  /// One element; the axis goes. Negative positions count from the end.
  public static func index(_ position: Int) -> TensorIndex { TensorIndex(entry: .index(position)) }
  /// A half-open range.
  public static func range(_ range: Range<Int>) -> TensorIndex { TensorIndex(entry: .range(range)) }
  /// From, to (exclusive), step.
  public static func stride(_ from: Int, _ to: Int, _ step: Int) -> TensorIndex {
    TensorIndex(entry: .stride(from, to, step))
  }
}

extension Tensor {
  /// Parts of a tensor, an entry per axis, such as `t[.all, 0, 1..<3]`; missing entries mean the
  /// whole axis.
  public subscript<each Selection: TensorSelection>(_ entries: repeat each Selection) -> Tensor {
    var list: [TensorIndex.Entry] = []
    for entry in repeat each entries { list.append(entry.tensorIndex.entry) }
    return selecting(list)
  }

  private func selecting(_ entries: [TensorIndex.Entry]) -> Tensor {
    var result = self
    var axis = 0
    for entry in entries {
      switch entry {
      case .all: axis += 1
      case .newAxis:
        result = result.expandingDims(at: axis)
        axis += 1
      case .index(let position):
        require(axis < result.rank, "subscript: \(entries.count) entries for shape \(shape)")
        let place = position < 0 ? position + result.shape[axis] : position
        require(
          (0..<result.shape[axis]).contains(place),
          "subscript: position \(position) of axis \(axis) of shape \(shape)")
        result = result.slice(axis: axis, from: place, to: place + 1).squeezed(axis: axis)
      case .range(let range):
        result = result.slice(axis: axis, from: range.lowerBound, to: range.upperBound)
        axis += 1
      case .stride(let from, let to, let step):
        result = result.slice(axis: axis, from: from, to: to, by: step)
        axis += 1
      }
    }
    return result
  }
}
