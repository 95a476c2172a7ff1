import LumiRendering

/// How a case ended.
public enum CaseStatus: String, Sendable, Codable, CaseIterable {
  /// The method's claim was tested and holds.
  case pass
  /// The claim does not hold, or the method failed to draw.
  case fail
  /// There is nothing to hold the method to: the figures are for the reader.
  case reported
  /// The method's representation cannot hold the scene, or the claim is "none".
  case skipped
}

/// One method's derivative of one problem: consistent, true, finite, repeatable.
public struct DerivativeResult: Sendable, Codable, Equatable {
  public var method: String
  public var problem: String
  public var group: ParameterGroup
  public var claim: GradientKind
  public var status: CaseStatus
  /// What failed, with the parameter's name; or why the case was skipped.
  public var messages: [String]
  /// For exact claims: against central differences of the method's own forward pass.
  public var consistency: ConsistencyScore?
  /// For estimators: the mean over seeds against the truth.
  public var estimate: EstimatorScore?
  /// Against the exact area-sampled image; nil where the method gives no such channel.
  public var truth: TruthScore?
  /// Numbers in images and gradients that are not finite.
  public var nonFinite: Int
  /// Whether a second run, with another number of threads, gave the same bits; nil if it did not
  /// come to that.
  public var bitEqual: Bool?
  /// The derivative images of the first parameters.
  public var pictures: [GradientPicture]

  public init(
    method: String, problem: String, group: ParameterGroup, claim: GradientKind,
    status: CaseStatus, messages: [String] = []
  ) {
    self.method = method
    self.problem = problem
    self.group = group
    self.claim = claim
    self.status = status
    self.messages = messages
    nonFinite = 0
    pictures = []
  }
}

/// A gradient against central differences of the method's own forward pass, float64.
public struct ConsistencyScore: Sendable, Codable, Equatable {
  /// Of the worst entry, for the best of several step sizes.
  public var relativeError: Double
  public var worstParameter: String
  /// The worst entry's derivative as the method gives it, and as differences give it.
  public var analytic: Double
  public var numeric: Double
  /// The largest derivative's magnitude: zeros that agree with zeros show here.
  public var largestDerivative: Double

  public init(
    relativeError: Double, worstParameter: String, analytic: Double, numeric: Double,
    largestDerivative: Double
  ) {
    self.relativeError = relativeError
    self.worstParameter = worstParameter
    self.analytic = analytic
    self.numeric = numeric
    self.largestDerivative = largestDerivative
  }
}

/// The mean of a random gradient over seeds against the exact one.
public struct EstimatorScore: Sendable, Codable, Equatable {
  public var samples: Int
  /// The entry farthest from the truth in standard errors.
  public var worstParameter: String
  public var mean: Double
  public var expected: Double
  public var standardError: Double
  /// |mean - expected| over the standard error.
  public var deviations: Double

  public init(
    samples: Int, worstParameter: String, mean: Double, expected: Double, standardError: Double,
    deviations: Double
  ) {
    self.samples = samples
    self.worstParameter = worstParameter
    self.mean = mean
    self.expected = expected
    self.standardError = standardError
    self.deviations = deviations
  }
}

/// A method's image and gradient against the exact area-sampled ones.
///
/// The gradient figures are over all entries of the vector and several smooth weight images, every
/// entry divided by the truth's norm for it, so that units do not matter. They are nil where the
/// truth did not converge.
public struct TruthScore: Sendable, Codable, Equatable {
  /// How the truth was computed: "closed form", or line sampling with its density.
  public var source: String
  /// The truth's own relative error, estimated: the larger of image and derivative.
  public var truthError: Double
  /// |image - truth| / |truth|, Euclidean.
  public var imageError: Double?
  /// 1 is the right direction, 0 none, -1 the opposite.
  public var cosine: Double?
  /// |gradient - truth| / |truth|: 0 is right, 1 is what zero would score.
  public var relativeL2: Double?
  /// Share of derivatives with the truth's sign, where the truth's is not near zero.
  public var signAgreement: Double?
  /// Share of pixels whose derivative is exactly zero for every parameter where truth's is not.
  public var zeroShare: Double?
  /// Cosine between the derivative images, pixel by pixel, over all parameters.
  public var pixelCosine: Double?

  public init(source: String, truthError: Double) {
    self.source = source
    self.truthError = truthError
  }
}

/// One parameter's derivative image, of the truth and of a method, in signed bytes.
public struct GradientPicture: Sendable, Codable, Equatable {
  public var parameter: String
  public var width: Int
  public var height: Int
  /// The derivative that ±127 stands for; larger ones are cut.
  public var scale: Double
  /// Rows from the top, one signed byte a pixel, in base64.
  public var truth: String
  public var method: String

  public init(
    parameter: String, width: Int, height: Int, scale: Double, truth: String, method: String
  ) {
    self.parameter = parameter
    self.width = width
    self.height = height
    self.scale = scale
    self.truth = truth
    self.method = method
  }
}
