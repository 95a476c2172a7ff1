import Foundation
import LumiIO
import LumiLearning
import LumiTensor

/// All that a training needs to go on to the bit: parameters, and the states of optimizers, moving
/// averages and random generators, each under a name of the caller's, beside single numbers.
///
/// ```swift
/// var checkpoint = Checkpoint(step: 1200)
/// try checkpoint.store(network, as: "model")
/// try checkpoint.store(adam, as: "optimizer")
/// try checkpoint.store(random, as: "random")
/// try checkpoint.write(to: "run/last.safetensors")
/// ```
///
/// On disk it is a safetensors file: parameter "layers.0.weight" of the model above is the tensor
/// "model/layers.0.weight", so that other programs can read it. The position in a learning-rate
/// schedule is the optimizer's step. Settings such as rates and decays are the program's and not
/// stored.
public struct Checkpoint: Sendable {
  /// How many steps of the training have been made.
  public let step: Int
  /// By "part/name".
  private var tensors: [String: Tensor] = [:]
  private var parts: Set<String> = []
  /// All stored numbers by name.
  public private(set) var numbers: [String: Double] = [:]

  /// Behind the number of steps; 0 or more.
  public init(step: Int) {
    require(step >= 0, "Checkpoint: step \(step), expected 0 or more")
    self.step = step
  }

  // MARK: Storing

  /// Stores the parameters of a model, a scene, a camera.
  ///
  /// - Throws: ``CheckpointError/name(_:reason:)`` for a name that is in use or holds a "/".
  public mutating func store(_ model: some Parameterized, as part: String) throws {
    try store(Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.path, $0.value) }), part)
  }

  /// Stores what an optimizer, a moving average or a random generator remembers.
  ///
  /// - Throws: ``CheckpointError/name(_:reason:)`` for a name that is in use or holds a "/".
  public mutating func store(_ value: some Restorable, as part: String) throws {
    try store(value.state, part)
  }

  /// Stores any number, to the bit: a loss, an epoch.
  ///
  /// - Throws: ``CheckpointError/name(_:reason:)`` for a name that is in use.
  public mutating func store(_ number: Double, as name: String) throws {
    guard numbers[name] == nil else { throw CheckpointError.name(name, reason: "is in use") }
    numbers[name] = number
  }

  private mutating func store(_ values: [String: Tensor], _ part: String) throws {
    guard !part.isEmpty && !part.contains("/") else {
      throw CheckpointError.name(part, reason: "is empty or holds a \"/\"")
    }
    guard parts.insert(part).inserted else {
      throw CheckpointError.name(part, reason: "is in use")
    }
    for (name, value) in values { tensors["\(part)/\(name)"] = value.stoppingGradient() }
  }

  // MARK: Loading

  /// The names of all stored parts, in alphabetical order.
  public var partNames: [String] { parts.sorted() }

  /// What was stored in a part, by parameter name.
  ///
  /// - Throws: ``CheckpointError/missingPart(_:known:)``.
  public func tensors(of part: String) throws -> [String: Tensor] {
    guard parts.contains(part) else {
      throw CheckpointError.missingPart(part, known: partNames)
    }
    let prefix = part + "/"
    let own = tensors.filter { $0.key.hasPrefix(prefix) }
    return Dictionary(
      uniqueKeysWithValues: own.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
  }

  /// A number by name.
  ///
  /// - Throws: ``CheckpointError/missingPart(_:known:)``.
  public func number(_ name: String) throws -> Double {
    guard let number = numbers[name] else {
      throw CheckpointError.missingPart(name, known: numbers.keys.sorted())
    }
    return number
  }

  /// Which names of a model and of a checkpoint have no partner, in alphabetical order.
  public struct Mismatch: Sendable, Equatable {
    /// Parameters of the model that were not stored; they stay as they were.
    public var missing: [String] = []
    /// Stored tensors that the model does not have.
    public var unexpected: [String] = []
    public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty }
  }

  /// Gives a model the parameters that were stored under the same paths.
  ///
  /// - Parameters:
  ///   - model: unchanged if anything is thrown.
  ///   - part: the name it was stored as.
  ///   - strict: whether all names must have a partner. Without it, as for fine-tuning, those
  ///     without are returned.
  /// - Throws: ``CheckpointError`` for a missing part, names without partner, and, strict or not,
  ///   another shape or dtype.
  @discardableResult
  public func load<Model: Parameterized>(
    _ model: inout Model, from part: String, strict: Bool = true
  ) throws -> Mismatch {
    let stored = try tensors(of: part)
    let parameters = model.parameters
    let names = Set(parameters.map(\.path))
    let mismatch = Mismatch(
      missing: names.subtracting(stored.keys).sorted(),
      unexpected: Set(stored.keys).subtracting(names).sorted())
    if strict && !mismatch.isEmpty {
      throw CheckpointError.names(
        part: part, missing: mismatch.missing, unexpected: mismatch.unexpected)
    }
    for (path, value) in parameters {
      guard let new = stored[path] else { continue }
      guard new.shape == value.shape else {
        throw CheckpointError.shape(
          parameter: "\(part)/\(path)", expected: value.shape, actual: new.shape)
      }
      guard new.dtype == value.dtype else {
        throw CheckpointError.dtype(
          parameter: "\(part)/\(path)", expected: value.dtype, actual: new.dtype)
      }
    }
    model = model.mapParameters { path, value in stored[path] ?? value }
    return mismatch
  }

  /// Lets an optimizer, a moving average or a random generator continue from its stored state.
  ///
  /// - Throws: ``CheckpointError`` for a missing part or a state that is none of the value's.
  ///   Nothing has changed then.
  public func restore(_ value: inout some Restorable, from part: String) throws {
    let state = try tensors(of: part)
    do {
      try value.restore(state)
    } catch {
      throw CheckpointError.state(part: part, reason: "\(error)")
    }
  }
}

