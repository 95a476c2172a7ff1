import LumiScene
import LumiTensor

/// The cells that rays pass, in order.
public struct RayCells: Sendable {
  /// int32 [R, N]: rows of cells, x slowest; -1 after a ray's last cell.
  public let cells: Tensor
  /// [R, N]: where the ray enters the cell, in units of its direction; 0 after the last cell.
  public let entries: Tensor
  /// [R, N]: where it leaves the cell; 0 after the last cell.
  public let exits: Tensor

  public init(cells: Tensor, entries: Tensor, exits: Tensor) {
    self.cells = cells
    self.entries = entries
    self.exits = exits
  }

  /// bool [R, N]: whether there is a cell.
  public var isCell: Tensor { cells .>= Tensor(0, dtype: .int32) }
  /// bool [R]: whether the ray meets a cell.
  public var isHit: Tensor { isCell.any(axis: 1) }

  /// Values [cells, ...] of the cells along rays, [R, N, ...]; after the last cell those of cell 0.
  public func gather(_ values: Tensor) -> Tensor {
    values.gather(cells.clamped(min: 0))
  }

  /// Values [cells] along rays, [R, N], and `padding` after the last cell.
  public func gather(_ values: Tensor, padding: Double) -> Tensor {
    Tensor.where(isCell, gather(values), padding)
  }
}

/// How rays are followed through cells.
public enum GridTraversal: Sendable, Equatable {
  /// From face to face (3D-DDA; Amanatides and Woo 1987), every distance computed from its face and
  /// not from the one before. Cells that are only touched are left out. Entries and exits are
  /// differentiable with respect to the rays.
  case exact
  /// As the program of Tulsiani et al. (CVPR 2017) steps: the point is pushed on by a further
  /// `offset` beyond every face, so that distances drift. Without derivatives; published 1e-4.
  case pushed(offset: Double)

  /// Follows rays.
  ///
  /// - Parameters:
  ///   - rays: origins and directions [R, 3]; directions of any length but 0. A ray that is not
  ///     finite meets no cell.
  ///   - lattice: the cells.
  ///   - interval: the part of the rays that counts; all ahead of the origin if nil. Exact
  ///     traversal only.
  public func cells(
    of rays: CameraRays, in lattice: CellLattice, within interval: RayInterval? = nil
  ) -> RayCells {
    let origins = rays.origins.scalars(as: Double.self)
    let directions = rays.directions.scalars(as: Double.self)
    let near = interval?.near.scalars(as: Double.self)
    let far = interval?.far.scalars(as: Double.self)
    let count = rays.origins.shape[0]
    var paths = [[Crossing]](repeating: [], count: count)
    let block = 256
    paths.withUnsafeMutableBufferPointer { paths in
      let buffer = UncheckedPaths(paths)
      parallelFor((count + block - 1) / block) { b in
        for ray in b * block..<Swift.min((b + 1) * block, count) {
          let at = 3 * ray
          let path = RayPath(
            lattice: lattice,
            origin: SIMD3(origins[at], origins[at + 1], origins[at + 2]),
            direction: SIMD3(directions[at], directions[at + 1], directions[at + 2]))
          buffer.paths[ray] =
            switch self {
            case .exact: path.exact(from: near?[ray] ?? 0, to: far?[ray] ?? .infinity)
            case .pushed(let offset): path.pushed(by: offset)
            }
        }
      }
    }
    return RayCells(paths, lattice, rays, isExact: self == .exact)
  }
}

/// Rays are followed by several threads, each its own.
private struct UncheckedPaths: @unchecked Sendable {
  let paths: UnsafeMutableBufferPointer<[Crossing]>
  init(_ paths: UnsafeMutableBufferPointer<[Crossing]>) { self.paths = paths }
}

/// Where a ray crosses a cell.
struct Crossing {
  var row: Int
  var entry: Double
  var exit: Double
  /// The faces at both ends as axis and number; nil where the ray starts or ends within the cell.
  var entryFace: (axis: Int, k: Int)?
  var exitFace: (axis: Int, k: Int)?
}

/// One ray on its way.
struct RayPath {
  let lattice: CellLattice
  let origin: SIMD3<Double>
  let direction: SIMD3<Double>

  private var isFinite: Bool {
    (0..<3).allSatisfy { origin[$0].isFinite && direction[$0].isFinite }
      && direction != SIMD3<Double>()
  }

  private func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { (a * b).sum() }

