import CLumiKernels
import Foundation
import LumiRendering
import LumiScene
import LumiTensor

/// A body as a cloud of blurred balls: opaque in their middles, transparent towards their borders.
///
/// At x, blob q has the density c exp(-|x - centre|²/(2σ²)): how much light is absorbed, and shines,
/// per world unit. All tensors share a dtype.
public struct GaussianBlobs: Sendable {
  /// [Q, 3] in the world.
  public var centers: Tensor
  /// [Q], above 0.
  public var sigmas: Tensor
  /// [Q], at least 0: the density c in the middle.
  public var densities: Tensor
  /// [Q, C], linear.
  public var colors: Tensor

  public init(centers: Tensor, sigmas: Tensor, densities: Tensor, colors: Tensor) {
    self.centers = centers
    self.sigmas = sigmas
    self.densities = densities
    self.colors = colors
  }

  public var count: Int { sigmas.count }
}

/// Where along a blob's stretch of a ray it is looked at, in multiples of σ from its middle.
public struct BlobSampling: Sendable, Equatable {
  let places: [Double]
  let weights: [Double]

  /// Five places in the front half, one σ apart, as Rhodin et al. take: for opaque bodies, whose
  /// rear halves are in their own shadow. For thin ones up to half of the light is missing.
  public static let published = BlobSampling(
    places: (-4...0).map(Double.init), weights: [Double](repeating: 1, count: 5))

  /// Gauss-Legendre quadrature over ±7σ: the integral to about 1e-9 with 64 places.
  ///
  /// - Parameter places: how many, at least 1.
  public static func integral(places: Int = 64) -> BlobSampling {
    require(places >= 1, "BlobSampling.integral: \(places) places")
    let rule = gaussLegendre(places)
    return BlobSampling(
      places: rule.map { 7 * $0.place }, weights: rule.map { 7 * $0.weight })
  }

  /// Nodes on [-1, 1]: roots of the Legendre polynomial by Newton's method.
  private static func gaussLegendre(_ count: Int) -> [(place: Double, weight: Double)] {
    (0..<count).map { index in
      var x = cos(Double.pi * (Double(index) + 0.75) / (Double(count) + 0.5))
      var slope = 1.0
      for _ in 0..<100 {
        var (previous, value) = (1.0, x)
        for n in stride(from: 2, through: count, by: 1) {
          let k = Double(n)
          (previous, value) = (value, ((2 * k - 1) * x * value - (k - 1) * previous) / k)
        }
        slope = count == 1 ? 1 : Double(count) * (x * value - previous) / (x * x - 1)
        let step = value / slope
        x -= step
        if step.magnitude < 1e-15 { break }
      }
      return (x, 2 / ((1 - x * x) * slope * slope))
    }
  }
}

extension GaussianBlobs {
  /// What rays see: colour over the background, and 1 - the light that passes, [rays, C + 1].
  ///
  /// One kernel forward and one backward, in double whatever the dtype; no second derivative.
  ///
  /// - Parameters:
  ///   - rays: origins and unit directions [N, 3].
  ///   - background: [C].
  ///   - sampling: how visibility is integrated.
  ///   - cutoff: blobs farther from a ray than this many σ are left out; above 0. On the last σ
  ///     before, densities fall smoothly to 0, so that the picture has no steps.
  func trace(
    _ rays: CameraRays, background: Tensor, sampling: BlobSampling, cutoff: Double
  ) -> Tensor {
    let dtype = background.dtype
    let inputs = [
      rays.origins, rays.directions, centers, sigmas, densities, colors, background,
    ].map { $0.cast(to: .float64) }
    let scene = BlobScene(inputs: inputs.map { $0.stoppingGradient() }, sampling, cutoff)
    let image = scene.forward().image
    return customOperation("gaussianBlobs", inputs: inputs, outputs: [image]) { cotangents, _ in
      scene.backward(cotangents[0]!)
    }[0].cast(to: dtype)
  }

  /// V of every ray and blob [rays, Q], without a derivative.
  func visibility(_ rays: CameraRays, sampling: BlobSampling, cutoff: Double) -> Tensor {
    let inputs = [
      rays.origins, rays.directions, centers, sigmas, densities, colors,
      Tensor.zeros([colors.shape[1]], dtype: .float64),
    ].map { $0.stoppingGradient().cast(to: .float64) }
    return BlobScene(inputs: inputs, sampling, cutoff).forward(withVisibility: true).visibility!
  }
}

/// The kernel's view of rays, blobs and background.
private struct BlobScene: @unchecked Sendable {
  /// Origins, directions, centres, widths, densities, colours, background.
  let inputs: [Tensor]
  private let places: Tensor
  private let weights: Tensor
  private let cutoff: Double

  init(inputs: [Tensor], _ sampling: BlobSampling, _ cutoff: Double) {
    self.inputs = inputs
    places = Tensor(sampling.places)
    weights = Tensor(sampling.weights)
    self.cutoff = cutoff
  }

  private var rays: Int { inputs[0].shape[0] }
  private var blobs: Int { inputs[3].count }
  private var channels: Int { inputs[6].count }

  private func real(_ tensor: Tensor) -> UnsafeMutablePointer<Double> {
    tensor.kernelPointer.assumingMemoryBound(to: Double.self)
  }

  private var kernel: lumi_blob_scene {
    lumi_blob_scene(
      rays: Int64(rays), blobs: Int64(blobs), channels: Int64(channels),
      nodes: Int64(places.count), origins: real(inputs[0]), directions: real(inputs[1]),
      centers: real(inputs[2]), sigmas: real(inputs[3]), densities: real(inputs[4]),
      colors: real(inputs[5]), background: real(inputs[6]), places: real(places),
      weights: real(weights), cutoff: cutoff)
  }

  func forward(withVisibility: Bool = false) -> (image: Tensor, visibility: Tensor?) {
    let image = Tensor.unfilled([rays, channels + 1], .float64)
    let visibility = withVisibility ? Tensor.unfilled([rays, blobs], .float64) : nil
    var scene = kernel
    let status = lumi_blobs_forward(&scene, real(image), visibility.map { real($0) })
    require(status == LUMI_RASTER_OK, "gaussianBlobs: out of memory for \(rays) rays")
    return (image, visibility)
  }

  func backward(_ cotangent: Tensor) -> [Tensor?] {
    let result = inputs.map { Tensor.unfilled($0.shape, .float64) }
    var scene = kernel
    var gradients = lumi_blob_gradients(
      origins: real(result[0]), directions: real(result[1]), centers: real(result[2]),
      sigmas: real(result[3]), densities: real(result[4]), colors: real(result[5]),
      background: real(result[6]))
    let status = lumi_blobs_backward(&scene, real(cotangent), &gradients)
    require(status == LUMI_RASTER_OK, "gaussianBlobs: backward ran out of memory")
    return result
  }
}
