// The surface of a grid at a level as a triangle mesh, with derivatives.
//
// Marching cubes: a vertex on every edge between a filled and an empty value, where the line between
// the two values passes the level, and up to five triangles in every cube of eight values. After W.
// Lorensen and H. Cline, "Marching Cubes: A High Resolution 3D Surface Construction Algorithm",
// SIGGRAPH 1987; the cases are worked out in MarchingCubesTable.swift such that inside of the grid
// every edge of the mesh has exactly two faces.
//
// Vertices move with the values of their edge, and so do their derivatives of any order. That edges
// begin or cease to be crossed has no derivative.
//
// It cannot: draw what is finer than the grid, or sharp edges; follow the topology of the trilinear
// function, because it looks at signs alone: filled values that touch across a diagonal stay apart.
// Where a value is at the level itself, several vertices coincide and faces have no area.

import LumiTensor

extension VoxelGrid {
  /// The surface between filled and empty, faces turned outwards: to larger signed distances, or to
  /// where less is filled. Colours go along (of spherical harmonics their mean over all directions);
  /// a warp does not count.
  ///
  /// Differentiable with respect to values and colours. An edge whose values differ by less than
  /// 1e-12 of the largest value at the surface is cut in the middle, without a derivative.
  ///
  /// - Complexity: O(values), and memory of 6 bytes a value beside the mesh.
  /// - Parameters:
  ///   - level: the value at the surface, which counts as empty itself; 0 for signed distances and ½
  ///     for other quantities if nil.
  ///   - closed: whether what is filled at the border gets a cap, on the faces of the box. If not, the
  ///     surface ends at the outermost values.
  /// - Returns: a mesh without a face where nothing lies between filled and empty values.
  /// - Throws: ``SceneError`` for a value or a level that is not finite, or shapes that do not fit.
  public func surface(level: Double? = nil, closed: Bool = false) throws -> Mesh {
    try checkStructure()
    let level = try surfaceLevel(level)
    let scan = try MarchingCubesScan(
      values, level: level, filledBelow: isFilledBelow,
      cap: closed ? (placement == .cells ? 0.5 : 0) : nil)
    let edges = CrossedEdges(scan.crossings)
    let shares = edges.shares(values.reshaped([-1]), level)
    var mesh = Mesh(
      vertices: worldPoints(edges.points(shares)), faces: scan.faces,
      appearance: .uniform(meanColor))
    if let colors = meanColors {
      mesh.appearance = .vertexColors(edges.mixed(colors.reshaped([values.count, -1]), shares))
    }
    return mesh
  }

  /// Whether small values are filled, or large ones.
  var isFilledBelow: Bool { quantity == .signedDistance || quantity == .emptiness }

  /// A level that was given, or the quantity's own.
  func surfaceLevel(_ level: Double?) throws -> Double {
    let level = level ?? (quantity == .signedDistance ? 0 : 0.5)
    guard level.isFinite else {
      throw SceneError(field: "level", expected: "a finite number", actual: "\(level)")
    }
    return level
  }

  /// [C]: the colour of a uniform grid; else white.
  var meanColor: Tensor {
    if case .uniform(let color) = appearance { return color }
    return .ones([appearance.channels], dtype: dtype)
  }

  /// [X, Y, Z, C], averaged over all directions; nil if the colour is uniform.
  var meanColors: Tensor? {
    switch appearance {
    case .uniform: nil
    case .colors(let colors): colors
    case .sphericalHarmonics(let coefficients):
      // All other functions integrate to 0.
      coefficients[.all, .all, .all, .all, 0] * (0.25 / Double.pi).squareRoot()
    }
  }
}

/// The vertices as tensor operations on the values.
private struct CrossedEdges {
  /// int32 [V]: positions of the values at the ends.
  let lower, upper: Tensor
  /// float64 [V, 3]: the lower ends in grid coordinates, and the edges' directions.
  let bases, directions: Tensor
  /// float64 [V]: how far along the edge where the values do not tell.
  let fixed: Tensor

  init(_ crossings: [MarchingCubesScan.Crossing]) {
    let count = crossings.count
    lower = Tensor(crossings.map(\.lower))
    upper = Tensor(crossings.map(\.upper))
    fixed = Tensor(crossings.map(\.fixed))
    bases = .build([count, 3], Double.self) { out in
      for (row, crossing) in crossings.enumerated() {
        for c in 0..<3 { out[3 * row + c] = crossing.base[c] }
      }
    }
    directions = .build([count, 3], Double.self) { out in
      for (row, crossing) in crossings.enumerated() {
        for c in 0..<3 { out[3 * row + c] = Int(crossing.axis) == c ? 1 : 0 }
      }
    }
  }

  /// [V]: how far along their edges the vertices are.
  func shares(_ values: Tensor, _ level: Double) -> Tensor {
    let (below, above) = (values.gather(lower), values.gather(upper))
    let fixed = fixed.cast(to: values.dtype)
    guard fixed.count > 0 else { return fixed }
    // A power of two changes no digit, and keeps squares in range.
    let largest = max(below.abs().max().value, above.abs().max().value, level.magnitude)
    let exponent = min(max(largest > 0 ? largest.exponent : 0, -100), 100)
    let scale = Double(sign: .plus, exponent: -exponent, significand: 1)
    let start = below * scale
    let difference = above * scale - start
    let isFlat = difference.stoppingGradient().abs() .< 1e-12
    let slope = Tensor.where(isFlat, Tensor(1, dtype: values.dtype), difference)
    return Tensor.where(isFlat, fixed, (level * scale - start) / slope)
  }

  /// [V, 3] in grid coordinates.
  func points(_ shares: Tensor) -> Tensor {
    bases.cast(to: shares.dtype)
      + directions.cast(to: shares.dtype) * shares.expandingDims(at: 1)
  }

  /// Values [N, C] of the grid between the ends, [V, C].
  func mixed(_ values: Tensor, _ shares: Tensor) -> Tensor {
    let from = values.gather(lower)
    return from + (values.gather(upper) - from) * shares.expandingDims(at: 1)
  }
}
