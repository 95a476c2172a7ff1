/// What one method costs, and how that grows.
public struct CostResult: Sendable, Codable, Equatable {
  public var method: String
  public var status: CaseStatus
  public var messages: [String]
  /// The calibration product of the same process on one thread, in milliseconds.
  public var calibrationMs: Double
  public var threads: Int
  /// Image sides from small to large, with one number of primitives.
  public var resolutions: [CostPoint]
  /// Numbers of primitives from small to large, at one resolution.
  public var primitives: [CostPoint]
  /// Fitted exponents of growth with the number of pixels, and with that of primitives: 1 is
  /// linear. Nil with fewer than three points.
  public var withPixels: GrowthExponents?
  public var withPrimitives: GrowthExponents?

  public init(
    method: String, status: CaseStatus, messages: [String] = [], calibrationMs: Double,
    threads: Int
  ) {
    self.method = method
    self.status = status
    self.messages = messages
    self.calibrationMs = calibrationMs
    self.threads = threads
    resolutions = []
    primitives = []
  }
}

/// The cost at one size.
public struct CostPoint: Sendable, Codable, Equatable {
  public var pixels: Int
  public var primitives: Int
  /// Medians.
  public var forwardMs: Double
  public var backwardMs: Double
  /// (forward + backward) / calibration.
  public var units: Double
  /// The same of the fastest run, which is what two reports are compared by.
  public var fastestUnits: Double
  /// The allocator's peak above what was live before.
  public var peakBytes: Int

  public init(
    pixels: Int, primitives: Int, forwardMs: Double, backwardMs: Double, units: Double,
    fastestUnits: Double, peakBytes: Int
  ) {
    self.pixels = pixels
    self.primitives = primitives
    self.forwardMs = forwardMs
    self.backwardMs = backwardMs
    self.units = units
    self.fastestUnits = fastestUnits
    self.peakBytes = peakBytes
  }
}

/// Slopes of straight lines through the logarithms, by least squares.
public struct GrowthExponents: Sendable, Codable, Equatable {
  public var forward: Double
  public var backward: Double
  public var bytes: Double

  public init(forward: Double, backward: Double, bytes: Double) {
    self.forward = forward
    self.backward = backward
    self.bytes = bytes
  }
}
