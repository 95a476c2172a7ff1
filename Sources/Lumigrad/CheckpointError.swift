import LumiTensor

/// Why a checkpoint cannot be made or does not fit what should continue from it.
public enum CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Nothing was stored under this name; `known` are the names that were.
  case missingPart(String, known: [String])
  /// Parameters of the model that the checkpoint lacks, and stored ones that the model lacks.
  case names(part: String, missing: [String], unexpected: [String])
  case shape(parameter: String, expected: [Int], actual: [Int])
  case dtype(parameter: String, expected: DType, actual: DType)
  /// A part's own reason to refuse its state.
  case state(part: String, reason: String)
  /// The file is a safetensors file but no checkpoint.
  case notACheckpoint(String)
  /// A name for a part or a value that cannot be used.
  case name(String, reason: String)

  public var description: String {
    switch self {
    case .missingPart(let name, let known):
      "checkpoint: nothing is stored as \"\(name)\"; there are \(known.joined(separator: ", "))"
    case .names(let part, let missing, let unexpected):
      """
      checkpoint: "\(part)" \(Self.list("lacks", missing))\
      \(missing.isEmpty || unexpected.isEmpty ? "" : " and ")\
      \(Self.list("has the unknown", unexpected))
      """
    case .shape(let parameter, let expected, let actual):
      "checkpoint: \"\(parameter)\" has shape \(actual), expected \(expected)"
    case .dtype(let parameter, let expected, let actual):
      "checkpoint: \"\(parameter)\" is \(actual), expected \(expected)"
    case .state(let part, let reason): "checkpoint: \"\(part)\": \(reason)"
    case .notACheckpoint(let reason): "no checkpoint: \(reason)"
    case .name(let name, let reason): "checkpoint: the name \"\(name)\" \(reason)"
    }
  }

  /// The first few names, for messages.
  private static func list(_ verb: String, _ names: [String]) -> String {
    guard !names.isEmpty else { return "" }
    let more = names.count > 5 ? " and \(names.count - 5) more" : ""
    return "\(verb) \(names.prefix(5).map { "\"\($0)\"" }.joined(separator: ", "))\(more)"
  }
}
