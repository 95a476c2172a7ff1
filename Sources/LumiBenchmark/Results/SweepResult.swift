/// A method's bias against the truth as a function of its softness.
public struct SweepResult: Sendable, Codable, Equatable {
  public var method: String
  /// The softness parameter's name, such as "sigma".
  public var parameter: String
  public var problem: String
  public var status: CaseStatus
  public var messages: [String]
  /// From soft to sharp.
  public var points: [SweepPoint]

  public init(
    method: String, parameter: String, problem: String, status: CaseStatus,
    messages: [String] = [], points: [SweepPoint] = []
  ) {
    self.method = method
    self.parameter = parameter
    self.problem = problem
    self.status = status
    self.messages = messages
    self.points = points
  }
}

/// The bias at one value of the softness; see ``TruthScore``.
public struct SweepPoint: Sendable, Codable, Equatable {
  public var value: Double
  public var imageError: Double
  public var cosine: Double
  public var relativeL2: Double

  public init(value: Double, imageError: Double, cosine: Double, relativeL2: Double) {
    self.value = value
    self.imageError = imageError
    self.cosine = cosine
    self.relativeL2 = relativeL2
  }
}

/// Whether the suite notices a gradient that was spoiled on purpose.
public struct ControlResult: Sendable, Codable, Equatable {
  /// What was done to the gradient.
  public var fault: GradientFault
  /// The real method that was spoiled, and where.
  public var method: String
  public var problem: String
  /// The column that must notice.
  public var column: String
  /// The column's figure for the real method and for the spoiled one.
  public var clean: Double
  public var spoiled: Double
  public var isCaught: Bool

  public init(
    fault: GradientFault, method: String, problem: String, column: String, clean: Double,
    spoiled: Double, isCaught: Bool
  ) {
    self.fault = fault
    self.method = method
    self.problem = problem
    self.column = column
    self.clean = clean
    self.spoiled = spoiled
    self.isCaught = isCaught
  }
}

/// A way to spoil a gradient without touching the picture.
public enum GradientFault: String, Sendable, Codable, CaseIterable {
  case zero, flipped, doubled, noisy
  case offByOnePixel = "off-by-one-pixel"
}
