import LumiRendering
import LumiScene
import LumiTensor

extension PlatonicRenderer {
  /// Answers the vectors "platonic": the released layers and the rotation; and the closed form
  /// "truth-transmittance-box" but for its integrals of depth, which no number of samples meets to
  /// its tolerance.
  public static let reference = ReferenceAdapter(
    methods: ["platonic", "truth-transmittance-box"]
  ) { vector in
    if vector.method == "truth-transmittance-box" { return try boxes(vector) }
    let volume = try vector.tensor("volume")
    let weights = try vector.tensor("weights")
    if vector.tensors["eye"] != nil { return try rotation(vector, volume, weights) }
    if vector.tensors["Sz"] != nil {
      let planes = try vector.integer("Sz")
      let (image, gradient) = pulled(volume, weights) {
        PublishedVolume.emissionAbsorption($0, planes: planes)
      }
      return ["image": image, "grad_volume": gradient]
    }
    let factor = try vector.number("absorption_factor")
    let hull = pulled(volume, weights) { PublishedVolume.visualHull($0) }
    let absorption = pulled(volume, weights) {
      PublishedVolume.absorptionOnly($0, factor: factor)
    }
    let isLimited = volume * (factor / Double(volume.shape[0])) .> 1 - 1e-5
    return [
      "visual_hull": hull.image, "grad_vh": hull.gradient, "absorption_only": absorption.image,
      "grad_ao": absorption.gradient, "clamped_voxels": isLimited.cast(to: .float64).sum(),
    ]
  }

  private static func rotation(
    _ vector: ReferenceCase, _ volume: Tensor, _ weights: Tensor
  ) throws -> [String: Tensor] {
    let eye = try vector.tensor("eye")
    let product = vectorJacobianProduct(at: [volume, eye]) { inputs in
      let matrix = PublishedVolume.viewMatrix(eye: inputs[1])
      return [matrix, PublishedVolume.rotated(inputs[0], by: matrix)]
    }
    let gradients = product.pullback([.zeros([3, 3], dtype: .float64), weights])
    return [
      "matrix": product.values[0], "rotated": product.values[1], "grad_volume": gradients[0],
      "grad_eye": gradients[1],
    ]
  }

  private static func pulled(
    _ volume: Tensor, _ weights: Tensor, _ draw: (Tensor) -> Tensor
  ) -> (image: Tensor, gradient: Tensor) {
    let product = vectorJacobianProduct(at: [volume]) { [draw($0[0])] }
    return (product.values[0], product.pullback([weights])[0])
  }

  /// Rays through homogeneous boxes with a single sample each, which is exact for these.
  private static func boxes(_ vector: ReferenceCase) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    var row = 0
    while vector.tensors["rows.\(row).sigma"] != nil {
      func input(_ name: String) throws -> Tensor { try vector.tensor("rows.\(row).\(name)") }
      let rays = CameraRays(
        origins: try input("origin").reshaped([1, 3]),
        directions: try input("direction").reshaped([1, 3]))
      let (lower, color) = (try input("box_min"), try input("color"))
      let background = try input("background")
      let product = vectorJacobianProduct(at: [try input("sigma"), try input("box_max")]) {
        inputs in
        let interval = RayInterval(of: rays, inBoxFrom: lower, to: inputs[1])
        let samples = RaySamples(along: rays, in: interval, count: 1)
        let weights = EmissionAbsorption().weights(
          of: inputs[0].broadcast(to: [1, 1]), lengths: samples.lengths)
        return [
          weights.remainder, interval.near, interval.far,
          weights.composite(color.reshaped([1, 1, 3]), background: background),
        ]
      }
      let none = Tensor.zeros([1], dtype: .float64)
      let slopes = product.pullback([
        .ones([1], dtype: .float64), none, none, .zeros([1, 3], dtype: .float64),
      ])
      let values = product.values
      let fields = [
        "transmittance": values[0][0], "t_near": values[1][0], "t_far": values[2][0],
        "color": values[3][0], "dT_dsigma": slopes[0], "dT_dbox_max": slopes[1],
      ]
      for (name, value) in fields { result["rows.\(row).\(name)"] = value }
      row += 1
    }
    return result
  }
}
