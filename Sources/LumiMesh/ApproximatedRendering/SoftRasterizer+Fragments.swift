import Foundation
import LumiRendering
import LumiScene
import LumiTensor

// The Soft Rasterizer as tensor operations on fragments: the readable twin of the fused kernel, and
// the path of textures and light per pixel. Derivatives of any order exist.
extension SoftRasterizer {
  func renderFragments(
    _ mesh: ProjectedMesh, _ shaded: ShadedMesh, background: Tensor
  ) throws -> RenderOutput {
    let screen = ScreenSpace(mesh.camera)
    let fragments = try findFragments(mesh.corners, screen)
    var images: [RenderChannel: Tensor] = [
      .alpha: alphaImage(fragments, faceCount: mesh.faceCount)
    ]
    if color != .none {
      images[.color] = colorImage(fragments, background: background) { shown, weights in
        shaded.colors(of: shown, on: mesh, weights: weights)
      }
    }
    return RenderOutput(
      method: Self.method.id, height: screen.height, width: screen.width, images: images)
  }

  /// The faces that count at each pixel.
  package func findFragments(_ corners: Tensor, _ screen: ScreenSpace) throws -> Fragments {
    var rules = FragmentSearch.Rules()
    rules.radiusSquared = distance == .hard ? 0 : reachSquared
    rules.edgesInside = distance == .hard
    if distance == .barycentric { rules.radiusSquared = boxRadiusSquared(corners) }
    let found = try FragmentSearch.find(
      corners, screen: screen, rules: rules, method: Self.method.id)
    return distance == .barycentric ? withinBarycentricReach(found) : found
  }

  /// A radius that covers every face's bounding box grown by the reach.
  private func boxRadiusSquared(_ corners: Tensor) -> Double {
    let xy = corners.stoppingGradient().slice(axis: 2, from: 0, to: 2)
    guard xy.count > 0 else { return 0 }
    let spans = (xy.max(axis: 1) - xy.min(axis: 1)).norm(axis: 1)
    let largest = spans.scalars(as: Double.self).filter(\.isFinite).max() ?? 0
    return pow(largest + 1.5 * reachSquared.squareRoot(), 2)
  }

  /// Fragments inside the face's bounding box grown by the reach, and near enough in barycentric
  /// terms.
  private func withinBarycentricReach(_ fragments: Fragments) -> Fragments {
    let reach = reachSquared.squareRoot()
    let xy = fragments.corners.stoppingGradient().slice(axis: 2, from: 0, to: 2)
    let inBox =
      (fragments.centers .>= xy.min(axis: 1) - reach)
      .&& (fragments.centers .<= xy.max(axis: 1) + reach)
    let least = fragments.barycentrics.stoppingGradient().min(axis: 1)
    let near = (least .> 0) .|| (least.square() .< reachSquared)
    let keep = (inBox.all(axis: 1) .&& near).scalars(as: Bool.self)
    return fragments.filtered { keep[$0] }
  }

  // MARK: Silhouette

  /// The exponent of the probability: D = sigmoid(logit).
  package func logits(_ fragments: Fragments) -> Tensor {
    let least = fragments.barycentrics.min(axis: 1)
    let inside = least.stoppingGradient() .> 0
    switch distance {
    case .euclidean:
      let squared = fragments.squaredDistanceToBoundary()
      return Tensor.where(inside, squared, -squared) / sigma
    case .barycentric:
      return Tensor.where(inside, least.square(), -least.square()) / sigma
    case .hard:
      return Tensor.full([fragments.count], .infinity, dtype: fragments.corners.dtype)
    }
  }

  /// [height, width].
  package func alphaImage(_ fragments: Fragments, faceCount: Int) -> Tensor {
    let logits = alphaLogits(fragments)
    let shape = [fragments.screen.height, fragments.screen.width]
    switch alpha {
    case .product:
      if distance == .hard {
        return Blending.coverage(fragments, dtype: logits.dtype).reshaped(shape)
      }
      return Blending.unionOfProbabilities(logits: logits, fragments)
    case .sum:
      let total = fragments.sumPerPixel(probabilities(logits)) / Double(max(faceCount, 1))
      return total.reshaped(shape)
    case .hard:
      let certain = (logits.stoppingGradient() .> 0).cast(to: logits.dtype)
      return fragments.sumPerPixel(certain).clamped(max: 1).reshaped(shape)
    }
  }

  /// Officially, a face outside the depth range adds to alpha without a gradient.
  private func alphaLogits(_ fragments: Fragments) -> Tensor {
    let all = logits(fragments)
    guard gradient == .official else { return all }
    return Tensor.where(isInRange(fragments), all, all.stoppingGradient())
  }

