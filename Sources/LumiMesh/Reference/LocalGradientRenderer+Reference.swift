import LumiRendering
import LumiTensor

extension LocalGradientRenderer {
  /// Answers the vectors "view-prior-local-gradients": screen coordinates, a colour per face.
  public static let reference = ReferenceAdapter(methods: ["view-prior-local-gradients"]) {
    vector in
    let size = try vector.integer("image_size")
    let screen = ScreenSpace(width: size, height: size)
    let faces = try vector.tensor("faces").cast(to: .int32)
    let vertices = try vector.tensor("vertices")
    let colors = try vector.tensor("face_colors")
    let deadZone = try vector.number("eps")
    let background = Tensor.concatenate(
      [try vector.tensor("background"), .zeros([1], dtype: .float64)])
    let corners = vertices.gather(faces)
    let visibility = try HardRaster.visibility(
      corners, screen, perspective: true, near: try vector.number("near"),
      far: try vector.number("far"), laterWins: true)
    let fragments = HardRaster.fragments(visibility, corners: corners, screen)
    let product = vectorJacobianProduct(at: [vertices, colors]) { inputs in
      let ones = Tensor.ones([fragments.count, 1], dtype: .float64)
      let shown = Tensor.concatenate([inputs[1].gather(fragments.faces), ones], axis: 1)
      let image = Blending.hard(shown, fragments, background: background)
      return [
        ImageGradient.attach(image, to: inputs[0].gather(faces), name: "localGradients") {
          ImageGradient.spread(
            placeGradient(image, $0, deadZone: deadZone), over: fragments,
            weights: fragments.barycentrics, faceCount: faces.shape[0])
        }
      ]
    }
    let weights = try vector.tensor("weights")
    let gradients = product.pullback([weights])
    let place = placeGradient(product.values[0], weights, deadZone: deadZone)
    return [
      "face_index": visibility.cast(to: .float64), "image": product.values[0],
      "coordinate_gradient": Tensor(place, shape: [size, size, 2]),
      "grad_vertices": gradients[0], "grad_face_colors": gradients[1],
    ]
  }
}
