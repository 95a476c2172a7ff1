import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import Testing

struct GridTraversalTests {
  static let lattice = CellLattice(from: [-1, 0, 2], to: [1, 3, 4], counts: [4, 3, 5])
  static let view = CellLattice(
    projectiveFrom: [-3, -2, 1], to: [3, 2, exp(2)], focalLength: [4, 5], logDepthStep: 0.5)

  static func path(_ cells: RayCells, _ ray: Int) -> [(row: Int, entry: Double, exit: Double)] {
    let rows = cells.cells[ray].scalars(as: Int32.self)
    let (entries, exits) = (
      cells.entries[ray].scalars(as: Double.self), cells.exits[ray].scalars(as: Double.self)
    )
    return rows.indices.filter { rows[$0] >= 0 }.map { (Int(rows[$0]), entries[$0], exits[$0]) }
  }

  static func random(_ count: Int, _ lattice: CellLattice) -> CameraRays {
    var random = RandomGenerator(seed: 9)
    let origins = random.uniform([count, 3], low: -4, high: 6, dtype: .float64)
    let targets =
      lattice == view
      ? random.uniform([count, 3], low: -0.5, high: 0.5, dtype: .float64) * Tensor([2.0, 1, 1])
        + Tensor([0.0, 0, 3])
      : random.uniform([count, 3], low: -1, high: 4, dtype: .float64)
    return CameraRays(origins: origins, directions: targets - origins)
  }

  /// The row of a point's cell by its definition; nil outside.
  static func row(_ p: [Double], _ lattice: CellLattice) -> Int? {
    var place: [Double]
    if lattice == view {
      guard p[2] > 0 else { return nil }
      place = [4 * p[0] / p[2] + 3, 5 * p[1] / p[2] + 2, log(p[2]) / 0.5]
    } else {
      place = [(p[0] + 1) / 0.5, p[1], (p[2] - 2) / 0.4]
    }
    let counts = [lattice.counts.x, lattice.counts.y, lattice.counts.z]
    guard zip(place, counts).allSatisfy({ $0 >= 0 && $0 < Double($1) }) else { return nil }
    let index = place.map { Int($0) }
    return (index[0] * counts[1] + index[1]) * counts[2] + index[2]
  }

