import LumiTensor

/// Edges and pairs of faces of a small mesh, found by looking at everything: for tests only.
struct MeshTopology {
  /// int32 [E, 2].
  let edges: Tensor
  /// (a, b, opposite of the first face, opposite of the second), int32 [I, 4].
  let pairs: Tensor

  init(faces: [[Int32]]) {
    var opposites: [[Int32]: [Int32]] = [:]
    for face in faces {
      for k in 0..<3 {
        let edge = [face[k], face[(k + 1) % 3]].sorted()
        opposites[edge, default: []].append(face[(k + 2) % 3])
      }
    }
    let sorted = opposites.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    edges = Tensor(sorted.map(\.key))
    pairs = Tensor(sorted.filter { $0.value.count == 2 }.map { $0.key + $0.value })
  }
}
