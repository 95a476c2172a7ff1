import Lumigrad

/// Reference vectors of the library itself, which no renderer answers: losses and cameras.
enum LibraryVectors {
  /// What answers a vector, if it is one of these.
  static func adapter(for vector: ReferenceCase) -> ReferenceAdapter? {
    [losses, cameras, sphereHits].first { $0.methods.contains(vector.method) }
  }

  /// Losses of meshes and points in PyTorch3D's form, and their gradients.
  private static let losses = ReferenceAdapter(methods: ["losses"]) { vector in
    let vertices = try vector.tensor("vertices")
    let faces = try vector.tensor("faces").cast(to: .int32)
    let target = try vector.number("target_length")
    let topology = MeshTopology(faces: faces, vertexCount: vertices.shape[0])
    let ofVertices: [String: (Tensor) -> Tensor] = [
      "edge": { Loss.edgeLength(vertices: $0, edges: topology.edges, target: target) },
      "laplacian_uniform": {
        Loss.laplacian(vertices: $0, faces: faces, edges: topology.edges)
      },
      "laplacian_cot": {
        Loss.laplacian(vertices: $0, faces: faces, edges: topology.edges, weights: .cotangent)
      },
      "normal_consistency": {
        Loss.normalConsistency(vertices: $0, pairs: topology.interiorEdges)
      },
    ]
    var outputs: [String: Tensor] = [:]
    for (name, loss) in ofVertices {
      let (value, slope) = valueAndGradient(at: vertices, of: loss)
      (outputs[name], outputs["grad_\(name)"]) = (value, slope)
    }
    let points = [try vector.tensor("points_x"), try vector.tensor("points_y")]
    let (value, slopes) = valueAndGradient(at: points) { Loss.chamfer($0[0], $0[1]) }
    outputs["chamfer"] = value
    (outputs["grad_chamfer_x"], outputs["grad_chamfer_y"]) = (slopes[0], slopes[1])
    return outputs
  }

  /// PyTorch3D's look-at, world to view, and its projection by a field of view.
  private static let cameras = ReferenceAdapter(methods: ["cameras"]) { vector in
    let pose = RigidTransform.pyTorch3DLookAt(
      distance: try vector.number("distance"),
      elevation: radians(degrees: try vector.number("elevation")),
      azimuth: radians(degrees: try vector.number("azimuth")), dtype: .float64)
    let (near, far) = (try vector.number("znear"), try vector.number("zfar"))
    let side = 64
    let camera = try Camera(
      pose: pose, pyTorch3DFieldOfView: radians(degrees: try vector.number("fov_degrees")),
      width: side, height: side, near: near, far: far)
    let points = try vector.tensor("points")
    let (rotation, translation) = pose.pyTorch3D
    let (pixels, depth) = camera.project(points)
    let column = depth.expandingDims(at: 1)
    return [
      "camera_center": camera.centre, "R": rotation, "T": translation,
      "view": points.matmul(rotation) + translation,
      "ndc": .concatenate(
        [1 - pixels / Double(side / 2), (far - far * near / column) / (far - near)], axis: 1),
    ]
  }

  /// Where rays of any length meet spheres, by tracing and Lemma 1.
  private static let sphereHits = ReferenceAdapter(methods: ["truth-sphere-hit"]) { vector in
    var outputs: [String: Tensor] = [:]
    var index = 0
    while vector.tensors["rays.\(index).centre"] != nil {
      let prefix = "rays.\(index)."
      let names = ["centre", "radius", "origin", "direction"]
      let parameters = try names.map { try vector.tensor(prefix + $0) }
      let product = vectorJacobianProduct(at: parameters) { sphereHit($0) }
      for (output, name) in ["t", "point", "normal"].enumerated() {
        let value = product.values[output]
        outputs[prefix + name] = value
        let rows = (0..<value.count).map { entry -> [Tensor] in
          let seed = Tensor(
            (0..<value.count).map { $0 == entry ? 1.0 : 0 }, shape: value.shape)
          var seeds = product.values.map { Tensor.zeros(like: $0) }
          seeds[output] = seed
          return product.pullback(seeds)
        }
        for (position, parameter) in names.enumerated() {
          let all = Tensor.stack(rows.map { $0[position] })
          outputs["\(prefix)d\(name)_d\(parameter)"] =
            all.reshaped(value.shape + parameters[position].shape)
        }
      }
      index += 1
    }
    return outputs
  }

  /// Distance [], point [3] and normal [3] of centre, radius, origin and direction.
  private static func sphereHit(_ parameters: [Tensor]) -> [Tensor] {
    let field = SphereField(centre: parameters[0], radius: parameters[1])
    let rays = CameraRays(
      origins: parameters[2].expandingDims(at: 0), directions: parameters[3].expandingDims(at: 0))
    let length = rays.directions.stoppingGradient().norm(axis: 1)
    let unit = CameraRays(
      origins: rays.origins, directions: rays.directions / length.expandingDims(at: 1))
    let traced = SurfaceTracer(steps: 100, threshold: 1e-14, polishing: 3).trace(
      unit, in: RayInterval(near: .zeros(like: length), far: .full([1], 100, dtype: .float64)),
      to: LevelSet(field))
    let points = RaySurfacePoints(of: field, along: rays, at: traced.distances / length)
    let normals = RaySurfacePoints.normals(
      field.samples(at: points.positions, withGradients: true))
    return [
      points.distances.squeezed(axis: 0), points.positions.squeezed(axis: 0),
      normals.squeezed(axis: 0),
    ]
  }
}
