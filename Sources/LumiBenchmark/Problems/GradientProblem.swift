import LumiRendering
import LumiScene
import LumiTensor

/// A small scene that depends on a small vector of named parameters, stated once for every
/// representation.
///
/// As a derivative, the first view is differentiated at one point and compared with the truth. As
/// an optimisation, all views shall be made to look like the exact views of a target.
public struct GradientProblem: Sendable {
  /// `group/what`, for instance "geometry/sphere-scale". Unique within a suite.
  public let name: String
  /// The parameters' group, which picks the claim that is tested.
  public let group: ParameterGroup
  /// One line on what is shown and what moves.
  public let summary: String
  /// A name for every entry of the vector.
  public let parameters: [String]
  /// What is compared with the truth: `RenderChannel.alpha` or `RenderChannel.color`.
  public let channel: RenderChannel
  /// Where the derivative is taken; nil for a problem that is an optimisation only.
  public let point: [Double]?
  /// How finely curved bodies are cut; see ``BenchmarkShape/representing(_:material:detail:)``.
  public let detail: Int
  /// The optimisation; nil for a problem that is a derivative only.
  public let task: OptimisationTask?
  /// The scene for a value of the vector, float64.
  public let scene: @Sendable (Tensor) -> ProblemScene

  /// See the properties. `parameters`, `point` and the task's vectors have one length.
  public init(
    name: String, group: ParameterGroup, summary: String, parameters: [String],
    channel: RenderChannel, point: [Double]?, detail: Int = 2, task: OptimisationTask? = nil,
    scene: @escaping @Sendable (Tensor) -> ProblemScene
  ) {
    let lengths = [point?.count, task?.target.count].compactMap { $0 }
    require(
      !parameters.isEmpty && lengths.allSatisfy { $0 == parameters.count },
      "GradientProblem \(name): \(parameters.count) parameters, vectors of \(lengths)")
    require(
      channel == .alpha || channel == .color,
      "GradientProblem \(name): channel \(channel), expected alpha or color")
    self.name = name
    self.group = group
    self.summary = summary
    self.parameters = parameters
    self.channel = channel
    self.point = point
    self.detail = detail
    self.task = task
    self.scene = scene
  }

  /// How the exact images are lit, and how methods must light to agree with them: at the vertices,
  /// with highlights.
  public static let shader = Shader(evaluation: .vertex, reflection: .phong)
}

/// Making pictures look like those of a target by gradient descent, from many starts.
public struct OptimisationTask: Sendable {
  /// What the final error is measured in.
  public enum Measure: Sendable {
    /// A distance from the target in a unit of its own.
    case parameters(unit: String, error: @Sendable (_ parameters: [Double]) -> Double)
    /// 1 - the intersection over union of the exact silhouettes, mean over all views.
    case silhouettes

    public var unit: String {
      switch self {
      case .parameters(let unit, _): unit
      case .silhouettes: "1 - IoU"
      }
    }
  }

  /// The parameters that the target's pictures are made with.
  public let target: [Double]
  public let measure: Measure
  /// The error at which a run counts as a success.
  public let threshold: Double
  /// Adam's, falling to a tenth along a half cosine.
  public let learningRate: Double
  /// A start for a generator.
  public let start: @Sendable (inout RandomGenerator) -> [Double]

  public init(
    target: [Double], measure: Measure, threshold: Double, learningRate: Double,
    start: @escaping @Sendable (inout RandomGenerator) -> [Double]
  ) {
    self.target = target
    self.measure = measure
    self.threshold = threshold
    self.learningRate = learningRate
    self.start = start
  }
}
