/// An n-dimensional array of numbers, row-major and dense, with reverse-mode gradients.
///
/// A tensor never changes: every operation returns a new one. Operations that run inside
/// ``valueAndGradient(at:unreachable:of:)-([Tensor],_,_)`` and its relatives are remembered, so
/// that their derivative, and the derivative of that, can be asked for.
///
/// Shapes broadcast as in NumPy. Operands of one operation share a ``DType``; a Swift number
/// literal takes the dtype of the tensor beside it. A shape or dtype that does not fit stops the
/// program with a message that names the operation and the shapes: it is an error of the program,
/// not of its input.
public struct Tensor: Sendable {
  package let storage: Storage
  /// Extent of every axis; empty for a scalar.
  public let shape: [Int]
  public let dtype: DType
  /// Where the tape remembers this tensor, if it does.
  package let source: TapeSource?

  package init(storage: Storage, shape: [Int], dtype: DType, source: TapeSource? = nil) {
    self.storage = storage
    self.shape = shape
    self.dtype = dtype
    self.source = source
  }

  /// Number of elements.
  public var count: Int { shape.reduce(1, *) }
  /// Number of axes.
  public var rank: Int { shape.count }
}

// MARK: - From and to Swift values

extension Tensor {
  /// A tensor of `values` in row-major order.
  public init<Scalar: TensorScalar>(_ values: [Scalar], shape: [Int]) {
    require(
      shape.allSatisfy { $0 >= 0 } && values.count == shape.reduce(1, *),
      "Tensor.init: \(values.count) values for shape \(shape)")
    self = .build(shape, Scalar.self) { out in
      values.withUnsafeBufferPointer { source in
        if let base = source.baseAddress { out.update(from: base, count: source.count) }
      }
    }
  }

  /// A tensor with one axis.
  public init<Scalar: TensorScalar>(_ values: [Scalar]) {
    self.init(values, shape: [values.count])
  }

  /// A matrix from rows of equal length.
  public init<Scalar: TensorScalar>(_ rows: [[Scalar]]) {
    let width = rows.first?.count ?? 0
    require(rows.allSatisfy { $0.count == width }, "Tensor.init: rows differ in length")
    self.init(rows.flatMap { $0 }, shape: [rows.count, width])
  }

  /// A tensor without axes.
  public init<Scalar: TensorScalar>(scalar: Scalar) { self.init([scalar], shape: []) }

  /// A tensor without axes of a floating-point or integer dtype.
  public init(_ value: Double, dtype: DType) {
    self = .full([], value, dtype: dtype)
  }

  /// Reads the elements in place. `Scalar` must be the tensor's own type.
  public func withUnsafeScalars<Scalar: TensorScalar, Result>(
    as type: Scalar.Type = Scalar.self, _ body: (UnsafeBufferPointer<Scalar>) throws -> Result
  ) rethrows -> Result {
    require(
      Scalar.dtype == dtype, "withUnsafeScalars: the tensor is \(dtype), asked for \(Scalar.dtype)")
    return try withExtendedLifetime(storage) {
      try body(UnsafeBufferPointer(start: pointer(Scalar.self), count: count))
    }
  }

  /// All elements in row-major order, converted to `Scalar` if the tensor holds another type.
  public func scalars<Scalar: TensorScalar>(as type: Scalar.Type = Scalar.self) -> [Scalar] {
    Scalar.dtype == dtype
      ? withUnsafeScalars(as: Scalar.self) { Array($0) }
      : cast(to: Scalar.dtype).scalars(as: Scalar.self)
  }

  /// The only element.
  public func item<Scalar: TensorScalar>(as type: Scalar.Type = Scalar.self) -> Scalar {
    require(count == 1, "item: the tensor has shape \(shape), expected one element")
    return scalars(as: Scalar.self)[0]
  }

  /// The only element as a Double, whatever the dtype.
  public var value: Double { item(as: Double.self) }
}

// MARK: - Inside the package

extension Tensor {
  /// A new tensor whose elements `fill` writes, every one of them.
  package static func build<Scalar: TensorScalar>(
    _ shape: [Int], _ type: Scalar.Type,
    _ fill: (UnsafeMutablePointer<Scalar>) throws -> Void
  ) rethrows -> Tensor {
    let count = shape.reduce(1, *)
    let storage = Storage(byteCount: count * MemoryLayout<Scalar>.stride)
    try fill(storage.pointer.bindMemory(to: Scalar.self, capacity: Swift.max(count, 1)))
    return Tensor(storage: storage, shape: shape, dtype: Scalar.dtype)
  }

  /// The elements' address. The caller keeps the tensor alive while it uses the pointer.
  package func pointer<Scalar: TensorScalar>(_ type: Scalar.Type) -> UnsafePointer<Scalar> {
    assert(Scalar.dtype == dtype)
    return UnsafePointer(storage.pointer.assumingMemoryBound(to: Scalar.self))
  }

  /// Memory for a kernel to fill.
  package static func unfilled(_ shape: [Int], _ dtype: DType) -> Tensor {
    Tensor(
      storage: Storage(byteCount: shape.reduce(1, *) * dtype.byteCount), shape: shape,
      dtype: dtype)
  }

  /// The elements' address for a kernel. The caller keeps the tensor alive.
  package var kernelPointer: UnsafeMutableRawPointer { storage.pointer }
}
