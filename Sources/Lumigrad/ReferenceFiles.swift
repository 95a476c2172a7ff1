import LumiIO
import LumiRendering
import LumiTensor

extension ReferenceCase {
  /// Reads a vector's file. Members of objects and of arrays that are not rectangular get dotted
  /// names. Throws ``LumiIO/FileError``.
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
      let path = prefix + key
      switch try fields.value(key) {
      case .object: try collect(fields.fields(key), under: path + ".", &tensors, &strings)
      case .string(let word): strings[path] = word
      case .null: continue
      case .array(let entries):
        if let tensor = try? fields.tensor(key) {
          tensors[path] = tensor
        } else {
          // Layers of different shapes, or records: each goes by its position, "mlp.0".
          let members = Dictionary(
            uniqueKeysWithValues: entries.enumerated().map { (String($0.offset), $0.element) })
          try collect(
            ReferenceFields(file: fields.file, path: path, values: members), under: path + ".",
            &tensors, &strings)
        }
      case .bool, .number: tensors[path] = try fields.tensor(key)
      }
    }
  }
}
