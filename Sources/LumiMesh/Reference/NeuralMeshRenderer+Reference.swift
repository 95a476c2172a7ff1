import LumiRendering
import LumiTensor

extension NeuralMeshRenderer {
  /// Answers the vectors "nmr": screen coordinates, texel cubes, and the authors' two unit tests.
  public static let reference = ReferenceAdapter(methods: ["nmr"]) { vector in
    let scene = try ScreenScene(vector)
    return vector.tensors["loss_pixel"] == nil
      ? try scene.allChannels() : try scene.coverageOfOnePixel()
  }
}

/// A vector's scene: screen coordinates, faces seen from one side.
private struct ScreenScene {
  let vector: ReferenceCase
  let faces: Tensor
  let vertices: Tensor
  let size: Int
  let visibility: Tensor
  let fragments: Fragments
  let gradient: NeuralMeshGradient

  init(_ vector: ReferenceCase) throws {
    self.vector = vector
    size = try vector.integer("image_size")
    faces = try vector.tensor("faces").cast(to: .int32)
    vertices = try vector.tensor("vertices")
    gradient = NeuralMeshGradient(epsilon: try vector.number("eps"), cullsBack: true)
    let screen = ScreenSpace(width: size, height: size)
    let corners = vertices.gather(faces)
    visibility = try HardRaster.visibility(
      Self.withoutBackFaces(corners), screen, perspective: true, near: try vector.number("near"),
      far: try vector.number("far"))
    fragments = HardRaster.fragments(visibility, corners: corners, screen)
  }

  /// Clockwise faces become points.
  private static func withoutBackFaces(_ corners: Tensor) -> Tensor {
    func corner(_ k: Int) -> Tensor { corners.slice(axis: 1, from: k, to: k + 1) }
    let normals = Tensor.cross(corner(1) - corner(0), corner(2) - corner(0))
    return Tensor.where(normals.slice(axis: 2, from: 2, to: 3) .< 0, corner(0), corners)
  }

  private func image(_ values: Tensor) -> Tensor {
    fragments.sumPerPixel(values).reshaped([size, size] + values.shape.dropFirst())
  }

  private var coverage: Tensor { image(Tensor.ones([fragments.count, 1], dtype: .float64)) }

  /// Colour, coverage and depth under given weights.
  func allChannels() throws -> [String: Tensor] {
    let background = try vector.tensor("background")
    let far = try vector.number("far")
    let own = fragments.perspectiveWeights(fragments.barycentrics)
    let product = vectorJacobianProduct(
      at: [vertices, vertices, try vector.tensor("textures")]
    ) { inputs in
      let colors = sampleTexelCubes(inputs[2], faces: fragments.faces, weights: own)
      let picture = Tensor.concatenate(
        [Blending.hard(colors, fragments, background: background), coverage], axis: 2)
      let corners = inputs[1].gather(faces)
      let live = Fragments(
        pixels: fragments.pixels, faces: fragments.faces, corners: corners,
        screen: fragments.screen)
      let depth = image(live.depths(live.barycentrics, perspective: true)).expandingDims(at: 2)
      return [
        gradient.attach(picture, visibility, corners: inputs[0].gather(faces)),
        depth + (1 - coverage) * far,
      ]
    }
    let weights = try vector.tensor("weights")
    let gradients = product.pullback([
      weights.slice(axis: 2, from: 0, to: 4), weights.slice(axis: 2, from: 4, to: 5),
    ])
    return [
      "face_index": visibility.cast(to: .float64),
      "image": .concatenate(product.values, axis: 2),
      "grad_vertices_color_alpha": gradients[0], "grad_vertices_depth": gradients[1],
      "grad_vertices": gradients[0] + gradients[1], "grad_textures": gradients[2],
    ]
  }

  /// One pixel's coverage, or its difference from 1, as the loss.
  func coverageOfOnePixel() throws -> [String: Tensor] {
    let pixel = try vector.tensor("loss_pixel").scalars(as: Double.self).map { Int($0) }
    var weights = [Double](repeating: 0, count: size * size)
    weights[pixel[0] * size + pixel[1]] = try vector.number("loss_weight")
    let product = vectorJacobianProduct(at: [vertices]) { inputs in
      [gradient.attach(coverage, visibility, corners: inputs[0].gather(faces))]
    }
    let result = product.pullback([Tensor(weights, shape: [size, size, 1])])[0]
    return [
      "alpha_pixel_count": coverage.sum(), "grad_vertices": result,
      "published_grad_vertices": result,
    ]
  }
}
