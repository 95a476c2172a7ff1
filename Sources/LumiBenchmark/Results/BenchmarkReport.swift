import Foundation
import LumiRendering
import LumiTensor

/// How thorough a run is.
public enum BenchmarkMode: String, Sendable, Codable, CaseIterable {
  /// A few minutes for a handful of methods.
  case quick
  /// Longer optimisations and more sizes.
  case full
}

/// All results of one run, as written to `results.json`; the schema is in Docs/Benchmark.md.
public struct BenchmarkReport: Sendable, Codable, Equatable {
  /// Raised whenever a reader of the file would have to change.
  public static let currentSchema = 1

  public var schema: Int
  /// ``GradientProblem/version``.
  public var problemsVersion: Int
  public var mode: BenchmarkMode
  public var environment: BenchmarkEnvironment
  public var methods: [MethodRecord]
  public var problems: [ProblemRecord]
  public var derivatives: [DerivativeResult]
  public var optimisations: [OptimisationResult]
  public var sweeps: [SweepResult]
  public var costs: [CostResult]
  public var controls: [ControlResult]

  public init(
    mode: BenchmarkMode, environment: BenchmarkEnvironment, methods: [MethodRecord],
    problems: [ProblemRecord]
  ) {
    schema = Self.currentSchema
    problemsVersion = GradientProblem.version
    self.mode = mode
    self.environment = environment
    self.methods = methods
    self.problems = problems
    derivatives = []
    optimisations = []
    sweeps = []
    costs = []
    controls = []
  }
}

/// Where a run was made.
public struct BenchmarkEnvironment: Sendable, Codable, Equatable {
  public var processor: String
  public var threads: Int
  public var kernels: String
  public var matrixLibrary: String
  public var system: String
  /// ISO 8601, UTC.
  public var date: String

  public init(
    processor: String, threads: Int, kernels: String, matrixLibrary: String, system: String,
    date: String
  ) {
    self.processor = processor
    self.threads = threads
    self.kernels = kernels
    self.matrixLibrary = matrixLibrary
    self.system = system
    self.date = date
  }
}

/// A method in JSON.
public struct MethodRecord: Sendable, Codable, Equatable {
  public var id: String
  public var name: String
  public var representation: String
  public var type: String
  public var strengths: String
  public var limits: String
  public var citation: String
  /// Parameter group to kind of gradient, all groups.
  public var claims: [String: String]

  public init(_ method: MethodDescription) {
    id = method.id
    name = method.name
    representation = method.representation.rawValue
    type = method.type
    strengths = method.strengths
    limits = method.limits
    citation = method.citation
    claims = Dictionary(
      uniqueKeysWithValues: ParameterGroup.allCases.map {
        ($0.rawValue, method.claim($0).rawValue)
      })
  }
}

/// A problem in JSON.
public struct ProblemRecord: Sendable, Codable, Equatable {
  public var name: String
  public var group: ParameterGroup
  public var summary: String
  public var parameters: [String]
  public var channel: String
  public var hasDerivative: Bool
  public var hasOptimisation: Bool
  /// Whether bodies cast shadows; nil in results from before problems did.
  public var hasShadows: Bool?

  public init(_ problem: GradientProblem) {
    name = problem.name
    group = problem.group
    summary = problem.summary
    parameters = problem.parameters
    channel = problem.channel.name
    hasDerivative = problem.point != nil
    hasOptimisation = problem.task != nil
    hasShadows = (problem.point ?? problem.task?.target).map {
      !problem.scene(Tensor($0)).shadows.isEmpty
    }
  }
}

/// The one way results become JSON and come back: sorted keys in snake case; numbers that are not
/// finite as the strings "inf", "-inf" and "nan".
public enum BenchmarkCoding {
  public static func data(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(value) + Data("\n".utf8)
  }

  public static func value<Value: Decodable>(
    _ type: Value.Type = Value.self, from data: Data
  ) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: data)
  }
}
