import LumiRendering
import LumiTensor

extension SoftRasterizer {
  /// Answers the vectors "softras" and "softras-p3d".
  public static let reference = ReferenceAdapter(methods: ["softras", "softras-p3d"]) { vector in
    vector.method == "softras"
      ? try publishedOutputs(vector) : try PyTorch3DSoftRasterizer.outputs(vector)
  }

  private static func publishedOutputs(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let size = try vector.integer("image_size")
    let screen = ScreenSpace(width: size, height: size)
    let faces = try vector.tensor("faces").cast(to: .int32)
    let weights = try vector.tensor("weights")
    let background = try vector.tensor("parameters.background")
    let parameters = [try vector.tensor("vertices"), try vector.tensor("attributes")]
    let usesTexels = try vector.string("parameters.texture") == "surface"
    func evaluate(_ mode: GradientMode) throws -> (image: Tensor, gradients: [Tensor]) {
      var options = try SoftRasterizer(vector)
      options.gradient = mode
      let product = try vectorJacobianProduct(at: parameters) { inputs in
        let corners = inputs[0].gather(faces).expandingDims(at: 0)
        let colors: SoftRaster.Colors =
          usesTexels
          ? .texels(
            inputs[1].expandingDims(at: 0),
            resolution: Int(Double(inputs[1].shape[1]).squareRoot().rounded()))
          : .corners(inputs[1].gather(faces).expandingDims(at: 0))
        return [
          try SoftRaster.render(
            corners, screen, colors: colors, background: background, options: options
          ).squeezed(axis: 0)
        ]
      }
      return (product.values[0], product.pullback([weights]))
    }
    let official = try evaluate(.official)
    return [
      "image": official.image,
      "loss": (official.image * weights).sum(),
      "grad_official_vertices": official.gradients[0],
      "grad_official_attributes": official.gradients[1],
      "grad_autodiff_vertices": try evaluate(.complete).gradients[0],
    ]
  }

  /// The options that a vector states.
  package init(_ vector: ReferenceCase) throws {
    self.init()
    sigma = try vector.number("parameters.sigma")
    gamma = try vector.number("parameters.gamma")
    distanceEpsilon = try vector.number("parameters.dist_eps")
    backgroundEpsilon = try vector.number("parameters.eps")
    depthRange = try vector.number("parameters.near")...vector.number("parameters.far")
    isDoubleSided = try vector.flag("parameters.double_side")
    distance = try vector.choice(
      "parameters.dist",
      [
        "euclidean": .euclidean, "barycentric": .barycentric, "hard": .hard,
      ])
    alpha = try vector.choice(
      "parameters.alpha",
      [
        "prod": .product, "sum": .sum, "hard": .hard,
      ])
    color = try vector.choice("parameters.rgb", ["softmax": .softmax, "hard": .hard])
    backgroundWeight = try vector.choice(
      "parameters.background_weight",
      [
        "official": .official, "paper": .paper,
      ])
  }
}

extension ReferenceCase {
  /// An input word that stands for one of several options.
  func choice<Option>(_ field: String, _ options: [String: Option]) throws -> Option {
    let word = try string(field)
    guard let option = options[word] else {
      throw ReferenceError.badInput(
        case: name, field: field, expected: options.keys.sorted().joined(separator: " or "),
        actual: word)
    }
    return option
  }
}

extension PyTorch3DSoftRasterizer {
  fileprivate static func outputs(_ vector: ReferenceCase) throws -> [String: Tensor] {
    var options = PyTorch3DSoftRasterizer()
    options.sigma = try vector.number("parameters.sigma")
    options.gamma = try vector.number("parameters.gamma")
    options.blurRadius = try vector.number("parameters.blur_radius")
    options.facesPerPixel = try vector.integer("parameters.faces_per_pixel")
    options.perspectiveCorrect = try vector.flag("parameters.perspective_correct")
    options.clipBarycentrics = try vector.flag("parameters.clip_barycentric")
    options.depthRange = try vector.number("parameters.znear")...vector.number("parameters.zfar")
    let screen = ScreenSpace(
      width: try vector.integer("width"), height: try vector.integer("height"))
    let faces = try vector.tensor("faces").cast(to: .int32)
    let background = try vector.tensor("parameters.background")
    let weights = try vector.tensor("weights")
    // Their x runs to the left.
    let mirror = Tensor([-1.0, 1, 1])
    var found: Fragments?
    let product = try vectorJacobianProduct(
      at: [try vector.tensor("vertices"), try vector.tensor("vertex_colors")]
    ) { [options] inputs in
      let fragments = try options.findFragments((inputs[0] * mirror).gather(faces), screen)
      found = fragments
      let images = options.blend(fragments, background: background) {
        fragments.interpolate(inputs[1].gather(faces), weights: $0)
      }
      return [Tensor.concatenate([images.color, images.alpha.expandingDims(at: 2)], axis: 2)]
    }
    let gradients = product.pullback([weights])
    let depth = vector.expected["pix_to_face"]?.shape.last ?? options.facesPerPixel ?? 0
    return [
      "image": product.values[0],
      "pix_to_face": faceTable(found!, depth),
      "loss": (product.values[0] * weights).sum(),
      "grad_vertices": gradients[0],
      "grad_vertex_colors": gradients[1],
    ]
  }

  /// The faces of each pixel in order [height, width, depth], -1 where there are fewer. A pixel
  /// with more faces than fit makes the table as deep as it needs.
  private static func faceTable(_ fragments: Fragments, _ depth: Int) -> Tensor {
    let pixels = fragments.pixels.scalars(as: Int64.self)
    let faces = fragments.faces.scalars(as: Int32.self)
    var lists = [[Double]](repeating: [], count: fragments.pixelCount)
    for (pixel, face) in zip(pixels, faces) { lists[Int(pixel)].append(Double(face)) }
    let deepest = max(depth, lists.map(\.count).max() ?? 0)
    return Tensor(
      lists.flatMap { $0 + [Double](repeating: -1, count: deepest - $0.count) },
      shape: [fragments.screen.height, fragments.screen.width, deepest])
  }
}
