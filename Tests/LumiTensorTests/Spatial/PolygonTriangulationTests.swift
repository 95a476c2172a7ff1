import LumiTensor
import Testing

@Suite struct PolygonTriangulationTests {
  private func area(_ a: SIMD3<Double>, _ b: SIMD3<Double>, _ c: SIMD3<Double>) -> SIMD3<Double> {
    let (u, v) = (b - a, c - a)
    return SIMD3(u.y * v.z - u.z * v.y, u.z * v.x - u.x * v.z, u.x * v.y - u.y * v.x) / 2
  }

  private func vectorArea(_ outline: [SIMD3<Double>]) -> SIMD3<Double> {
    outline.indices.reduce(SIMD3()) { sum, index in
      sum + area(.zero, outline[index], outline[(index + 1) % outline.count])
    }
  }

  private func length(_ v: SIMD3<Double>) -> Double { (v * v).sum().squareRoot() }

  /// n - 2 triangles that are all turned like the polygon and whose areas add up to its area: for
  /// an outline that does not cross itself, that is a triangulation.
  private func expectCovers(_ outline: [SIMD3<Double>], _ what: String) throws {
    let triangles = try #require(PolygonTriangulation.triangles(of: outline))
    #expect(triangles.count == outline.count - 2, "\(what)")
    let whole = vectorArea(outline)
    let normal = whole / length(whole)
    var sum = 0.0
    for t in triangles {
      let own = area(outline[Int(t.x)], outline[Int(t.y)], outline[Int(t.z)])
      let signed = (own * normal).sum()
      #expect(signed >= -1e-12 * length(whole), "\(what): a triangle is turned over")
      sum += length(own)
    }
    #expect(abs(sum - length(whole)) < 1e-9 * length(whole), "\(what): \(sum) of \(length(whole))")
    #expect(Set(triangles.flatMap { [$0.x, $0.y, $0.z] }).count == outline.count, "\(what)")
  }

  /// Into space by a fixed turn and shift.
  private func inSpace(_ outline: [SIMD2<Double>], scale: Double = 1) -> [SIMD3<Double>] {
    let (u, v) = (SIMD3(0.6, 0, 0.8), SIMD3(0.48, 0.8, -0.36))
    return outline.map { (u * $0.x + v * $0.y + SIMD3(3, -2, 5)) * scale }
  }

  private static var comb: [SIMD2<Double>] {
    var outline: [SIMD2<Double>] = []
    for tooth in 0..<8 {
      let left = 2.0 * Double(tooth)
      outline += [SIMD2(left, 0), SIMD2(left + 0.5, -5), SIMD2(left + 1, 0)]
    }
    return outline + [SIMD2(15, 1), SIMD2(0, 1)]
  }

  static let outlines: [(String, [SIMD2<Double>])] = [
    ("arrow head", [[0, 0], [2, 1], [0, 2], [1, 1]]),
    ("L", [[0, 0], [3, 0], [3, 1], [1, 1], [1, 3], [0, 3]]),
    ("straight corners", [[0, 0], [1, 0], [2, 0], [3, 0], [3, 2], [2, 1], [1, 1], [0, 2]]),
    ("comb", comb),
    // A square with a square hole, joined by a seam that is walked twice.
    (
      "seam",
      [
        [0, 0], [4, 0], [4, 4], [0, 4], [0, 0], [1, 1], [1, 3], [3, 3], [3, 1], [1, 1],
      ]
    ),
  ]

  @Test(arguments: outlines.indices)
  func coversOutlinesFromEveryStart(_ index: Int) throws {
    let (name, outline) = Self.outlines[index]
    for start in outline.indices {
      let turned = Array(outline[start...] + outline[..<start])
      for scale in [1, 1e-6, 1e6] {
        try expectCovers(inSpace(turned, scale: scale), "\(name) from \(start) at \(scale)")
      }
      try expectCovers(inSpace(turned.reversed()), "\(name) from \(start), clockwise")
    }
  }

