import LumiLearning
import LumiPoints
import LumiRendering
import LumiScene
import LumiTensor

extension EgoMotionWarp {
  /// Answers the vectors "rgbd": the ego-motion warp, and the stereo warp with its losses.
  static let reference = ReferenceAdapter(methods: ["rgbd"]) { vector in
    vector.tensors["pose"] == nil ? try stereo(vector) : try motion(vector)
  }

  private static func motion(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let source = try vector.tensor("source")
    let matrix = try vector.tensor("K")
    let (height, width) = (source.shape[0], source.shape[1])
    let intrinsics = matrix.slice(axis: 0, from: 0, to: 2)
    // Published pixel centres are at whole numbers.
    let principal = intrinsics.component(2) + 0.5
    let focal = Tensor.stack([intrinsics[0, 0], intrinsics[1, 1]])
    func camera(_ rotation: Tensor, _ translation: Tensor) -> Camera {
      Camera(
        rotation: rotation, translation: translation, focalLength: focal,
        principalPoint: principal, width: width, height: height, near: -.infinity, far: .infinity)
    }
    let target = camera(.eye(3, dtype: .float64), .zeros([3], dtype: .float64))
    func moved(_ pose: Tensor) -> Camera {
      let angles = pose.slice(axis: 0, from: 3, to: 6).clamped(min: -.pi, max: .pi)
      let turns = (0..<3).map { axis -> Tensor in
        Rotation.matrix(
          axis: Tensor.eye(3, dtype: .float64)[axis], angle: angles[axis])
      }
      return camera(
        turns[0].matmul(turns[1]).matmul(turns[2]), pose.slice(axis: 0, from: 0, to: 3))
    }
    let inputs = [source, try vector.tensor("depth"), try vector.tensor("pose")]
    let product = try vectorJacobianProduct(at: inputs) { inputs in
      let view = SourceView(image: inputs[0], camera: moved(inputs[2]), targetDepth: inputs[1])
      return [try EgoMotionWarp().render(Scene(view), from: target)[.color]]
    }
    let gradients = product.pullback([try vector.tensor("weights")])
    let points = target.unproject(pixels: target.pixelCentres(), depth: inputs[1])
    let pixels = moved(inputs[2]).project(points).pixels - 0.5
    return [
      "x": pixels.component(0), "y": pixels.component(1), "warped": product.values[0],
      "grad_source": gradients[0], "grad_depth": gradients[1], "grad_pose": gradients[2],
    ]
  }

  private static func stereo(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let warp = StereoWarp(border: try vector.string("mode") == "edge" ? .edge : .fading)
    let (right, disparity) = (try vector.tensor("right"), try vector.tensor("disparity"))
    let target = try vector.tensor("target_left")
    let partner = try vector.tensor("disparity_right")
    let product = vectorJacobianProduct(at: [right, disparity]) {
      [warp.reconstructed(from: $0[0], disparity: $0[1])]
    }
    let gradients = product.pullback([try vector.tensor("weights")])
    func terms(_ disparity: Tensor) -> [Tensor] {
      let estimate = warp.reconstructed(from: right, disparity: disparity)
      return [
        Loss.meanAbsoluteError(estimate, target), Loss.structuralDissimilarity(estimate, target),
        Loss.edgeAwareSmoothness(of: disparity, image: target),
        warp.leftRightInconsistency(left: disparity, right: partner),
      ]
    }
    let (loss, slope) = valueAndGradient(at: disparity) { disparity in
      let parts = terms(disparity)
      return parts[1] * 0.85 + parts[0] * 0.15 + parts[2] * 0.1 + parts[3]
    }
    let parts = terms(disparity)
    return [
      "left_estimate": product.values[0], "grad_right": gradients[0],
      "grad_disparity": gradients[1], "l1": parts[0], "ssim": parts[1], "smooth": parts[2],
      "lr": parts[3], "loss": loss, "grad_loss_disparity": slope,
    ]
  }
}
