import LumiRendering
import LumiTensor

extension AntialiasedRasterizer {
  /// Answers the vectors "nvdiffrast-antialias": the blends alone, on given colours and faces.
  public static let reference = ReferenceAdapter(methods: ["nvdiffrast-antialias"]) { vector in
    let screen = ScreenSpace(
      width: try vector.integer("width"), height: try vector.integer("height"))
    let faces = try vector.tensor("faces").cast(to: .int32)
    // Their rows count from the bottom, ours from the top.
    let visibility = try vector.tensor("triangle_ids").cast(to: .int32).flipped(axis: 0)
    let opposite = try Antialiasing.oppositeCorners(
      faces.reshaped([-1]).cast(to: .int64), method: method.id)
    var rules = Antialiasing.Rules()
    rules.intersections = false
    rules.reciprocalGuard = 1e-3
    rules.perspective = false
    var found: [Antialiasing.Blend] = []
    let product = try vectorJacobianProduct(
      at: [try vector.tensor("color"), try vector.tensor("vertices_clip")]
    ) { [rules] inputs in
      let corners = screenVertices(inputs[1], screen).gather(faces)
      let blends = try Antialiasing.blends(
        visibility, corners: corners, opposite: opposite, rules: rules, method: method.id)
      found = blends.all
      let image = inputs[0].flipped(axis: 0)
      return [
        Antialiasing.apply(blends, to: image, corners: corners, rules: rules).flipped(axis: 0)
      ]
    }
    let gradients = product.pullback([try vector.tensor("weights")])
    return [
      "output": product.values[0], "grad_color": gradients[0],
      "grad_vertices_clip": gradients[1], "blends": table(found, screen),
    ]
  }

  /// Clip coordinates [V, 4] on our screen, with z/w for depth: affine on the screen as theirs.
  private static func screenVertices(_ clip: Tensor, _ screen: ScreenSpace) -> Tensor {
    let normalised = clip.slice(axis: 1, from: 0, to: 3) / clip.slice(axis: 1, from: 3, to: 4)
    return normalised * Tensor([screen.halfWidth, screen.halfHeight, 1])
  }

  /// Row from the bottom, column, whether the pair is vertical, face, alpha; in that order.
  private static func table(_ blends: [Antialiasing.Blend], _ screen: ScreenSpace) -> Tensor {
    let rows = blends.map { blend -> [Double] in
      let (row, column) = Int(blend.first).quotientAndRemainder(dividingBy: screen.width)
      return [
        Double(screen.height - 1 - row), Double(column),
        blend.second == blend.first + 1 ? 0 : 1, Double(blend.face), blend.alpha,
      ]
    }
    let sorted = rows.sorted { $0.lexicographicallyPrecedes($1) }
    return Tensor(sorted.flatMap { $0 }, shape: [sorted.count, 5])
  }
}