  @Test func coversSpirals() throws {
    // Two arms, out and back, that no corner sees whole.
    let count = 40
    func arm(_ i: Int, _ width: Double) -> SIMD2<Double> {
      let turn = Double(i) * 0.35
      let radius = 1 + 0.3 * turn + width
      return SIMD2(
        radius * Tensor(turn, dtype: .float64).cos().value,
        radius * Tensor(turn, dtype: .float64).sin().value)
    }
    let outline = (0..<count).map { arm($0, 0.4) } + (0..<count).reversed().map { arm($0, 0) }
    try expectCovers(inSpace(outline), "spiral")
  }

  @Test func randomStarsAreCovered() throws {
    var random = RandomGenerator(seed: 71)
    for trial in 0..<50 {
      let count = 4 + trial
      let radii = random.uniform([count], low: 0.2, high: 2, dtype: .float64)
        .scalars(as: Double.self)
      let outline = radii.enumerated().map { index, radius -> SIMD2<Double> in
        let turn = Tensor(2 * Double.pi * Double(index) / Double(count), dtype: .float64)
        return SIMD2(radius * turn.cos().value, radius * turn.sin().value)
      }
      try expectCovers(inSpace(outline), "star of \(count)")
    }
  }

  /// What the first corner sees whole stays the fan that files have always given.
  @Test func convexPolygonsAreFans() {
    let square = inSpace([[0, 0], [1, 0], [1, 1], [0, 1]])
    #expect(PolygonTriangulation.triangles(of: square) == [[0, 1, 2], [0, 2, 3]])
    let dart = inSpace([[1, 1], [0, 0], [2, 1], [0, 2]])
    #expect(PolygonTriangulation.triangles(of: dart) == PolygonTriangulation.fan(4))
    // Not from the first corner: the dent must be an end of the diagonal.
    let turned = inSpace([[0, 0], [2, 1], [0, 2], [1, 1]])
    let cut = PolygonTriangulation.triangles(of: turned)!
    #expect(cut.allSatisfy { [$0.x, $0.y, $0.z].contains(3) && [$0.x, $0.y, $0.z].contains(1) })
  }

  @Test func degeneratePolygonsStillGiveTriangles() throws {
    var random = RandomGenerator(seed: 72)
    var outlines: [[SIMD3<Double>]] = [
      Array(repeating: SIMD3(1, 2, 3), count: 9),
      (0..<9).map { SIMD3(Double($0), 0, 0) },
      [[0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0]],
      [[0, 0, 0], [.nan, 1, 0], [1, 0, 0], [0, 1, 0], [2, 2, 0]],
      [[0, 0, 0], [.infinity, 1, 0], [1, 0, 0], [0, 1, 0], [2, 2, 0]],
      (0..<7).map { SIMD3(Double($0) * 1e300, Double($0 * $0) * 1e300, 0) },
    ]
    // Outlines that cross themselves everywhere.
    for count in [5, 60, 400] {
      let values = random.normal([count, 3], dtype: .float64).scalars(as: Double.self)
      outlines.append((0..<count).map { SIMD3(values[3 * $0], values[3 * $0 + 1], 0) })
      outlines.append(
        (0..<count).map { SIMD3(values[3 * $0].rounded(), values[3 * $0 + 1].rounded(), 0) })
    }
    for outline in outlines {
      let triangles = try #require(PolygonTriangulation.triangles(of: outline))
      #expect(triangles.count == outline.count - 2)
      #expect(
        triangles.allSatisfy { $0.min() >= 0 && Int($0.max()) < outline.count })
    }
  }

  @Test func longPolygonsAreFansOrRefused() {
    func ring(_ count: Int, _ dent: Double) -> [SIMD3<Double>] {
      let turns = Tensor.linspace(0, 2 * Double.pi, count + 1, dtype: .float64)
      let (c, s) = (turns.cos().scalars(as: Double.self), turns.sin().scalars(as: Double.self))
      return (0..<count).map { SIMD3(c[$0], s[$0], 0) * ($0 % 2 == 0 ? 1 : dent) }
    }
    #expect(PolygonTriangulation.triangles(of: ring(20_000, 1)) != nil)
    #expect(PolygonTriangulation.triangles(of: ring(5_000, 0.9)) == nil)
    #expect(PolygonTriangulation.triangles(of: ring(4_096, 0.9))?.count == 4_094)
  }
}
