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
  func refined(untilVertices least: Int) throws -> Mesh {
    var mesh = self
    if case .faceTexels(let texels) = appearance, mesh.vertexCount < least {
      mesh.appearance = .faceColors(texels.mean(axis: 1))
    }
    while mesh.vertexCount < least {
      let finer = try mesh.subdivided(.midpoint)
      // Faces without edges have nothing to cut.
      if finer.vertexCount == mesh.vertexCount { break }
      mesh = finer
    }
    return mesh
  }
}

extension MeshTopology {
  /// The first and the second end of every edge, [E] each.
  fileprivate var edgeEnds: [Tensor] {
    (0..<2).map { edges.slice(axis: 1, from: $0, to: $0 + 1).squeezed(axis: 1) }
  }
}
