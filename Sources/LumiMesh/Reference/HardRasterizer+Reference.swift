import LumiRendering
import LumiScene
import LumiTensor

extension HardRasterizer {
  /// Answers the vectors "analytical": colour and depth, Phong, spherical harmonics, texture.
  public static let reference = ReferenceAdapter(methods: ["analytical"]) { vector in
    let frozen = try FrozenScene(vector)
    if vector.tensors["uv"] != nil { return try frozen.texture() }
    if vector.tensors["sh_coefficients"] != nil { return try frozen.sphericalHarmonics() }
    if vector.tensors["light_position"] != nil { return try frozen.phong() }
    return try frozen.colorAndDepth()
  }
}

/// A vector's scene: camera coordinates with x right, y up, z forward, and both image sides
/// spanning [-1, 1].
private struct FrozenScene {
  let vector: ReferenceCase
  let faces: Tensor
  let screen: ScreenSpace
  let perspective: Bool
  let focal: Double
  let visibility: Tensor

  init(_ vector: ReferenceCase) throws {
    self.vector = vector
    faces = try vector.tensor("faces").cast(to: .int32)
    screen = ScreenSpace(
      width: try vector.integer("width"), height: try vector.integer("height"))
    perspective = try vector.choice("projection", ["perspective": true, "orthographic": false])
    focal = try vector.number("focal")
    visibility = try HardRaster.visibility(
      Self.corners(try vector.tensor("vertices_camera"), faces, screen, focal, perspective),
      screen, perspective: perspective)
  }

  /// Corners on our screen, whose shorter side spans [-1, 1].
  private static func corners(
    _ vertices: Tensor, _ faces: Tensor, _ screen: ScreenSpace, _ focal: Double,
    _ perspective: Bool
  ) -> Tensor {
    let z = vertices.slice(axis: 1, from: 2, to: 3)
    let scale = Tensor([focal * screen.halfWidth, focal * screen.halfHeight])
    let xy = vertices.slice(axis: 1, from: 0, to: 2) * scale
    return Tensor.concatenate([perspective ? xy / z : xy, z], axis: 1).gather(faces)
  }

  /// Draws an image from fragments, pulls the vector's weights back and names the results.
  private func outputs(
    _ names: [String], _ draw: ([Tensor], Fragments, Tensor) -> Tensor
  ) throws -> [String: Tensor] {
    let weights = try vector.tensor("weights")
    let product = vectorJacobianProduct(at: try names.map { try vector.tensor($0) }) { inputs in
      let corners = Self.corners(inputs[0], faces, screen, focal, perspective)
      let fragments = HardRaster.fragments(visibility, corners: corners, screen)
      let weights =
        perspective
        ? fragments.perspectiveWeights(fragments.barycentrics) : fragments.barycentrics
      let colors = draw(inputs, fragments, weights)
      let background = Tensor.zeros([colors.shape[1]], dtype: .float64)
      return [Blending.hard(colors, fragments, background: background)]
    }
    let image = product.values[0]
    var result = [
      "face_index": visibility.cast(to: .float64), "image": image,
      "loss": (image * weights).sum(),
    ]
    for (name, gradient) in zip(names, product.pullback([weights])) {
      result["grad_" + (name == "vertices_camera" ? "vertices" : name)] = gradient
    }
    return result
  }

  func colorAndDepth() throws -> [String: Tensor] {
    try outputs(["vertices_camera", "vertex_colors"]) { inputs, fragments, weights in
      let colors = fragments.interpolate(inputs[1].gather(faces), weights: weights)
      let depth = fragments.depths(fragments.barycentrics, perspective: perspective)
      return Tensor.concatenate([colors, depth.expandingDims(at: 1)], axis: 1)
    }
  }

  func texture() throws -> [String: Tensor] {
    try outputs(["vertices_camera", "uv", "texture"]) { inputs, fragments, weights in
      sampleBilinear(
        inputs[2], at: fragments.interpolate(inputs[1].gather(faces), weights: weights))
    }
  }

  /// Positions, unit normals and unit directions to the eye, which is at the origin.
  private func surface(
    _ vertices: Tensor, _ fragments: Fragments, _ weights: Tensor
  ) -> (positions: Tensor, normals: Tensor, toEye: Tensor) {
    let mesh = Mesh(vertices: vertices, faces: faces)
    let positions = fragments.interpolate(vertices.gather(faces), weights: weights)
    let normals = fragments.interpolate(mesh.shadingNormals().gather(faces), weights: weights)
    return (positions, normals.normalized(), (-positions).normalized())
  }

  func sphericalHarmonics() throws -> [String: Tensor] {
    try outputs(["vertices_camera", "albedo", "sh_coefficients"]) { inputs, fragments, weights in
      let (positions, normals, toEye) = surface(inputs[0], fragments, weights)
      let light = Illumination(
        positions: positions, normals: normals, toEye: toEye,
        lights: [.sphericalHarmonics(coefficients: inputs[2])],
        material: Material(dtype: .float64), reflection: .lambert)
      return light.shade(fragments.interpolate(inputs[1].gather(faces), weights: weights))
    }
  }

  func phong() throws -> [String: Tensor] {
    let names = [
      "vertices_camera", "albedo", "light_position", "ambient", "diffuse", "specular", "shininess",
    ]
    return try outputs(names) { inputs, fragments, weights in
      let (positions, normals, toEye) = surface(inputs[0], fragments, weights)
      let white = Tensor.ones([3], dtype: .float64)
      let light = Illumination(
        positions: positions, normals: normals, toEye: toEye,
        lights: [
          .ambient(intensity: white),
          .point(position: inputs[2], intensity: white, falloff: .none),
        ],
        material: Material(
          ambient: inputs[3], diffuse: inputs[4], specular: inputs[5],
          emission: Tensor.zeros([3], dtype: .float64), shininess: inputs[6]),
        reflection: .phong)
      return light.shade(fragments.interpolate(inputs[1].gather(faces), weights: weights))
    }
  }
}