  /// Every cell is where the ray is between entry and exit; cells follow each other without gaps;
  /// outside of the path no cell is missed.
  @Test(arguments: [false, true])
  func pathsAreWhereTheRayIs(_ isProjective: Bool) {
    let lattice = isProjective ? Self.view : Self.lattice
    let some = Self.random(300, lattice)
    let cells = GridTraversal.exact.cells(of: some, in: lattice)
    let (origins, directions) = (
      some.origins.scalars(as: Double.self), some.directions.scalars(as: Double.self)
    )
    func point(_ ray: Int, _ t: Double) -> [Double] {
      (0..<3).map { origins[3 * ray + $0] + t * directions[3 * ray + $0] }
    }
    var hits = 0
    for ray in 0..<300 {
      let path = Self.path(cells, ray)
      hits += path.isEmpty ? 0 : 1
      for (n, crossing) in path.enumerated() {
        #expect(crossing.entry < crossing.exit)
        if n > 0 { #expect(abs(crossing.entry - path[n - 1].exit) < 1e-12) }
        #expect(
          Self.row(point(ray, (crossing.entry + crossing.exit) / 2), lattice) == crossing.row)
      }
      // 1,000 probes along the ray find no other cells.
      for probe in 0..<1000 {
        let t = Double(probe) * 0.003
        guard let row = Self.row(point(ray, t), lattice) else { continue }
        #expect(
          path.contains { $0.row == row && t > $0.entry - 1e-9 && t < $0.exit + 1e-9 },
          "ray \(ray) at \(t)")
      }
    }
    #expect(hits > 50 && (isProjective || hits < 300))
  }

  @Test func reversedRaysPassTheSameCells() {
    let some = Self.random(200, Self.lattice)
    let back = CameraRays(
      origins: some.origins + some.directions * 3, directions: -some.directions)
    let start = RayInterval(
      near: .zeros([200], dtype: .float64), far: .full([200], 3, dtype: .float64))
    let (there, again) = (
      GridTraversal.exact.cells(of: some, in: Self.lattice, within: start),
      GridTraversal.exact.cells(of: back, in: Self.lattice, within: start)
    )
    for ray in 0..<200 {
      #expect(Self.path(there, ray).map(\.row) == Self.path(again, ray).map(\.row).reversed())
    }
  }

  /// Through edges and corners: the cells that are only touched are left out.
  @Test func diagonalsCrossEdgesAtOnce() {
    let cube = CellLattice(from: [0, 0, 0], to: [3, 3, 3], counts: [3, 3, 3])
    let some = rays(
      [[-1, -1, -1], [4, 4, 4], [0.5, 0.5, 0.5], [-1, -1, 0.5]],
      [[1, 1, 1], [-1, -1, -1], [1, 1, 0], [1, 1, 0]])
    let cells = GridTraversal.exact.cells(of: some, in: cube)
    #expect(Self.path(cells, 0).map(\.row) == [0, 13, 26])
    #expect(Self.path(cells, 1).map(\.row) == [26, 13, 0])
    #expect(Self.path(cells, 2).map(\.row) == [0, 12, 24])
    #expect(Self.path(cells, 2)[0].entry == 0)
    #expect(Self.path(cells, 3).map(\.row) == [0, 12, 24])
  }

  /// Along a face a ray is in the cells above it, and on the uppermost face in none.
  @Test func raysInFaces() {
    let cube = CellLattice(from: [0, 0, 0], to: [2, 2, 2], counts: [2, 2, 2])
    let some = rays(
      [[-1, 1, 0.5], [-1, 2, 0.5], [-1, 0, 0]], [[1, 0, 0], [1, 0, 0], [1, 0, 0]])
    let cells = GridTraversal.exact.cells(of: some, in: cube)
    #expect(Self.path(cells, 0).map(\.row) == [2, 6])
    #expect(Self.path(cells, 1).isEmpty)
    #expect(Self.path(cells, 2).map(\.row) == [0, 4])
    #expect(cells.isHit.scalars(as: Bool.self) == [true, false, true])
  }

  @Test func intervalsCutPaths() {
    let cube = CellLattice(from: [0, 0, 0], to: [4, 1, 1], counts: [4, 1, 1])
    let some = rays([[-1, 0.5, 0.5]], [[1, 0, 0]])
    let within = RayInterval(near: Tensor([2.25]), far: Tensor([3.5]))
    let path = Self.path(GridTraversal.exact.cells(of: some, in: cube, within: within), 0)
    #expect(path.map(\.row) == [1, 2])
    #expect(path.map(\.entry) == [2.25, 3])
    #expect(path.map(\.exit) == [3, 3.5])
  }

  @Test func badRaysMeetNothing() {
    let bad = [Double.nan, .infinity, 1e308]
    let some = rays(
      bad.map { [$0, 0.5, 3] } + [[0, 1, 3], [0, 1, 3]],
      [[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0], [.nan, 0, 1]])
    for traversal in [GridTraversal.exact, .pushed(offset: 1e-4)] {
      let cells = traversal.cells(of: some, in: Self.lattice)
      #expect(cells.isHit.scalars(as: Bool.self).allSatisfy { !$0 })
      #expect(cells.entries.isAllFinite && cells.exits.isAllFinite)
    }
  }

  @Test(arguments: [false, true])
  func distancesHaveDerivatives(_ isProjective: Bool) throws {
    let lattice = isProjective ? Self.view : Self.lattice
    let some = Self.random(20, lattice)
    let cells = GridTraversal.exact.cells(of: some, in: lattice)
    #expect(cells.isHit.scalars(as: Bool.self).contains(true))
    try checkGradients(
      at: [some.origins, some.directions], steps: [1e-6, 1e-7], tolerance: 1e-6
    ) { x in
      let moved = GridTraversal.exact.cells(
        of: CameraRays(origins: x[0], directions: x[1]), in: lattice)
      return moved.entries * 2 + moved.exits
    }
  }

  /// The released program's distances drift by its offset a step and no more.
  @Test func pushedPathsDrift() {
    let some = rays([[-2, 1.2, 3.1]], [[1, 0.2, 0.1]])
    let exact = Self.path(GridTraversal.exact.cells(of: some, in: Self.lattice), 0)
    let pushed = Self.path(GridTraversal.pushed(offset: 1e-4).cells(of: some, in: Self.lattice), 0)
    #expect(exact.map(\.row) == pushed.map(\.row) && exact.count > 3)
    for (a, b) in zip(exact, pushed) {
      #expect(b.entry > a.entry && b.entry < a.entry + 3e-4)
    }
  }
}
