import LumiScene
import LumiTensor

/// What points of the world see of a body.
struct BodySamples {
  /// [N]: how far the surface is, in world units, negative inside.
  let distances: Tensor
  /// [N, 3].
  let colors: Tensor
}

extension Body {
  /// The body's signed distance and colour at world points [N, 3], made of tensor operations.
  ///
  /// Distances are closed forms. A deformation says where points of the body go, and nothing about
  /// those around it, so that it cannot be undone there: a deformed body's distance is that to its
  /// deformed triangles. Colours are the body's own, continued for two intervals beyond the form's
  /// bounding box, so that interpolation finds them up to the surface; farther out those of the
  /// nearest point so continued.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - interval: between the points, in world units. A ``Form/square`` becomes a plate of twice
  ///     that behind its face: an area alone has no inside.
  ///   - detail: how finely a deformed body is cut.
  /// - Throws: ``UnsupportedScene`` for a deformed square, which has no inside, and for a deformed
  ///   body with more than one colour: which point of it is nearest to a node is found without a
  ///   derivative, which is right for distances and not for colours.
  func samples(at points: Tensor, interval: Double, detail: Int) throws -> BodySamples {
    let surface = try deformedSurface(detail: detail)
    return BodySamples(
      distances: surface.map { Self.distances(at: points, to: $0) }
        ?? distances(at: points, interval: interval),
      colors: colors(at: points, interval: interval))
  }

  /// The closed form [N] of a body's distance before any deformation.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - interval: see ``samples(at:interval:detail:)``.
  func distances(at points: Tensor, interval: Double) -> Tensor {
    form.distances(at: turned(points), size: scale.abs(), plate: 2 * interval)
  }

  /// The part of ``samples(at:interval:detail:)`` that is a colour, [N, 3].
  func colors(at points: Tensor, interval: Double) -> Tensor {
    if case .uniform = colors { return color(at: points) }
    return colors(atTurned: turned(points), margin: 2 * interval)
  }

  /// Points turned and moved back, but not scaled.
  private func turned(_ points: Tensor) -> Tensor { (points - translation).matmul(rotation) }

  /// Colours [N, 3] at points [N, 3] that are turned and moved back, but not scaled.
  private func colors(atTurned turned: Tensor, margin: Double) -> Tensor {
    if case .uniform = colors { return color(at: turned) }
    let size = Tensor.where(scale.stoppingGradient() .== 0, 1, scale)
    let own = turned / size
    let reach = form.halfExtent.cast(to: size.dtype) + margin / size.abs()
    return color(at: Tensor.minimum(Tensor.maximum(own, -reach), reach))
  }

  /// The triangles of a deformed body in the world; nil for one that is not.
  ///
  /// - Throws: see ``samples(at:interval:detail:)``.
  private func deformedSurface(detail: Int) throws -> Mesh? {
    guard deformation != nil else { return nil }
    guard form != .square else { throw UnsupportedScene("a deformed square has no inside") }
    guard case .uniform = colors else {
      throw UnsupportedScene("a deformed body of several colours")
    }
    var surface = surface(detail: self.detail ?? detail)
    surface.vertices = placed(surface.vertices)
    surface.vertexNormals = nil
    return surface
  }

  /// Signed distances [N] to triangles.
  private static func distances(at points: Tensor, to surface: Mesh) -> Tensor {
    let place = ClosestTriangles(
      of: points.stoppingGradient(), vertices: surface.vertices.stoppingGradient(),
      faces: surface.faces)
    let corners = surface.faces.gather(place.indices)
    let weights = place.barycentrics.expandingDims(at: 2).cast(to: points.dtype)
    // Where the nearest point is on its triangle changes the distance by nothing to first order.
    func atNearest(_ rows: Tensor) -> Tensor { (rows.gather(corners) * weights).sum(axis: 1) }
    let apart = points - atNearest(surface.vertices)
    // Outside is where the surface's normals point, interpolated: right unless a fold is sharper
    // than the triangles are fine.
    let normals = atNearest(surface.computedVertexNormals().stoppingGradient())
    let isInside = (apart.stoppingGradient() * normals).sum(axis: 1) .< 0
    let distance = apart.norm(axis: 1)
    return Tensor.where(isInside, -distance, distance)
  }
}

extension Body.Form {
  /// Signed distances [N] of points [N, 3] to the form.
  ///
  /// - Parameters:
  ///   - points: around the form's middle.
  ///   - size: [], by how much the form is scaled, at least 0.
  ///   - plate: how far a square reaches behind its face, whatever its size.
  fileprivate func distances(at points: Tensor, size: Tensor, plate: Double) -> Tensor {
    let middle = Tensor.zeros([3], dtype: size.dtype)
    func box(_ centre: Tensor, _ half: [Tensor]) -> Tensor {
      BoxField(centre: centre, halfSize: .stack(half)).values(at: points)
    }
    switch self {
    case .sphere: return SphereField(centre: middle, radius: size).values(at: points)
    case .cube: return box(middle, [Tensor](repeating: size * 0.5, count: 3))
    case .cylinder(let radius, let height):
      return CylinderField(centre: middle, radius: size * radius, halfHeight: size * (height / 2))
        .values(at: points)
    case .torus(let majorRadius, let minorRadius):
      return TorusField(
        centre: middle, majorRadius: size * majorRadius, minorRadius: size * minorRadius
      ).values(at: points)
    case .square:
      let half = size * 0.5
      return box(
        Tensor([0, 0, -plate / 2]).cast(to: size.dtype),
        [half, half, Tensor(plate / 2, dtype: size.dtype)])
    }
  }
}
