import LumiRendering
import LumiTensor

/// One vector of the authors' program: row vectors, two matrices, a square image whose x runs to the
/// left. Its x is the negative of ours, and so are b, which goes with dx dy, and derivatives by x.
struct PublishedSplats {
  private let vector: ReferenceCase
  private let size: Int
  private let settings: SurfaceSplatting
  private let mirror = Tensor([-1.0, 1])

  init(_ vector: ReferenceCase) throws {
    self.vector = vector
    size = try vector.integer("S")
    settings = SurfaceSplatting(
      cutoff: try vector.number("cutoff"), nearest: try vector.integer("points_per_pixel"),
      thickness: try vector.number("depth_merging"),
      lowPass: try vector.number("antialias_sigma"),
      reachFactor: try vector.number("radii_scale"), weightsMovePoints: true)
  }

  func outputs() throws -> [String: Tensor] {
    let world = try vector.tensor("points")
    let footprint = try footprint(at: world)
    let screen = try screen(world)
    let colors = try vector.tensor("colors")
    var result = try self.stages(footprint, at: world)
    let product = try vectorJacobianProduct(at: [screen, colors]) { inputs in
      let splats = try splats(inputs[0], footprint)
      return [splats.mean(of: inputs[1])]
    }
    let slopes = product.pullback([try vector.tensor("weights_image")])
    result["image"] = product.values[0]
    result["grad_colors"] = slopes[1]
    result["grad_screen_analytic"] = slopes[0].columns(0..<2) * mirror
    try merge(&result, lists(screen, footprint))
    try merge(&result, surrogates(world, screen, footprint))
    return result
  }

  private func merge(_ all: inout [String: Tensor], _ more: [String: Tensor]) throws {
    all.merge(more) { first, _ in first }
  }

  /// [N, 3]: x to the right, y up, depth.
  private func screen(_ world: Tensor) throws -> Tensor {
    let ones = Tensor.ones([world.shape[0], 1], dtype: .float64)
    let whole = Tensor.concatenate([world, ones], axis: 1)
    let clip = whole.matmul(try vector.tensor("M"))
    let place = clip.columns(0..<2) / clip.columns(3..<4) * mirror
    return .concatenate([place, whole.matmul(try vector.tensor("A")).columns(2..<3)], axis: 1)
  }

  private func footprint(at world: Tensor) throws -> EllipticalFootprint {
    let product = try vectorJacobianProduct(at: [world]) { [try screen($0[0]).columns(0..<2)] }
    let rows = (0..<2).map { axis in
      product.pullback([
        Tensor((0..<2).map { $0 == axis ? 1.0 : 0 }).broadcast(to: [world.shape[0], 2])
      ])[0]
    }
    let variance = try vector.tensor("h")
    let pixel = 2 / Double(size)
    return EllipticalFootprint(
      jacobians: .stack(rows, axis: 1),
      axes: EllipticalFootprint.tangentAxes(normals: try vector.tensor("normals").normalized()),
      variances: .stack([variance, variance], axis: 1),
      lowPass: settings.lowPass * pixel * pixel, cutoff: settings.cutoff)
  }

  private func splats(_ screen: Tensor, _ footprint: EllipticalFootprint) throws -> SurfaceSplats {
    let points = ScreenPoints(
      positions: screen.columns(0..<2), depths: screen.column(2),
      footprint: .ellipses(forms: footprint.forms, cutoff: settings.cutoff),
      screen: ScreenSpace(width: size, height: size))
    return try SurfaceSplats(
      points, footprint: footprint, settings: settings, depths: 0...Double.greatestFiniteMagnitude)
  }

  private func stages(
    _ footprint: EllipticalFootprint, at world: Tensor
  ) throws -> [String: Tensor] {
    let product = try vectorJacobianProduct(at: [world]) { [try screen($0[0])] }
    let c = footprint.covariances
    let xy = -c.column(1)
    let rows = (0..<2).map { axis in
      product.pullback([
        Tensor((0..<3).map { $0 == axis ? 1.0 : 0 }).broadcast(to: [world.shape[0], 3])
      ])[0] * (axis == 0 ? -1 : 1)
    }
    return [
      "screen": product.values[0] * Tensor([-1.0, 1, 1]),
      "jacobian": .stack(rows, axis: 2),
      "variance": .stack([c.column(0), xy, xy, c.column(2)], axis: 1).reshaped([-1, 2, 2]),
      "ellipse": footprint.forms * Tensor([1.0, -1, 1]), "radii": footprint.reaches,
      "scaler": footprint.scales,
    ]
  }

