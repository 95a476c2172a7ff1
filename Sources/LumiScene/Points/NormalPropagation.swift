import LumiTensor

/// Carries orientation from point to point along a minimum spanning tree, by Prim's algorithm with a
/// binary heap. Equal weights go by the edge's place, so that the result is always the same.
struct NormalPropagation {
  private let points: [SIMD3<Double>]
  private let normals: [SIMD3<Double>]
  /// The neighbours of point i are `edges[starts[i]..<starts[i + 1]]`, in both directions.
  private let starts: [Int]
  private let edges: [Int32]

  init(_ points: Tensor, _ normals: Tensor, _ neighbours: Tensor) {
    self.points = points3(points)
    self.normals = points3(normals)
    let near = neighbours.scalars(as: Int32.self)
    let (count, width) = (self.points.count, neighbours.shape[1])
    var starts = [Int](repeating: 0, count: count + 1)
    for (place, other) in near.enumerated() {
      starts[place / width + 1] += 1
      starts[Int(other) + 1] += 1
    }
    for point in 0..<count { starts[point + 1] += starts[point] }
    var (next, edges) = (starts, [Int32](repeating: 0, count: 2 * near.count))
    for (place, other) in near.enumerated() {
      let point = place / width
      edges[next[point]] = other
      next[point] += 1
      edges[next[Int(other)]] = Int32(point)
      next[Int(other)] += 1
    }
    (self.starts, self.edges) = (starts, edges)
  }

  /// 1 or -1 a point.
  func signs() -> [Double] {
    var signs = [Double](repeating: 0, count: points.count)
    var part = [Bool](repeating: false, count: points.count)
    for point in points.indices where !part[point] {
      let members = connected(to: point, &part)
      let middle = members.reduce(SIMD3<Double>()) { $0 + points[$1] } / Double(members.count)
      func squared(_ member: Int) -> Double {
        let d = points[member] - middle
        return (d * d).sum()
      }
      // The first of equally far ones.
      let seed = members.reduce(members[0]) { squared($1) > squared($0) ? $1 : $0 }
      let outwards = ((points[seed] - middle) * normals[seed]).sum()
      spread(from: seed, sign: outwards < 0 ? -1 : 1, &signs)
    }
    return signs
  }

  private func connected(to point: Int, _ seen: inout [Bool]) -> [Int] {
    var members = [point]
    seen[point] = true
    var place = 0
    while place < members.count {
      for other in edges[starts[members[place]]..<starts[members[place] + 1]]
      where !seen[Int(other)] {
        seen[Int(other)] = true
        members.append(Int(other))
      }
      place += 1
    }
    return members
  }

  private func spread(from seed: Int, sign: Double, _ signs: inout [Double]) {
    var heap = EdgeHeap()
    heap.push(EdgeHeap.Edge(weight: 0, place: -1, to: Int32(seed), sign: sign))
    while let edge = heap.pop() {
      let point = Int(edge.to)
      guard signs[point] == 0 else { continue }
      signs[point] = edge.sign
      for place in starts[point]..<starts[point + 1] where signs[Int(edges[place])] == 0 {
        let alike = (normals[point] * normals[Int(edges[place])]).sum()
        heap.push(
          EdgeHeap.Edge(
            weight: 1 - alike.magnitude, place: place, to: edges[place],
            sign: alike < 0 ? -edge.sign : edge.sign))
      }
    }
  }
}

/// A binary heap: the lightest edge first.
private struct EdgeHeap {
  struct Edge {
    let weight: Double
    let place: Int
    let to: Int32
    let sign: Double

    func isBefore(_ other: Edge) -> Bool {
      weight < other.weight || (weight == other.weight && place < other.place)
    }
  }

  private var edges: [Edge] = []

  mutating func push(_ edge: Edge) {
    edges.append(edge)
    var child = edges.count - 1
    while child > 0, edges[child].isBefore(edges[(child - 1) / 2]) {
      edges.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Edge? {
    guard let top = edges.first, let last = edges.popLast() else { return nil }
    guard !edges.isEmpty else { return top }
    edges[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < edges.count && edges[child].isBefore(edges[least]) {
        least = child
      }
      if least == parent { return top }
      edges.swapAt(least, parent)
      parent = least
    }
  }
}
