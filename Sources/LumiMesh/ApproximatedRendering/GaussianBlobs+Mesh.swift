import Foundation
import LumiRendering
import LumiScene
import LumiTensor

// A mesh as blobs. Rhodin et al. place the blobs of their bodies by hand, inside of them; here they
// are placed along the surface, a little below.

extension GaussianBlobs {
  /// One blob at every vertex that a face with an area in its indices uses, as wide as the mean
  /// length of the edges that meet there times a factor; differentiable with respect to vertices
  /// and colours.
  ///
  /// - Parameters:
  ///   - mesh: where blobs are.
  ///   - colors: of the mesh's vertices [V, C].
  ///   - scale: σ over the mean edge length, above 0.
  ///   - inset: how far below the vertex, against its normal, the blob's middle is, in σ. Blobs on
  ///     the surface would make a body about 2σ too large. Without effect on a mesh that is not
  ///     watertight, which has no inside.
  ///   - transmittance: how much light passes through the middle of one blob alone, in (0, 1); it
  ///     fixes the densities, -ln(transmittance) / (σ √(2π)).
  public init(
    vertices mesh: Mesh, colors: Tensor, scale: Double, inset: Double, transmittance: Double
  ) {
    let topology = MeshTopology(mesh)
    let rows = Tensor.concatenate(topology.edgeEnds)
    let ends = topology.edgeEnds.map { mesh.vertices.gather($0) }
    let lengths = (ends[0] - ends[1]).square().sum(axis: 1).clamped(min: 1e-24).sqrt()
    let sums = Tensor.scatterAdd(
      rows: .concatenate([lengths, lengths]), at: rows, count: mesh.vertexCount)
    let degrees = topology.degrees(dtype: mesh.dtype)
    let used = degrees.scalars(as: Double.self).enumerated().filter { $0.element > 0 }
      .map { Int64($0.offset) }
    let kept = Tensor(used)
    let sigmas = sums.gather(kept) / degrees.gather(kept) * scale
    var centers = mesh.vertices.gather(kept)
    if inset != 0 && topology.isWatertight {
      let normals = mesh.computedVertexNormals().gather(kept)
      centers -= normals * sigmas.expandingDims(at: 1) * inset
    }
    let depth = -log(transmittance) / (2 * Double.pi).squareRoot()
    self.init(
      centers: centers, sigmas: sigmas, densities: depth / sigmas, colors: colors.gather(kept))
  }
}

extension Mesh {
  /// The same surface in finer faces: all faces are cut into four, again and again, until at least
  /// so many vertices are there. What decides are counts, so that nothing jumps when vertices move.
  func refined(untilVertices least: Int) -> Mesh {
    var mesh = self
    // Every step has more than twice the vertices of the one before, where there are edges at all.
    while mesh.vertexCount < least && mesh.faceCount > 0 { mesh = mesh.cutIntoFour() }
    return mesh
  }

  /// Every face as four, with new vertices in the middles of its edges. Colours of faces, and mean
  /// ones of texels, go to all four; those of vertices and texture coordinates are interpolated.
  private func cutIntoFour() -> Mesh {
    let cut = FaceCut(faces, count: vertexCount)
    var result = Mesh(
      vertices: cut.interpolated(vertices), faces: cut.faces, material: material)
    result.vertexNormals = vertexNormals.map(cut.interpolated)
    switch appearance {
    case .uniform: result.appearance = appearance
    case .vertexColors(let colors): result.appearance = .vertexColors(cut.interpolated(colors))
    case .faceColors(let colors): result.appearance = .faceColors(colors.gather(cut.parents))
    case .faceTexels(let texels):
      result.appearance = .faceColors(texels.mean(axis: 1).gather(cut.parents))
    case .texture(let image, let coordinates, let own):
      let seams = FaceCut(own, count: coordinates.shape[0])
      result.appearance = .texture(
        image: image, coordinates: seams.interpolated(coordinates), faces: seams.faces)
    }
    return result
  }
}

/// Faces cut into four: which new vertices there are and which faces use them.
private struct FaceCut {
  /// [4 F, 3] int32, the four of each face in a row: its corners' in their order, then the middle.
  let faces: Tensor
  /// [4 F] int32: the face that each was cut from.
  let parents: Tensor
  /// [E] int32, twice: the ends of the edges whose middles are the new vertices.
  private let ends: [Tensor]

  init(_ faces: Tensor, count: Int) {
    let corners = faces.scalars(as: Int32.self)
    var middles: [UInt64: Int32] = [:]
    var (from, to) = ([Int32](), [Int32]())
    func middle(_ a: Int32, _ b: Int32) -> Int32 {
      let key = UInt64(UInt32(min(a, b))) << 32 | UInt64(UInt32(max(a, b)))
      if let known = middles[key] { return known }
      let new = Int32(count + from.count)
      middles[key] = new
      from.append(a)
      to.append(b)
      return new
    }
    var result: [Int32] = []
    result.reserveCapacity(4 * corners.count)
    for face in stride(from: 0, to: corners.count, by: 3) {
      let (a, b, c) = (corners[face], corners[face + 1], corners[face + 2])
      let (ab, bc, ca) = (middle(a, b), middle(b, c), middle(c, a))
      result += [a, ab, ca, b, bc, ab, c, ca, bc, ab, bc, ca]
    }
    self.faces = Tensor(result, shape: [result.count / 3, 3])
    parents = Tensor((0..<Int32(result.count / 3)).map { $0 / 4 })
    ends = [Tensor(from), Tensor(to)]
  }

  /// Values [count, C] with those in the middles of edges behind them.
  func interpolated(_ values: Tensor) -> Tensor {
    .concatenate([values, (values.gather(ends[0]) + values.gather(ends[1])) * 0.5])
  }
}

extension MeshTopology {
  /// The first and the second end of every edge, [E] each.
  fileprivate var edgeEnds: [Tensor] {
    (0..<2).map { edges.slice(axis: 1, from: $0, to: $0 + 1).squeezed(axis: 1) }
  }
}
