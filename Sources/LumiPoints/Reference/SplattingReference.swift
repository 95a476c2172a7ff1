import LumiRendering
import LumiScene
import LumiTensor

extension PointProNets {
  /// Answers the vectors "pointpronets": a height map in a frame of three angles.
  public static let reference = ReferenceAdapter(methods: ["pointpronets"]) { vector in
    let side = try vector.integer("S")
    let half = try vector.number("half")
    let renderer = PointProNets(
      sigma: try vector.number("sigma") * Double(side) / (2 * half),
      truncation: try vector.number("truncation"), channels: [.depth, Self.weightSum])
    let origin = try vector.tensor("origin")
    func camera(_ angles: Tensor) -> Camera {
      let turns = (0..<3).map {
        Rotation.matrix(axis: Tensor.eye(3, dtype: .float64)[$0], angle: angles[$0])
      }
      let rotation = turns[2].matmul(turns[1]).matmul(turns[0])
      return Camera(
        model: .orthographic, rotation: rotation,
        translation: -origin.expandingDims(at: 0).matmul(rotation, transposingRight: true)
          .squeezed(axis: 0),
        focalLength: .full([2], Double(side) / (2 * half), dtype: .float64), width: side,
        height: side, near: -.greatestFiniteMagnitude, far: .greatestFiniteMagnitude)
    }
    let inputs = [try vector.tensor("points"), try vector.tensor("angles")]
    let product = try vectorJacobianProduct(at: inputs) { inputs in
      let output = try renderer.render(
        Scene(PointCloud(points: inputs[0])), from: camera(inputs[1]))
      return [try output[.depth], try output[Self.weightSum]]
    }
    let gradients = product.pullback([
      try vector.tensor("weights"), .zeros([side, side], dtype: .float64),
    ])
    return [
      "local": camera(inputs[1]).cameraPoints(inputs[0]), "height": product.values[0],
      "weight_sum": product.values[1], "grad_points": gradients[0], "grad_angles": gradients[1],
    ]
  }
}

extension PseudoRenderer {
  /// Answers the vectors "pseudo": the released transformation, its rounding and both losses.
  public static let reference = ReferenceAdapter(methods: ["pseudo"]) { vector in
    let (height, width) = (try vector.integer("H"), try vector.integer("W"))
    let upsampling = try vector.integer("upscale")
    let distance = try vector.number("render_depth")
    let targets = [try vector.tensor("target_depth"), try vector.tensor("target_mask")]
    func draw(_ points: Tensor, _ logits: Tensor, _ quaternion: Tensor) -> (CellImage, [Tensor]) {
      let matrix = Self.matrix(quaternion)
      let turned = points.matmul(matrix, transposingRight: true)
      let x = (turned.column(0) * Double(width) + Double(width) / 2) * Double(upsampling)
      let y = (turned.column(1) * -Double(height) + Double(height) / 2) * Double(upsampling)
      let z = distance - turned.column(2)
      let cells = Tensor.stack([x, y], axis: 1).stoppingGradient().round()
      let image = CellImage(
        cells: cells, depths: z, logits: logits, isEligible: z.stoppingGradient() .== z,
        height: height, width: width, upsampling: upsampling)
      return (image, [x, y, z])
    }
    func losses(_ image: CellImage) -> [Tensor] {
      let single = image.collision .== 1
      let depth = Tensor.where(single, (image.depth - targets[0]).abs(), 0).sum()
      let m = image.maskLogit
      // Cross-entropy with logits: softplus(m) - m t.
      return [depth, (m.softplus() - m * targets[1]).sum()]
    }
    let inputs = [
      try vector.tensor("points"), try vector.tensor("logits"), try vector.tensor("q"),
    ]
    let (image, places) = draw(inputs[0], inputs[1], inputs[2])
    let parts = losses(image)
    let gradients = valueAndGradient(at: inputs) {
      let parts = losses(draw($0[0], $0[1], $0[2]).0)
      return parts[0] + parts[1]
    }.gradients
    return [
      "x": places[0], "y": places[1], "z": places[2],
      "inside": image.isInside.cast(to: .float64), "depth": image.depth,
      "mask_logit": image.maskLogit, "collision": image.collision, "loss_depth": parts[0],
      "loss_mask": parts[1], "grad_points": gradients[0], "grad_logits": gradients[1],
      "grad_q": gradients[2],
    ]
  }

  /// The published matrix of a quaternion w, x, y, z of any length.
  private static func matrix(_ q: Tensor) -> Tensor {
    let (w, x, y, z) = (q[0], q[1], q[2], q[3])
    func diagonal(_ a: Tensor, _ b: Tensor) -> Tensor { 1 - (a * a + b * b) * 2 }
    return Tensor.stack([
      diagonal(y, z), (x * y - w * z) * 2, (x * z + w * y) * 2,
      (x * y + w * z) * 2, diagonal(x, z), (y * z - w * x) * 2,
      (x * z - w * y) * 2, (y * z + w * x) * 2, diagonal(x, y),
    ]).reshaped([3, 3])
  }
}

