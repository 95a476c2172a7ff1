/// Data of a scene that cannot be used: which field, where in it, what it should be and what it is.
public struct SceneError: Error, Sendable, Equatable, CustomStringConvertible {
  /// "mesh.faces", "COLMAP parameters".
  public let field: String
  /// Row of the field; nil if the whole field is meant.
  public let index: Int?
  public let expected: String
  public let actual: String

  public init(field: String, index: Int? = nil, expected: String, actual: String) {
    self.field = field
    self.index = index
    self.expected = expected
    self.actual = actual
  }

  public var description: String {
    "\(field)\(index.map { "[\($0)]" } ?? ""): expected \(expected), found \(actual)"
  }
}
