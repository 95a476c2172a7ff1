import CLumiKernels
import LumiRendering
import LumiTensor

/// What is left out where splats are blended. Every limit is a step in the picture where something
/// crosses it.
public struct SplatLimits: Sendable, Equatable {
  /// No splat covers more of a pixel; in (0, 1). Default 0.99, as published.
  public var largestAlpha = 0.99
  /// Splats that cover less of a pixel are left out there; above 0, at most `largestAlpha`. Default
  /// 1/255, as published.
  public var leastAlpha = 1.0 / 255
  /// Splats that would let less than this of the light behind them pass are left out, with all that
  /// is behind them; in [0, 1). Default 1e-4, as published.
  public var leastTransmittance = 1e-4

  /// The published limits.
  public init() {}

  func check(method: String) throws {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ actual: Double) throws {
      guard !holds else { return }
      throw RenderError.invalid(
        method: method, parameter: name, expected: expected, actual: "\(actual)")
    }
    try require(
      largestAlpha > 0 && largestAlpha < 1, "limits.largestAlpha", "in (0, 1)", largestAlpha)
    try require(
      leastAlpha > 0 && leastAlpha <= largestAlpha, "limits.leastAlpha",
      "above 0, at most \(largestAlpha)", leastAlpha)
    try require(
      leastTransmittance >= 0 && leastTransmittance < 1, "limits.leastTransmittance", "in [0, 1)",
      leastTransmittance)
  }
}

/// How splats are blended.
public enum SplatEvaluation: Sendable, Equatable {
  /// By a fused kernel; it has no second derivative.
  case kernel
  /// By tensor operations on every pair of a splat and a pixel: derivatives of any order, for small
  /// scenes.
  case tensors
}

/// Splats on an image, to be blended front to back; see `lumi_splats.h`.
struct SplatBlending {
  enum Kind {
    case projected
    /// Factor of squared pixels on the screen, and the depth up to which rays do not count.
    case surfel(screenFactor: Double, nearestDepth: Double)
  }

  let kind: Kind
  let width, height: Int
  let limits: SplatLimits
  /// [M] int32, front to back.
  let order: Tensor
  /// [N, 2], pixels.
  let places: Tensor
  /// [N, 3] inverse covariances, or [N, 9] rows of surfels' matrices.
  let forms: Tensor
  /// [N].
  let opacities: Tensor
  /// [N, K].
  let values: Tensor

  private var inputs: [Tensor] { [places, forms, opacities, values] }

  /// [height, width, K + 1], for surfels K + 2 with the depth: weighted sums, and last the sum of
  /// weights.
  func callAsFunction(_ evaluation: SplatEvaluation, method: String) throws -> Tensor {
    guard values.shape[1] <= Int(LUMI_SPLAT_MAXIMUM_FEATURES) else {
      throw RenderError.invalid(
        method: method, parameter: "gaussians.harmonics",
        expected: "at most \(Int(LUMI_SPLAT_MAXIMUM_FEATURES) - 4) channels",
        actual: "\(values.shape[1]) values to blend")
    }
    return evaluation == .tensors ? blendedByTensors() : try blendedByKernel(method)
  }

  private func blendedByKernel(_ method: String) throws -> Tensor {
    let plain = SplatBlending(
      kind: kind, width: width, height: height, limits: limits, order: order,
      places: places.stoppingGradient(), forms: forms.stoppingGradient(),
      opacities: opacities.stoppingGradient(), values: values.stoppingGradient())
    let image = Tensor.zeros([height, width, planes], dtype: places.dtype)
    var scene = plain.kernelScene
    guard lumi_splats_forward(&scene, image.storage.pointer) == LUMI_RASTER_OK else {
      throw RenderError.outOfMemory(
        method: method, detail: "\(order.count) splats on \(height)×\(width) pixels")
    }
    return customOperation("splatBlending", inputs: inputs, outputs: [image]) { cotangents, _ in
      plain.gradients(image: image, cotangent: cotangents[0]!)
    }[0]
  }

  private func gradients(image: Tensor, cotangent: Tensor) -> [Tensor] {
    let result = inputs.map { Tensor.zeros(like: $0) }
    var scene = kernelScene
    var gradients = lumi_splat_gradients(
      places: result[0].storage.pointer, forms: result[1].storage.pointer,
      opacities: result[2].storage.pointer, values: result[3].storage.pointer)
    let status = lumi_splats_backward(
      &scene, image.storage.pointer, cotangent.storage.pointer, &gradients)
    require(status == LUMI_RASTER_OK, "splatBlending: backward ran out of memory")
    return result
  }

  private var planes: Int {
    if case .projected = kind { return values.shape[1] + 1 }
    return values.shape[1] + 2
  }

  private var kernelScene: lumi_splat_scene {
    var scene = lumi_splat_scene()
    scene.real = places.dtype == .float32 ? LUMI_FLOAT32 : LUMI_FLOAT64
    scene.kind = LUMI_SPLAT_PROJECTED
    if case .surfel(let screenFactor, let nearestDepth) = kind {
      scene.kind = LUMI_SPLAT_SURFEL
      scene.screen_factor = screenFactor
      scene.nearest_depth = nearestDepth
    }
    (scene.height, scene.width) = (Int64(height), Int64(width))
    (scene.splats, scene.features) = (Int64(values.shape[0]), Int64(values.shape[1]))
    scene.listed = Int64(order.count)
    scene.order = UnsafePointer(order.storage.pointer.assumingMemoryBound(to: Int32.self))
    scene.places = UnsafeRawPointer(places.storage.pointer)
    scene.forms = UnsafeRawPointer(forms.storage.pointer)
    scene.opacities = UnsafeRawPointer(opacities.storage.pointer)
    scene.values = UnsafeRawPointer(values.storage.pointer)
    scene.largest_alpha = limits.largestAlpha
    scene.least_alpha = limits.leastAlpha
    scene.least_transmittance = limits.leastTransmittance
    return scene
  }
}