  /// Follows the ray from face to face.
  func exact(from near: Double, to far: Double) -> [Crossing] {
    guard isFinite, let span = span(near, far) else { return [] }
    var (t, entryFace) = (span.near, span.entryFace)
    var cell = start(at: t, entryFace)
    var result: [Crossing] = []
    let limit = lattice.counts.x + lattice.counts.y + lattice.counts.z + 6
    for _ in 0..<limit {
      let exits = exits(of: cell, from: origin)
      let next = Swift.max(exits.distances.min(), t)
      let isLast = next >= span.far
      let end = isLast ? span.far : next
      var exitFace = span.exitFace
      if !isLast {
        let axis = exits.distances.x <= next ? 0 : exits.distances.y <= next ? 1 : 2
        exitFace = (axis, exits.face(axis, of: cell))
      }
      if end > t {
        result.append(
          Crossing(
            row: lattice.row(cell), entry: t, exit: end, entryFace: entryFace, exitFace: exitFace))
      }
      if isLast { break }
      // Faces that meet in an edge are crossed at once.
      var isInside = true
      for axis in 0..<3 where exits.distances[axis] <= next {
        cell[axis] += exits.steps[axis]
        isInside = isInside && cell[axis] >= 0 && cell[axis] < lattice.counts[axis]
      }
      guard isInside else { break }
      (t, entryFace) = (end, exitFace)
    }
    return result
  }

  private struct Span {
    var near: Double
    var far: Double
    var entryFace: (axis: Int, k: Int)?
    var exitFace: (axis: Int, k: Int)?
  }

  /// The part of the ray within all outer faces; nil if there is none.
  private func span(_ near: Double, _ far: Double) -> Span? {
    var span = Span(near: Swift.max(near, 0), far: far)
    for axis in 0..<3 {
      for k in [0, lattice.counts[axis]] {
        let face = lattice.face(axis, k)
        // Positive ahead of a lower face and behind an upper one: inside.
        let sign: Double = k == 0 ? 1 : -1
        let height = sign * (dot(face.normal, origin) - face.offset)
        let slope = sign * dot(face.normal, direction)
        if slope == 0 {
          // Upper faces are outside.
          if height < 0 || (k != 0 && height == 0) { return nil }
          continue
        }
        let t = -height / slope
        if slope > 0, t > span.near { (span.near, span.entryFace) = (t, (axis, k)) }
        if slope < 0, t < span.far { (span.far, span.exitFace) = (t, (axis, k)) }
      }
    }
    return span.near < span.far ? span : nil
  }

  /// The cell at the start of the part within; the face entered through decides its axis.
  private func start(at t: Double, _ entryFace: (axis: Int, k: Int)?) -> SIMD3<Int> {
    let point = origin + direction * t
    var cell = SIMD3<Int>()
    for axis in 0..<3 {
      // Faces are ordered along the axis: the last one that is not ahead of the point.
      var (low, high) = (0, lattice.counts[axis] - 1)
      while low < high {
        let middle = (low + high + 1) / 2
        let face = lattice.face(axis, middle)
        if dot(face.normal, point) >= face.offset { low = middle } else { high = middle - 1 }
      }
      cell[axis] = low
    }
    if let entryFace { cell[entryFace.axis] = entryFace.k == 0 ? 0 : entryFace.k - 1 }
    return cell
  }

  /// Where a ray leaves a cell along each axis (at infinity where it does not), and to which side.
  private struct Exits {
    var distances = SIMD3<Double>(repeating: .infinity)
    var steps = SIMD3<Int>()

    func face(_ axis: Int, of cell: SIMD3<Int>) -> Int {
      steps[axis] > 0 ? cell[axis] + 1 : cell[axis]
    }
  }

  private func exits(of cell: SIMD3<Int>, from start: SIMD3<Double>) -> Exits {
    var exits = Exits()
    for axis in 0..<3 {
      let lower = lattice.face(axis, cell[axis])
      let falling = dot(lower.normal, direction)
      if falling < 0 {
        exits.distances[axis] = -(dot(lower.normal, start) - lower.offset) / falling
        exits.steps[axis] = -1
      }
      let upper = lattice.face(axis, cell[axis] + 1)
      let rising = dot(upper.normal, direction)
      guard rising > 0 else { continue }
      let t = -(dot(upper.normal, start) - upper.offset) / rising
      if t < exits.distances[axis] { (exits.distances[axis], exits.steps[axis]) = (t, 1) }
    }
    return exits
  }

