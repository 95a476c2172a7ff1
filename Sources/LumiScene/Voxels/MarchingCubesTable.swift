// The 256 cases of marching cubes, worked out instead of written down.
//
// On each face of a cube the surface leaves a line from the edge where a walk around the face enters
// filled corners to the edge where it leaves them. Where filled and empty corners alternate, every
// filled corner is cut off by itself. The rule knows nothing but the face's corners, so the two
// cubes of a face agree, and their triangles close. The lines join to loops; a loop is cut into
// triangles by chords that lie on no face of the cube, because there the neighbour could use the
// same chord, and four triangles would share it. All loops (3 to 7 vertices) can be cut that way.

/// Corner c of a cube is at (c >> 2 & 1, c >> 1 & 1, c & 1). Edge 4 a + n runs along axis a from
/// `edgeStarts[4 a + n]`.
struct MarchingCubesTable: Sendable {
  static let shared = MarchingCubesTable()

  /// The lower corner of each of the twelve edges.
  static let edgeStarts: [Int] = (0..<3).flatMap { axis in
    (0..<8).filter { $0 & bit(axis) == 0 }
  }

  /// Edges, three a triangle, counter-clockwise seen from the empty side; case after case. Bit c of a
  /// case says that corner c is filled.
  let edges: [UInt8]
  /// [257]: case n has `edges[starts[n]..<starts[n + 1]]`.
  let starts: [Int]

  private init() {
    var (edges, starts) = ([UInt8](), [0])
    for filled in 0..<256 {
      for loop in Self.loops(filled) { edges += Self.triangles(loop).map(UInt8.init) }
      starts.append(edges.count)
    }
    (self.edges, self.starts) = (edges, starts)
  }

  /// What an axis adds to the number of a corner.
  static func bit(_ axis: Int) -> Int { 4 >> axis }

  private static func edge(_ a: Int, _ b: Int) -> Int {
    let axis = (0..<3).first { bit($0) == a ^ b }!
    return (4 * axis..<4 * axis + 4).first { edgeStarts[$0] == min(a, b) }!
  }

  /// The corners of the six faces, counter-clockwise seen from outside of the cube.
  private static let faces: [[Int]] = (0..<3).flatMap { axis -> [[Int]] in
    let (u, v) = (bit((axis + 1) % 3), bit((axis + 2) % 3))
    return [[0, v, u | v, u], [0, u, u | v, v].map { $0 | bit(axis) }]
  }

  private static func loops(_ filled: Int) -> [[Int]] {
    var next = [Int?](repeating: nil, count: 12)
    for face in faces {
      let isFilled = face.map { filled >> $0 & 1 == 1 }
      for entry in 0..<4 where !isFilled[entry] && isFilled[(entry + 1) % 4] {
        let exit = (1...3).map { (entry + $0) % 4 }.first { !isFilled[($0 + 1) % 4] }!
        next[edge(face[entry], face[(entry + 1) % 4])] = edge(face[exit], face[(exit + 1) % 4])
      }
    }
    var loops: [[Int]] = []
    for start in 0..<12 {
      var (loop, at) = ([Int](), start)
      while let following = next[at] {
        loop.append(at)
        next[at] = nil
        at = following
      }
      if !loop.isEmpty { loops.append(loop) }
    }
    return loops
  }

  /// A loop cut into triangles: no chord on a face of the cube, then the shortest chords.
  private static func triangles(_ loop: [Int]) -> [Int] {
    var best: [Int: (cost: Int, cut: Int)] = [:]
    func cost(_ from: Int, _ to: Int) -> Int {
      if to - from < 2 { return 0 }
      if let known = best[from * 12 + to] { return known.cost }
      let choices = (from + 1..<to).map { cut in
        (cost: cost(from, cut) + cost(cut, to), cut: cut)
      }
      let choice = choices.min { $0.cost < $1.cost }!
      let own = from == 0 && to == loop.count - 1 ? 0 : chordCost(loop[from], loop[to])
      best[from * 12 + to] = (choice.cost + own, choice.cut)
      return choice.cost + own
    }
    func pieces(_ from: Int, _ to: Int) -> [Int] {
      guard to - from > 1, let cut = best[from * 12 + to]?.cut else { return [] }
      return [loop[from], loop[cut], loop[to]] + pieces(from, cut) + pieces(cut, to)
    }
    _ = cost(0, loop.count - 1)
    return pieces(0, loop.count - 1)
  }

  /// Four times the squared length between the edges' middles; far more on a face of the cube.
  private static func chordCost(_ a: Int, _ b: Int) -> Int {
    let isOnFace = faces.contains { face in
      [a, b].allSatisfy { ends($0).allSatisfy(face.contains) }
    }
    let squared = (0..<3).map { axis -> Int in
      let difference = twiceMiddle(a, axis) - twiceMiddle(b, axis)
      return difference * difference
    }.reduce(0, +)
    return squared + (isOnFace ? 1000 : 0)
  }

  private static func ends(_ edge: Int) -> [Int] {
    [edgeStarts[edge], edgeStarts[edge] | bit(edge / 4)]
  }

  private static func twiceMiddle(_ edge: Int, _ axis: Int) -> Int {
    ends(edge).map { $0 & bit(axis) == 0 ? 0 : 1 }.reduce(0, +)
  }
}
