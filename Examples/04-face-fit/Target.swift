import Lumigrad

/// The one picture to explain, and where a detector sees the landmarks in it.
struct Target {
  /// Pixels a side of the picture.
  static let size = 128
  /// Colour over black and coverage, [size, size, 4].
  let image: Tensor
  /// Pixels in the picture, [landmarks, 2].
  let landmarks: Tensor

  /// Draws the truth in another way than the fit does: light at every pixel, 16 samples a pixel, then
  /// noise on colours and landmarks.
  ///
  /// - Parameters:
  ///   - truth: what the fit shall find.
  ///   - model: the heads.
  ///   - noise: standard deviation of the colours' noise, linear.
  ///   - landmarkNoise: that of the landmarks' places, in pixels.
  ///   - seed: of the noise.
  init(
    of truth: Portrait, _ model: FaceModel, noise: Double, landmarkNoise: Double, seed: UInt64
  ) throws {
    var random = RandomGenerator(seed: seed, stream: 1)
    let shader = Shader(evaluation: .fragment, reflection: .lambert)
    let output = try HardRasterizer(shader: shader, channels: [.color, .alpha]).render(
      truth.scene(model), from: Self.camera(size: Self.size * 4))
    let alpha = try output[.alpha].expandingDims(at: 2)
    let image = Tensor.concatenate([try output[.color], alpha], axis: 2).pooled(4)
    let coverage = image.slice(axis: 2, from: 3, to: 4)
    let grain = random.normal([Self.size, Self.size, 3], deviation: noise) * coverage
    self.image = Tensor.concatenate(
      [image.slice(axis: 2, from: 0, to: 3) + grain, coverage], axis: 2)
    let places = Self.project(truth, model)
    landmarks = places + random.normal(places.shape, deviation: landmarkNoise)
  }

  /// The picture at a smaller size.
  func image(size: Int) -> Tensor {
    size == Self.size ? image : image.pooled(Self.size / size)
  }

  /// A camera six units before the head that sees 2.8 units of height there. Its intrinsics are
  /// known; where the head is, is not.
  static func camera(
    from eye: SIMD3<Double> = [0, 0, 6], size: Int
  ) -> Camera {
    Camera.perspective(
      from: eye, verticalFieldOfView: radians(degrees: 26), width: size, height: size)
  }

  /// Where a portrait's landmarks are seen, [landmarks, 2] in pixels of the target.
  static func project(_ portrait: Portrait, _ model: FaceModel) -> Tensor {
    let points = portrait.vertices(model).gather(model.landmarks)
    return camera(size: size).project(points).pixels
  }
}
