import LumiIO
import LumiRendering
import LumiTensor

extension ReferenceCase {
  /// Reads a vector's file. Throws ``LumiIO/FileError``.
  public init(contentsOf path: String) throws {
    let vector = try ReferenceVector(contentsOf: path)
    var tensors: [String: Tensor] = [:]
    var strings: [String: String] = [:]
    try Self.collect(vector.inputs, under: "", &tensors, &strings)
    var expected: [String: Tensor] = [:]
    var words: [String: String] = [:]
    try Self.collect(vector.expected, under: "", &expected, &words)
    self.init(
      method: vector.method, name: vector.caseName, tensors: tensors, strings: strings,
      expected: expected, tolerances: vector.tolerance)
  }

  private static func collect(
    _ fields: ReferenceFields, under prefix: String, _ tensors: inout [String: Tensor],
    _ strings: inout [String: String]
  ) throws {
    for key in fields.keys {
      switch try fields.value(key) {
      case .object:
        try collect(fields.fields(key), under: prefix + key + ".", &tensors, &strings)
      case .string(let word): strings[prefix + key] = word
      case .null: continue
      default: tensors[prefix + key] = try fields.tensor(key)
      }
    }
  }
}
