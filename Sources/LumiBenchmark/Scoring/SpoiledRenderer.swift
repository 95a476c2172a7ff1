import LumiRendering
import LumiScene
import LumiTensor
import Synchronization

/// A renderer whose gradient is spoiled on purpose and whose pictures are not: what a benchmark must
/// notice.
struct SpoiledRenderer<Base: Renderer>: Renderer {
  let base: Base
  let fault: GradientFault
  /// Nil spoils what comes back through the pictures, and thus all parameters. Otherwise the
  /// parameters whose path ("camera.translation", "mesh.vertices", "light.0.intensity") is chosen.
  let isChosen: (@Sendable (_ path: String) -> Bool)?

  static var method: MethodDescription { Base.method }

  func render(_ scene: Scene<Base.Shape>, from camera: Camera) throws -> RenderOutput {
    guard let isChosen else { return try spoiled(base.render(scene, from: camera)) }
    let scene = scene.mapParameters { isChosen($0) ? fault.applied(to: $1) : $1 }
    let camera = camera.mapParameters { isChosen("camera." + $0) ? fault.applied(to: $1) : $1 }
    return try base.render(scene, from: camera)
  }

  private func spoiled(_ output: RenderOutput) throws -> RenderOutput {
    var images: [RenderChannel: Tensor] = [:]
    for channel in output.channels {
      let image = try output[channel]
      images[channel] = image.dtype.isFloatingPoint ? fault.applied(to: image) : image
    }
    return RenderOutput(
      method: output.method, height: output.height, width: output.width, images: images)
  }
}

extension SpoiledRenderer: StochasticRenderer where Base: StochasticRenderer {
  func seeded(_ seed: UInt64) -> SpoiledRenderer {
    SpoiledRenderer(base: base.seeded(seed), fault: fault, isChosen: isChosen)
  }
}

extension AnyRenderer {
  /// The same method with a spoiled gradient.
  ///
  /// - Parameters:
  ///   - fault: what is done to it.
  ///   - isChosen: which parameters' gradients; nil for all, through the pictures.
  public func spoiled(
    _ fault: GradientFault, where isChosen: (@Sendable (_ path: String) -> Bool)? = nil
  ) -> AnyRenderer {
    func spoil<Base: Renderer>(_ base: Base) -> any Renderer {
      SpoiledRenderer(base: base, fault: fault, isChosen: isChosen)
    }
    return wrapped { spoil($0) }
  }
}

extension GradientFault {
  /// The same elements with a derivative that is not theirs.
  func applied(to value: Tensor) -> Tensor {
    let copy = value.detachedCopy()
    return customOperation("spoiled gradient", inputs: [value], outputs: [copy]) { cotangents, _ in
      cotangents.map { $0.map(spoil) }
    }[0]
  }

  /// How many noisy gradients there were: no two are alike, as with unseeded generators.
  private static let noiseCount = Atomic<UInt64>(0)

  private func spoil(_ cotangent: Tensor) -> Tensor {
    switch self {
    case .zero: return cotangent * 0
    case .flipped: return -cotangent
    case .doubled: return cotangent * 2
    case .noisy:
      let count = Self.noiseCount.add(1, ordering: .relaxed).newValue
      var random = RandomGenerator(seed: 7, stream: count)
      return cotangent
        * random.normal(cotangent.shape, mean: 1, deviation: 0.1, dtype: cotangent.dtype)
    case .offByOnePixel:
      guard cotangent.rank >= 2, cotangent.shape[1] > 1 else { return cotangent }
      return cotangent.slice(axis: 1, from: 1, to: cotangent.shape[1])
        .padded(axis: 1, before: 0, after: 1)
    }
  }
}

extension Tensor {
  /// Fresh memory with the same elements.
  fileprivate func detachedCopy() -> Tensor { stoppingGradient() * 1 }
}
