import LumiTensor

/// Points on a mesh, each with its face and its place there.
///
/// Positions, normals and attributes are differentiable with respect to the mesh; the choice of face
/// and place is not.
public struct SurfaceSamples: Sendable {
  /// int32 [N].
  public let faces: Tensor
  /// [N, 3], constant.
  public let barycentrics: Tensor
  /// [N, 3].
  public let points: Tensor
  /// [N, 3]: unit normals of the faces.
  public let normals: Tensor
  /// int32 [N, 3]: the vertices of the faces.
  private let corners: Tensor

  /// Points at given places, such as those of other samples while the mesh moves.
  ///
  /// - Parameters:
  ///   - mesh: what they lie on.
  ///   - faces: int32 [N].
  ///   - barycentrics: [N, 3].
  public init(_ mesh: Mesh, faces: Tensor, barycentrics: Tensor) {
    self.faces = faces
    self.barycentrics = barycentrics
    corners = mesh.faces.gather(faces)
    normals = mesh.faceNormals().gather(faces)
    points = Self.mix(mesh.vertices.gather(corners), barycentrics)
  }

  /// Values at the vertices [V, C] at the samples, [N, C].
  public func interpolate(vertexValues: Tensor) -> Tensor {
    Self.mix(vertexValues.gather(corners), barycentrics)
  }

  /// Values at the faces' corners [F, 3, C], such as texture coordinates, at the samples, [N, C].
  public func interpolate(cornerValues: Tensor) -> Tensor {
    Self.mix(cornerValues.gather(faces), barycentrics)
  }

  private static func mix(_ corners: Tensor, _ barycentrics: Tensor) -> Tensor {
    (corners * barycentrics.expandingDims(at: 2)).sum(axis: 1)
  }
}

extension Mesh {
  /// `count` points spread uniformly over the surface, independent of each other.
  ///
  /// Number i depends on the generator's state and i alone, so samples do not depend on threads.
  ///
  /// - Parameters:
  ///   - count: how many, 0 or more.
  ///   - random: advanced by the numbers used.
  /// - Throws: ``SceneError`` if there is no surface: no face with an area that is above 0 and
  ///   finite. Faces without one are never chosen.
  /// - Complexity: O(F + N log F).
  public func sampleSurface(
    _ count: Int, using random: inout RandomGenerator
  ) throws -> SurfaceSamples {
    let areas = faceAreas().scalars(as: Double.self)
    // Cumulative areas of the faces that can be chosen.
    var (chosen, ends, total) = ([Int32](), [Double](), 0.0)
    for (face, area) in areas.enumerated() where area > 0 && area.isFinite {
      total += area
      chosen.append(Int32(face))
      ends.append(total)
    }
    guard total > 0 && total.isFinite else {
      throw SceneError(
        field: "mesh.faces", expected: "a surface with an area",
        actual: "\(faceCount) faces, \(total)"
      )
    }
    let numbers = random.uniform([max(count, 0), 3], dtype: .float64).scalars(as: Double.self)
    var (faces, barycentrics) = ([Int32](), [Double]())
    for start in stride(from: 0, to: numbers.count, by: 3) {
      faces.append(chosen[Self.place(numbers[start] * total, in: ends)])
      let root = numbers[start + 1].squareRoot()
      barycentrics += [1 - root, root * (1 - numbers[start + 2]), root * numbers[start + 2]]
    }
    return SurfaceSamples(
      self, faces: Tensor(faces),
      barycentrics: Tensor(barycentrics, shape: [faces.count, 3]).cast(to: dtype))
  }

  /// The first of ascending ends above a value.
  private static func place(_ value: Double, in ends: [Double]) -> Int {
    var (low, high) = (0, ends.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] > value { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
