import LumiRendering
import LumiTensor

/// How one reference vector compared with a method.
public struct VerificationResult: Sendable, Codable, Equatable {
  public enum Status: String, Sendable, Codable { case pass, fail, skipped }

  public let `case`: String
  /// The registered method's id, or the vector's own method name where none answers it.
  public let method: String
  public var status: Status
  /// Fields of `expected` that were compared, by name.
  public let compared: [String]
  /// Fields of `expected` that the method does not yield.
  public let notCompared: [String]
  public let worstField: String?
  /// The largest deviation divided by what the tolerance allows: at most 1 passes. A deviation that
  /// is not finite counts as the largest finite number, because JSON has no infinity.
  public let worstError: Double?
  /// Why it failed or was skipped.
  public let message: String?

  enum CodingKeys: String, CodingKey {
    case `case`, method, status, compared
    case notCompared = "not_compared"
    case worstField = "worst_field"
    case worstError = "worst_error"
    case message
  }
}

extension VerificationResult {
  /// Every key is there in every result, with null for what there is not.
  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(`case`, forKey: .case)
    try keys.encode(method, forKey: .method)
    try keys.encode(status, forKey: .status)
    try keys.encode(compared, forKey: .compared)
    try keys.encode(notCompared, forKey: .notCompared)
    try keys.encode(worstField, forKey: .worstField)
    try keys.encode(worstError, forKey: .worstError)
    try keys.encode(message, forKey: .message)
  }

  /// A vector that could not be read.
  public init(unreadable name: String, reason: String) {
    self.init(
      case: name, method: "unknown", status: .fail, compared: [], notCompared: [],
      worstField: nil, worstError: nil, message: reason)
  }
}

extension RendererRegistry {
  /// Runs one reference vector against the method that answers it.
  public func verify(_ vector: ReferenceCase) -> VerificationResult {
    let entry = entries.first { $0.reference?.methods.contains(vector.method) ?? false }
    guard let entry, let adapter = entry.reference else {
      return VerificationResult(
        case: vector.name, method: vector.method, status: .skipped, compared: [],
        notCompared: vector.expected.keys.sorted(), worstField: nil, worstError: nil,
        message: "no registered method answers \"\(vector.method)\"")
    }
    return LumiBenchmark.verify(
      vector, method: entry.renderer.method.id, with: adapter)
  }
}

/// Runs one reference vector against an adapter that is known already.
public func verify(
  _ vector: ReferenceCase, method: String, with adapter: ReferenceAdapter
) -> VerificationResult {
  let outputs: [String: Tensor]
  do {
    outputs = try adapter.outputs(vector)
  } catch {
    return VerificationResult(
      case: vector.name, method: method, status: .fail, compared: [],
      notCompared: vector.expected.keys.sorted(), worstField: nil, worstError: nil,
      message: "\(error)")
  }
  var worst: (field: String, error: Double)?
  var compared: [String] = []
  var messages: [String] = []
  for (field, expected) in vector.expected.sorted(by: { $0.key < $1.key }) {
    guard let actual = outputs[field] else { continue }
    compared.append(field)
    guard actual.shape == expected.shape else {
      messages.append("\(field) has shape \(actual.shape), expected \(expected.shape)")
      continue
    }
    let error = deviation(actual, expected, tolerances(of: field, vector.tolerances))
    if worst == nil || !(error <= worst!.error) { worst = (field, error) }
  }
  if compared.isEmpty { messages.append("the method yields none of the expected fields") }
  let passes = messages.isEmpty && (worst?.error ?? .infinity) <= 1
  if !passes, messages.isEmpty, let worst {
    messages.append("\(worst.field) deviates by \(worst.error) times the tolerance")
  }
  return VerificationResult(
    case: vector.name, method: method, status: passes ? .pass : .fail, compared: compared,
    notCompared: vector.expected.keys.filter { outputs[$0] == nil }.sorted(),
    worstField: worst?.field, worstError: worst?.error,
    message: messages.isEmpty ? nil : messages.joined(separator: "; "))
}

/// The bounds of one field: those that begin with the first word of its name, as "sampled_abs" for
/// "sampled_image", or with "derivative" for one such as "rows.0.dcoverage_dcx"; else "abs" and "rel",
/// else the strictest absolute one that there is.
private func tolerances(
  of field: String, _ all: [String: Double]
) -> (abs: Double, rel: Double) {
  let name = field.split(separator: ".").last ?? ""
  let isDerivative = name.hasPrefix("d") && name.contains("_d") && all["derivative_abs"] != nil
  let word = isDerivative ? "derivative" : field.prefix { $0 != "_" }
  if all["\(word)_abs"] != nil || all["\(word)_rel"] != nil {
    return (all["\(word)_abs"] ?? 0, all["\(word)_rel"] ?? 0)
  }
  let strictest = all.filter { $0.key.hasSuffix("_abs") }.values.min()
  return (all["abs"] ?? strictest ?? 0, all["rel"] ?? 0)
}

/// The largest |actual - expected| over abs + rel·max|expected|, limited to finite numbers; NaN
/// deviates unless both are NaN.
private func deviation(
  _ actual: Tensor, _ expected: Tensor, _ tolerances: (abs: Double, rel: Double)
) -> Double {
  let right = expected.scalars(as: Double.self)
  let scale = right.reduce(0) { $1.isFinite ? max($0, $1.magnitude) : $0 }
  let allowed = tolerances.abs + tolerances.rel * scale
  var largest = 0.0
  for (a, b) in zip(actual.scalars(as: Double.self), right) where a != b {
    let difference = (a - b).magnitude
    if a.isNaN && b.isNaN { continue }
    largest = max(largest, difference.isFinite ? difference : .infinity)
  }
  return largest == 0 ? 0 : min(largest / allowed, .greatestFiniteMagnitude)
}