// MARK: - Files

extension Checkpoint {
  /// Of the layout below; a reader refuses others.
  private static let format = "lumigrad-checkpoint-1"

  /// Writes one file in place of the old one, at once: whenever the program or the machine stops,
  /// either the old or the new one is there, whole.
  ///
  /// - Throws: `FileError`; the old file stays as it was.
  public func write(to path: String) throws {
    // Text would lose the bits of numbers that are not finite.
    let bits = numbers.mapValues { String($0.bitPattern, radix: 16) }
    let metadata = [
      "format": Self.format, "step": "\(step)", "parts": try Self.text(partNames),
      "numbers": try Self.text(bits),
    ]
    try SafetensorsFile.write(tensors, metadata: metadata, to: path)
  }

  /// Reads what ``write(to:)`` wrote.
  ///
  /// - Throws: `FileError` for a file that is broken, ``CheckpointError/notACheckpoint(_:)`` for
  ///   another safetensors file.
  public init(contentsOf path: String, limits: ReadLimits = .standard) throws {
    let content = try SafetensorsFile.read(path, limits: limits)
    let metadata = content.metadata
    guard metadata["format"] == Self.format else {
      throw CheckpointError.notACheckpoint("\(path) lacks the mark \(Self.format)")
    }
    guard let step = metadata["step"].flatMap({ Int($0) }), step >= 0 else {
      throw CheckpointError.notACheckpoint("\(path) has no step")
    }
    self.init(step: step)
    guard let names: [String] = Self.value(metadata["parts"]),
      let bits: [String: String] = Self.value(metadata["numbers"])
    else { throw CheckpointError.notACheckpoint("\(path) has no lists of parts and numbers") }
    parts = Set(names)
    for (name, text) in bits {
      guard let pattern = UInt64(text, radix: 16) else {
        throw CheckpointError.notACheckpoint("\(path): the number \"\(name)\" is broken")
      }
      numbers[name] = Double(bitPattern: pattern)
    }
    for (name, tensor) in content.tensors {
      guard let slash = name.firstIndex(of: "/"), parts.contains(String(name[..<slash])) else {
        throw CheckpointError.notACheckpoint("\(path): the tensor \"\(name)\" is of no part")
      }
      tensors[name] = tensor
    }
  }

  private static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  private static func value<Value: Decodable>(_ text: String?) -> Value? {
    text.flatMap { try? JSONDecoder().decode(Value.self, from: Data($0.utf8)) }
  }
}
