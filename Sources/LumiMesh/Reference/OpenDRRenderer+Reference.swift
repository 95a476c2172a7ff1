import LumiRendering
import LumiScene
import LumiTensor

extension OpenDRRenderer {
  /// Answers the vectors "opendr": camera coordinates with y down, outlines given as a mask.
  public static let reference = ReferenceAdapter(methods: ["opendr"]) { vector in
    let screen = ScreenSpace(
      width: try vector.integer("width"), height: try vector.integer("height"))
    let faces = try vector.tensor("faces").cast(to: .int32)
    let background = try vector.tensor("background")
    let outline = vector.tensors["boundary_mask"].map { mask in
      mask.scalars(as: Double.self).map { $0 != 0 }
    }
    let camera = try vector.tensor("vertices_camera")
    let colors = try vector.tensor("vertex_colors")
    let (focal, center) = (try vector.tensor("focal"), try vector.tensor("center"))
    let z = camera.slice(axis: 1, from: 2, to: 3)
    func project(_ points: Tensor) -> Tensor {
      let depth = points.slice(axis: 1, from: 2, to: 3)
      let isBefore = depth .> 0
      // What is behind the camera goes to the origin.
      let pixels =
        points.slice(axis: 1, from: 0, to: 2) / Tensor.where(isBefore, depth, 1) * focal + center
      return Tensor.where(isBefore, pixels, 0)
    }
    func corners(_ uv: Tensor) -> Tensor {
      .concatenate([screenPoints(uv, screen), z], axis: 1).gather(faces)
    }
    let uv = project(camera)
    let visibility = try HardRaster.visibility(
      corners(uv), screen, perspective: true, near: try vector.number("near"),
      far: try vector.number("far"))
    let fragments = HardRaster.fragments(visibility, corners: corners(uv), screen)
    let weights = fragments.perspectiveWeights(fragments.barycentrics)
    let product = vectorJacobianProduct(at: [uv, colors, background]) { inputs in
      let image = Blending.hard(
        fragments.interpolate(inputs[1].gather(faces), weights: weights), fragments,
        background: inputs[2])
      return [
        ImageGradient.attach(image, to: corners(inputs[0]), name: "openDR") { cotangent in
          cornerGradient(
            image, cotangent, outline, fragments, weights: weights, faceCount: faces.shape[0])
        }
      ]
    }
    let gradients = product.pullback([try vector.tensor("weights")])
    let chain = vectorJacobianProduct(at: [camera]) { [project($0[0])] }
    return [
      "vertices_uv": uv, "face_index": visibility.cast(to: .float64),
      "weights_perspective": fragments.sumPerPixel(weights)
        .reshaped([screen.height, screen.width, 3]),
      "image": product.values[0], "grad_vertices_uv": gradients[0],
      "grad_vertices_camera": chain.pullback([gradients[0]])[0],
      "grad_vertex_colors": gradients[1], "grad_background": gradients[2],
    ]
  }

  /// Pixels with integer centres, v down, on our screen [V, 2].
  private static func screenPoints(_ uv: Tensor, _ screen: ScreenSpace) -> Tensor {
    let unit = screen.unitsPerPixel
    let origin = Tensor([0.5 * unit - screen.halfWidth, screen.halfHeight - 0.5 * unit])
    return uv * Tensor([unit, -unit]) + origin
  }
}