extension SoftNearestPoints {
  /// Answers the vectors "soft" of the survey's description.
  static func survey(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let side = try vector.integer("S")
    let nearest = try vector.integer("K")
    let renderer = SoftNearestPoints(
      radius: try vector.number("radius"), distanceRatio: try vector.number("dist_ratio"),
      sigma: try vector.number("sigma"), gamma: try vector.number("gamma"), nearest: nearest)
    // Published pixels are at i/(S - 1), so that the first and the last lie on the border.
    let unit = 2 * Double(side - 1) / Double(side)
    let inputs = [try vector.tensor("points"), try vector.tensor("colors")]
    var lists: (fragments: PointFragments, weights: Tensor)?
    let product = try vectorJacobianProduct(at: inputs) { inputs in
      let points = inputs[0]
      let x = points.column(0) * unit - unit / 2
      let y = points.column(1) * -unit + unit / 2
      let screen = ScreenPoints(
        positions: .stack([x, y], axis: 1), depths: points.column(2),
        footprint: .discs(
          radii: Tensor(renderer.radius * renderer.distanceRatio * unit, dtype: .float64)),
        screen: ScreenSpace(width: side, height: side))
      let found = try renderer.weighted(
        screen, depths: screen.depths, range: 0...1, unit: unit)
      lists = found
      return [
        NormalizedCompositor(leastWeight: 1e-10).composite(
          features: inputs[1], weights: found.weights, fragments: found.fragments
        ).image
      ]
    }
    let gradients = product.pullback([try vector.tensor("weights")])
    let (fragments, weights) = lists!
    return [
      "image": product.values[0], "grad_points": gradients[0], "grad_colors": gradients[1],
      "idx": fragments.padded(fragments.points.cast(to: .float64), to: nearest, fill: -1),
      "weight": fragments.padded(weights.stoppingGradient(), to: nearest, fill: 0),
    ]
  }
}

extension SoftNearestPoints {
  /// Answers the vectors "soft": the survey's description, and the released hard forward pass.
  public static let reference = ReferenceAdapter(methods: ["soft"]) { vector in
    vector.tensors["M"] == nil ? try survey(vector) : try HardForwardPoints.released(vector)
  }
}

extension HardForwardPoints {
  /// The released program: a projection matrix, discs, depths.
  fileprivate static func released(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let side = try vector.integer("S")
    let (near, far) = (try vector.number("znear"), try vector.number("zfar"))
    let renderer = HardForwardPoints(
      distanceRatio: try vector.number("dist_ratio"), sigma: try vector.number("sigma"),
      gamma: try vector.number("gamma"), depthRange: near...far)
    let points = try vector.tensor("points")
    let extents = try vector.tensor("radii") / (try vector.number("tan_half_fov"))
    let matrix = try vector.tensor("M")
    func normalized(_ matrix: Tensor) -> Tensor {
      let ones = Tensor.ones([points.shape[0], 1], dtype: .float64)
      let clip = Tensor.concatenate([points, ones], axis: 1).matmul(matrix, transposingRight: true)
      return (clip.slice(axis: 1, from: 0, to: 3) / clip.slice(axis: 1, from: 3, to: 4) + 1) / 2
    }
    func draw(_ ndc: Tensor) throws -> Drawing {
      let constant = ndc.stoppingGradient()
      let isInside =
        ((constant .>= 0) .&& (constant .<= 1)).cast(to: .float64)
        .min(axis: 1, keepDims: true) .> 0
      return try renderer.draw(
        Tensor.where(isInside, ndc - Tensor([0.5, 0.5, 0]), -1),
        colors: .ones([points.shape[0], 1], dtype: .float64), extents: extents,
        on: ScreenSpace(width: side, height: side), unit: 2 * Double(side - 1) / Double(side))
    }
    let ndc = normalized(matrix)
    let drawn = try draw(ndc)
    let adjoint = [try vector.tensor("grad_depth")]
    let byPlace = try vectorJacobianProduct(at: [ndc]) { [try draw($0[0]).depth] }
      .pullback(adjoint)[0]
    let byMatrix = try vectorJacobianProduct(at: [matrix]) {
      [try draw(normalized($0[0])).depth]
    }.pullback(adjoint)[0]
    let depths = 2 * near * far / (far + near - (ndc.column(2) * 2 - 1) * (far - near))
    return [
      "ndc": ndc, "depth_cam": depths, "screen_radius": extents / depths,
      "depth": Tensor.where(drawn.isCovered, drawn.depth, -1), "weight_sum": drawn.weightSum,
      "grad_ndc": byPlace, "grad_M": byMatrix,
    ]
  }
}