  /// Follows the ray as the released program does.
  func pushed(by offset: Double) -> [Crossing] {
    guard isFinite, offset > 0, let first = firstPushed(offset) else { return [] }
    var t = first
    var result: [Crossing] = []
    let limit = 2 * (lattice.counts.x + lattice.counts.y + lattice.counts.z) + 6
    for _ in 0..<limit {
      let point = origin + direction * t
      guard let cell = lattice.cell(at: point) else { break }
      let next = exits(of: cell, from: point).distances.min()
      guard next.isFinite else { break }
      let end = t + next + offset
      result.append(Crossing(row: lattice.row(cell), entry: t, exit: end))
      t = end
    }
    return result
  }

  /// Where the first cell is met: pushed from the origin, or else from the nearest outer face that
  /// leads inside.
  private func firstPushed(_ offset: Double) -> Double? {
    let point = origin + direction * offset
    if lattice.cell(at: point) != nil { return offset }
    var best = Double.infinity
    for axis in 0..<3 {
      for k in [0, lattice.counts[axis]] {
        let face = lattice.face(axis, k)
        let slope = dot(face.normal, direction)
        guard slope != 0 else { continue }
        // Planes of depth are met as the released program's numbers have it: the way to them
        // counts from the origin and not from the pushed point.
        let start = lattice.form != .regular && axis == 2 ? origin : point
        let t = -(dot(face.normal, start) - face.offset) / slope
        if t > 0, t < best, lattice.cell(at: point + direction * (t + offset)) != nil { best = t }
      }
    }
    return best.isFinite ? offset + best + offset : nil
  }
}

extension RayCells {
  /// Crossings as padded rows; distances of exact ones computed anew from faces and rays, so that
  /// they have derivatives.
  init(_ paths: [[Crossing]], _ lattice: CellLattice, _ rays: CameraRays, isExact: Bool) {
    let width = Swift.max(paths.map(\.count).max() ?? 0, 1)
    let size = paths.count * width
    var rows = [Int32](repeating: -1, count: size)
    var (entries, exits) = (
      [Double](repeating: 0, count: size), [Double](repeating: 0, count: size)
    )
    for (ray, path) in paths.enumerated() {
      for (n, crossing) in path.enumerated() {
        rows[ray * width + n] = Int32(crossing.row)
        entries[ray * width + n] = crossing.entry
        exits[ray * width + n] = crossing.exit
      }
    }
    let shape = [paths.count, width]
    let dtype = rays.directions.dtype
    cells = Tensor(rows, shape: shape)
    let plain = (
      Tensor(entries, shape: shape).cast(to: dtype), Tensor(exits, shape: shape).cast(to: dtype)
    )
    guard isExact else {
      (self.entries, self.exits) = plain
      return
    }
    self.entries = Self.distances(plain.0, paths.map { $0.map(\.entryFace) }, lattice, rays)
    self.exits = Self.distances(plain.1, paths.map { $0.map(\.exitFace) }, lattice, rays)
  }

  /// Distances with their derivatives. A ray meets the face n·p = c at t = (c - n·o)/(n·d), which
  /// moves by -(n·δo + t n·δd)/(n·d) with the ray; without a face it stays.
  private static func distances(
    _ values: Tensor, _ faces: [[(axis: Int, k: Int)?]], _ lattice: CellLattice, _ rays: CameraRays
  ) -> Tensor {
    let (count, width) = (values.shape[0], values.shape[1])
    let directions = rays.directions.scalars(as: Double.self)
    // n/(n·d), or 0 where there is no face.
    var factors = [Double](repeating: 0, count: count * width * 3)
    for (ray, faces) in faces.enumerated() {
      for (n, face) in faces.enumerated() {
        guard let face else { continue }
        let normal = lattice.face(face.axis, face.k).normal
        let slope = (0..<3).reduce(0) { $0 + normal[$1] * directions[3 * ray + $1] }
        for axis in 0..<3 { factors[(ray * width + n) * 3 + axis] = normal[axis] / slope }
      }
    }
    let factor = Tensor(factors, shape: [count, width, 3]).cast(to: values.dtype)
    return customOperation(
      "GridTraversal", inputs: [rays.origins, rays.directions], outputs: [values]
    ) { cotangents, needs in
      guard let cotangent = cotangents[0] else { return [nil, nil] }
      let origin = -(cotangent.expandingDims(at: 2) * factor)
      return [
        needs[0] ? origin.sum(axis: 1) : nil,
        needs[1] ? (origin * values.expandingDims(at: 2)).sum(axis: 1) : nil,
      ]
    }[0]
  }
}