  /// What each pixel lists, and what its depths' cotangents mean to the points.
  private func lists(_ screen: Tensor, _ footprint: EllipticalFootprint) throws -> [String: Tensor]
  {
    let fragments = try splats(screen, footprint).fragments
    let count = settings.nearest!
    let product = try vectorJacobianProduct(at: [screen]) { inputs in
      let fragments = try splats(inputs[0], footprint).fragments
      return [fragments.padded(fragments.depths, to: count, fill: -1)]
    }
    return [
      "idx": fragments.padded(fragments.points.cast(to: .float64), to: count, fill: -1),
      "q": fragments.padded(fragments.squaredDistances, to: count, fill: -1),
      "zbuf": product.values[0],
      "grad_z": product.pullback([try vector.tensor("grad_zbuf")])[0].column(2),
    ]
  }

  private func surrogates(
    _ world: Tensor, _ screen: Tensor, _ footprint: EllipticalFootprint
  ) throws -> [String: Tensor] {
    let occupancy = Occupancy(reachFactor: settings.reachFactor)
    let splats = try splats(screen, footprint)
    let moving = occupancy.movingReaches(
      splats.fragments, splats.points.positions, footprint.reaches)
    let cotangent = try vector.tensor("grad_occupancy")
    let depths = try vector.tensor("grad_zbuf")
    let product = try vectorJacobianProduct(at: [world]) { inputs in
      let place = try self.screen(inputs[0])
      let splats = try self.splats(place, footprint)
      return [
        place.columns(0..<2), splats.occupancy(),
        splats.fragments.padded(splats.fragments.depths, to: settings.nearest!, fill: -1),
      ]
    }
    let none = Tensor.zeros(like: product.values[0])
    let slow = occupancy.readablePull(
      cotangent, splats.points, moving: moving, rule: .boxes)
    let fast = occupancy.pull(
      cotangent, splats.fragments, splats.points.positions, footprint.reaches)
    return [
      "occupancy": product.values[1],
      "search_radius": Tensor(scalar: occupancy.searchRadius(moving)),
      "grad_occ_fast": fast * mirror, "grad_occ_slow": slow * mirror,
      "grad_world": product.pullback([none, cotangent, depths])[0],
    ]
  }
}

extension Occupancy {
  /// Which pixels pull a point.
  enum PullRule {
    /// Those within ``searchRadius(_:)``.
    case circle
    /// The older program's: all but those beyond the point's own scaled reaches on both axes.
    case boxes
  }

  /// ``pull(_:_:_:_:)`` in plain loops over all pixels and points, in float64: what tests hold the
  /// kernel against, and the older rule.
  func readablePull(
    _ cotangent: Tensor, _ points: ScreenPoints, moving: [Double], rule: PullRule
  ) -> Tensor {
    let place = points.positions.scalars(as: Double.self)
    let strengths = cotangent.scalars(as: Double.self)
    let centers = points.screen.centers(
      of: Tensor((0..<strengths.count).map { Int64($0) }), dtype: .float64
    ).scalars(as: Double.self)
    let radius = searchRadius(moving)
    var result = [Double](repeating: 0, count: place.count)
    for x in stride(from: 0, to: place.count, by: 2) where moving[x] > 0 {
      for (pixel, g) in strengths.enumerated() where g != 0 {
        let (dx, dy) = (centers[2 * pixel] - place[x], centers[2 * pixel + 1] - place[x + 1])
        let squared = dx * dx + dy * dy
        let isFar =
          rule == .circle
          ? squared > radius * radius
          : abs(dx) > reachFactor * moving[x] && abs(dy) > reachFactor * moving[x + 1]
        let isOutside = abs(dx) > moving[x] || abs(dy) > moving[x + 1]
        if isFar || (g > 0 && isOutside) { continue }
        let strength = g / max(squared, rule == .circle ? 1e-10 : 1e-8)
        result[x] += strength * dx
        result[x + 1] += strength * dy
      }
    }
    return Tensor(result, shape: points.positions.shape)
  }
}

extension Tensor {
  /// Columns of [N, C].
  func columns(_ range: Range<Int>) -> Tensor {
    slice(axis: 1, from: range.lowerBound, to: range.upperBound)
  }
}
