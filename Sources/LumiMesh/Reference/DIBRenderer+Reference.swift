import LumiRendering
import LumiTensor

extension DIBRenderer {
  /// Answers the vectors "dibr": image coordinates that span [-1, 1] along both sides.
  public static let reference = ReferenceAdapter(methods: ["dibr"]) { vector in
    let screen = ScreenSpace(
      width: try vector.integer("width"), height: try vector.integer("height"))
    let faces = try vector.tensor("faces").cast(to: .int32)
    let depth = -(try vector.tensor("vertices_camera_z").expandingDims(at: 1))
    let features = try vector.tensor("vertex_features")
    let isValid = (try vector.tensor("valid_faces") .> 0).reshaped([-1, 1, 1])
    let channels = features.shape[1]
    func corners(_ xy: Tensor) -> Tensor { Tensor.concatenate([xy, depth], axis: 1).gather(faces) }
    let scale = Tensor([screen.halfWidth, screen.halfHeight, 1])
    let xy = try vector.tensor("vertices_xy")
    // Faces that are not valid become faces without area for the foreground.
    let visibility = try HardRaster.visibility(
      Tensor.where(isValid, corners(xy) * scale, 0), screen, perspective: false)
    let mask = SoftMask(
      inverseSigma: try vector.number("sigmainv"), reach: try vector.number("boxlen"),
      facesPerPixel: try vector.integer("knum"), reciprocalGuard: 1e-7, halfWidth: 1,
      halfHeight: 1)
    let product = try vectorJacobianProduct(at: [xy, xy, features]) { inputs in
      let fragments = HardRaster.fragments(
        visibility, corners: corners(inputs[0]) * scale, screen)
      let values = fragments.interpolate(
        inputs[2].gather(faces), weights: fragments.barycentrics)
      let background = Tensor.zeros([channels], dtype: .float64)
      return [
        Blending.hard(values, fragments, background: background),
        try mask(corners(inputs[1]), visibility: visibility, method: method.id),
      ]
    }
    let weights = [try vector.tensor("weights_features"), try vector.tensor("weights_mask")]
    let gradients = product.pullback(weights)
    return [
      "face_index": visibility.cast(to: .float64), "features": product.values[0],
      "mask": product.values[1],
      "loss": (product.values[0] * weights[0]).sum() + (product.values[1] * weights[1]).sum(),
      "grad_vertices_xy_foreground": gradients[0], "grad_vertices_xy_mask": gradients[1],
      "grad_vertices_xy": gradients[0] + gradients[1], "grad_vertex_features": gradients[2],
    ]
  }
}
