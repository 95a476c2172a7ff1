import LumiTensor

/// One named property of all points of a file.
public struct PointColumn: Sendable {
  public var name: String
  /// The type in the file; ``values`` has its ``FileScalar/dtype``.
  public let type: FileScalar
  /// [N]; [N, K] where every point has K numbers (PCD's COUNT); for lists [total], one list after
  /// the other.
  public let values: Tensor
  /// The lists' lengths and their type in the file; nil unless each point has a list (PLY).
  public let lists: Lists?

  public struct Lists: Sendable {
    public var sizes: [Int32]
    /// An integer type.
    public var countType: FileScalar

    public init(sizes: [Int32], countType: FileScalar = .uint8) {
      require(
        !countType.isFloatingPoint && sizes.allSatisfy { $0 >= 0 },
        "PointColumn.Lists: sizes of type \(countType), expected integers of at least 0")
      self.sizes = sizes
      self.countType = countType
    }
  }

  /// - Parameters:
  ///   - name: without blanks.
  ///   - type: the type to write.
  ///   - values: converted to the type's ``FileScalar/dtype``; shape as ``values`` says.
  ///   - lists: nil for single values.
  public init(_ name: String, _ type: FileScalar, _ values: Tensor, lists: Lists? = nil) {
    let total = lists.map { $0.sizes.reduce(0) { $0 + Int($1) } }
    require(
      total.map { values.shape == [$0] } ?? (values.rank == 1 || values.rank == 2),
      """
      PointColumn \(name): values of shape \(values.shape), expected \
      \(total.map { "[\($0)]" } ?? "[N] or [N, K]")
      """)
    self.name = name
    self.type = type
    self.values = values.stoppingGradient().cast(to: type.dtype)
    self.lists = lists
  }

  /// N.
  public var rowCount: Int { lists?.sizes.count ?? values.shape[0] }
  /// Numbers a point; nil for lists.
  public var width: Int? { lists == nil ? (values.rank == 2 ? values.shape[1] : 1) : nil }
}

/// A point cloud as a file holds it: named columns in the file's order, whatever they mean.
///
/// Numbers are kept as they are: NaN too, which PCD uses for places without a measurement; see
/// ``keepingFinitePositions()``. Meanings (positions, colours) are read off by name when asked for.
public struct PointData: Sendable {
  /// All of one length.
  public private(set) var columns: [PointColumn]
  /// N.
  public let count: Int
  /// Rows of an organised PCD cloud, such as a depth image's; 1 for the others. Divides ``count``.
  public var gridHeight = 1
  /// Where a PCD was taken from: translation x y z, quaternion w x y z.
  public var viewpoint: [Double] = [0, 0, 0, 1, 0, 0, 0]
  /// What the file has and this record does not hold, such as a PLY's faces.
  public var warnings: [String] = []

  public init(columns: [PointColumn] = [], count: Int? = nil) {
    self.count = count ?? columns.first?.rowCount ?? 0
    self.columns = []
    for column in columns { append(column) }
  }

  /// Adds a column after the others.
  public mutating func append(_ column: PointColumn) {
    require(
      column.rowCount == count,
      "PointData: column \(column.name) has \(column.rowCount) rows, expected \(count)")
    columns.append(column)
  }

  /// Adds the columns of a matrix [N, names.count].
  public mutating func append(_ names: [String], _ type: FileScalar, _ matrix: Tensor) {
    require(
      matrix.shape == [count, names.count],
      "PointData: \(names) of shape \(matrix.shape), expected \([count, names.count])")
    let plain = matrix.stoppingGradient()
    for (index, name) in names.enumerated() {
      append(
        PointColumn(
          name, type, plain.slice(axis: 1, from: index, to: index + 1).reshaped([count])))
    }
  }

  /// The first column of that name.
  public func column(_ name: String) -> PointColumn? { columns.first { $0.name == name } }

  /// Single-valued columns side by side, [N, names.count]; nil unless all are there.
  public func matrix(_ names: [String], dtype: DType = .float32) -> Tensor? {
    let found = names.compactMap { name in columns.first { $0.name == name && $0.width == 1 } }
    guard found.count == names.count && !names.isEmpty else { return nil }
    return Tensor.concatenate(
      found.map { $0.values.cast(to: dtype).reshaped([count, 1]) }, axis: 1)
  }

  /// The rows whose x, y and z are finite. The others' place in an organised cloud is lost, so that
  /// ``gridHeight`` is 1 if there were any.
  public func keepingFinitePositions() -> PointData {
    guard let positions = matrix(["x", "y", "z"], dtype: .float64)?.scalars(as: Double.self) else {
      return self
    }
    let kept = (0..<count).filter { row in positions[3 * row..<3 * row + 3].allSatisfy(\.isFinite) }
    return kept.count == count ? self : selecting(kept)
  }

  /// The given rows, in that order, as an unorganised cloud.
  public func selecting(_ rows: [Int]) -> PointData {
    let positions = Tensor(rows.map { Int32($0) })
    var result = PointData(
      columns: columns.map { column in
        guard let lists = column.lists else {
          return PointColumn(column.name, column.type, column.values.gather(positions))
        }
        var starts = [0]
        for size in lists.sizes { starts.append(starts.last! + Int(size)) }
        let places = rows.flatMap { (starts[$0]..<starts[$0 + 1]).map { Int32($0) } }
        return PointColumn(
          column.name, column.type, column.values.gather(Tensor(places)),
          lists: .init(sizes: rows.map { lists.sizes[$0] }, countType: lists.countType))
      }, count: rows.count)
    (result.viewpoint, result.warnings) = (viewpoint, warnings)
    return result
  }
}