  private func probabilities(_ logits: Tensor) -> Tensor {
    distance == .hard ? Tensor.ones(like: logits) : logits.sigmoid()
  }

  // MARK: Colour

  /// Barycentric coordinates limited to the face.
  package func clippedWeights(_ fragments: Fragments) -> Tensor {
    let clamped = fragments.barycentrics.clamped(min: 0, max: 1)
    let weights = clamped / clamped.sum(axis: 1, keepDims: true).clamped(min: 1e-5)
    return gradient == .official ? weights.stoppingGradient() : weights
  }

  private func isInRange(_ fragments: Fragments) -> Tensor {
    let z = fragments.depths(clippedWeights(fragments), perspective: true).stoppingGradient()
    return (z .>= depthRange.lowerBound) .&& (z .<= depthRange.upperBound)
  }

  /// [height, width, C].
  ///
  /// - Parameter shade: colours of fragments for the corners' weights at them.
  package func colorImage(
    _ all: Fragments, background: Tensor, shade: (Fragments, Tensor) -> Tensor
  ) -> Tensor {
    var shown = isInRange(all)
    if !isDoubleSided { shown = shown .&& all.isFrontFacing() }
    if color == .hard {
      shown = shown .&& (all.barycentrics.stoppingGradient().min(axis: 1) .>= 0)
    }
    let keep = shown.scalars(as: Bool.self)
    var fragments = all.filtered { keep[$0] }
    if color == .hard { fragments = nearest(fragments) }
    let weights = clippedWeights(fragments)
    let colors = shade(fragments, weights)
    if color == .hard { return Blending.hard(colors, fragments, background: background) }
    let z = fragments.depths(weights, perspective: true)
    // Relative to the nearest depth: differences of small numbers keep their accuracy.
    var exponents =
      (depthRange.lowerBound - z) / (gamma * (depthRange.upperBound - depthRange.lowerBound))
    if distance != .hard { exponents = exponents - (-logits(fragments)).softplus() }
    return Blending.softmax(
      colors, exponents: exponents, fragments, background: background,
      backgroundExponent: Tensor(backgroundExponentFromNear, dtype: colors.dtype))
  }

  /// Each pixel's nearest fragment; the first of equals.
  private func nearest(_ fragments: Fragments) -> Fragments {
    let z = fragments.depths(clippedWeights(fragments), perspective: true)
      .scalars(as: Double.self)
    let pixels = fragments.pixels.scalars(as: Int64.self)
    var best: [Int64: Int] = [:]
    for index in pixels.indices {
      if let holder = best[pixels[index]], z[holder] <= z[index] { continue }
      best[pixels[index]] = index
    }
    return fragments.filtered { best[pixels[$0]] == $0 }
  }
}

extension Fragments {
  /// The fragments for which `isKept` holds, in order.
  package func filtered(_ isKept: (Int) -> Bool) -> Fragments {
    let kept = Tensor((0..<count).filter(isKept).map { Int64($0) })
    if kept.count == count { return self }
    return Fragments(selecting: kept, from: self)
  }

  /// Whether the projected face runs clockwise with +y up, as outward faces do from outside.
  func isFrontFacing() -> Tensor {
    let constant = corners.stoppingGradient()
    func xy(_ corner: Int) -> (Tensor, Tensor) {
      let part = constant[.all, .index(corner)]
      return (part[.all, 0], part[.all, 1])
    }
    let (x0, y0) = xy(0)
    let (x1, y1) = xy(1)
    let (x2, y2) = xy(2)
    return (y2 - y0) * (x1 - x0) .< (y1 - y0) * (x2 - x0)
  }

  /// Squared distance from the pixel's centre to the nearest of the three edges [fragments]. Which
  /// edge is nearest, and at which end, is a choice without a derivative.
  package func squaredDistanceToBoundary() -> Tensor {
    let edges = (0..<3).map { squaredDistance(toEdgeFrom: $0, to: ($0 + 1) % 3) }
    return Tensor.stack(edges, axis: 1).min(axis: 1)
  }

  private func squaredDistance(toEdgeFrom first: Int, to second: Int) -> Tensor {
    let start = corners[.all, .index(first), .range(0..<2)]
    let along = corners[.all, .index(second), .range(0..<2)] - start
    let offset = centers - start
    let length = along.square().sum(axis: 1)
    let isPoint = length.stoppingGradient() .== 0
    let safe = Tensor.where(isPoint, Tensor.ones(like: length.stoppingGradient()), length)
    let fraction = ((offset * along).sum(axis: 1) / safe).clamped(min: 0, max: 1)
    return (offset - along * fraction.expandingDims(at: 1)).square().sum(axis: 1)
  }
}
