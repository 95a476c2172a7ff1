import LumiTensor

/// One numeric test vector: inputs, expected outputs and tolerances. Fields of nested objects have
/// dotted names ("parameters.sigma").
public struct ReferenceCase: Sendable {
  /// The method's name in the vector's file, such as "softras".
  public let method: String
  /// The case's name, such as "softras-plain".
  public let name: String
  /// Numbers and arrays of numbers, float64; truth values are 0 and 1.
  public let tensors: [String: Tensor]
  public let strings: [String: String]
  public let expected: [String: Tensor]
  /// At least "abs"; usually "rel".
  public let tolerances: [String: Double]

  public init(
    method: String, name: String, tensors: [String: Tensor], strings: [String: String],
    expected: [String: Tensor], tolerances: [String: Double]
  ) {
    self.method = method
    self.name = name
    self.tensors = tensors
    self.strings = strings
    self.expected = expected
    self.tolerances = tolerances
  }

  /// An input array. Throws ``ReferenceError/missingInput(case:field:)``.
  public func tensor(_ field: String) throws -> Tensor {
    guard let value = tensors[field] else {
      throw ReferenceError.missingInput(case: name, field: field)
    }
    return value
  }

  /// An input number.
  public func number(_ field: String) throws -> Double {
    let value = try tensor(field)
    guard value.count == 1 else {
      throw ReferenceError.badInput(
        case: name, field: field, expected: "one number", actual: "shape \(value.shape)")
    }
    return value.value
  }

  /// An input number that counts something.
  public func integer(_ field: String) throws -> Int {
    let value = try number(field)
    guard let integer = Int(exactly: value) else {
      throw ReferenceError.badInput(
        case: name, field: field, expected: "an integer", actual: "\(value)")
    }
    return integer
  }

  /// An input truth value.
  public func flag(_ field: String) throws -> Bool { try number(field) != 0 }

  /// An input word.
  public func string(_ field: String) throws -> String {
    guard let value = strings[field] else {
      throw ReferenceError.missingInput(case: name, field: field)
    }
    return value
  }
}

/// A vector that does not hold what its method needs.
public enum ReferenceError: Error, Sendable, Equatable, CustomStringConvertible {
  case missingInput(case: String, field: String)
  case badInput(case: String, field: String, expected: String, actual: String)

  public var description: String {
    switch self {
    case .missingInput(let name, let field): "\(name): input \"\(field)\" is missing"
    case .badInput(let name, let field, let expected, let actual):
      "\(name): input \"\(field)\" is \(actual), expected \(expected)"
    }
  }
}

/// How a method answers reference vectors: one small function from inputs to named outputs.
public struct ReferenceAdapter: Sendable {
  /// The names that vectors' "method" fields may have.
  public let methods: Set<String>
  /// Computes as many fields of `expected` as the method yields, under the same names, in float64.
  public let outputs: @Sendable (ReferenceCase) throws -> [String: Tensor]

  public init(
    methods: Set<String>, outputs: @escaping @Sendable (ReferenceCase) throws -> [String: Tensor]
  ) {
    self.methods = methods
    self.outputs = outputs
  }
}
