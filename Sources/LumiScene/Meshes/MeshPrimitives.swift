import Foundation
import LumiTensor

/// Vertices, faces and texture coordinates while a primitive is put together.
private struct MeshDraft {
  var positions: [SIMD3<Double>] = []
  var faces: [SIMD3<Int32>] = []
  var coordinates: [SIMD2<Double>] = []
  var coordinateFaces: [SIMD3<Int32>] = []

  /// Two triangles of four corners, counter-clockwise.
  mutating func addQuad(_ corners: [Int], coordinates uv: [Int]) {
    for (a, b, c) in [(0, 1, 2), (0, 2, 3)] {
      addTriangle([corners[a], corners[b], corners[c]], coordinates: [uv[a], uv[b], uv[c]])
    }
  }

  mutating func addTriangle(_ corners: [Int], coordinates uv: [Int]) {
    faces.append([Int32(corners[0]), Int32(corners[1]), Int32(corners[2])])
    coordinateFaces.append([Int32(uv[0]), Int32(uv[1]), Int32(uv[2])])
  }

  /// Coordinates of a grid of `columns` × `rows` cells over the whole image, rows upwards.
  mutating func addGridCoordinates(_ columns: Int, _ rows: Int) {
    for row in 0...rows {
      for column in 0...columns {
        coordinates.append([
          Double(column) / Double(columns), Double(row) / Double(rows),
        ])
      }
    }
  }

  func mesh(_ texture: Tensor?, _ dtype: DType) -> Mesh {
    func indices(_ list: [SIMD3<Int32>]) -> Tensor {
      Tensor(list.flatMap { [$0.x, $0.y, $0.z] }, shape: [list.count, 3])
    }
    let vertices = Tensor(positions.flatMap { [$0.x, $0.y, $0.z] }, shape: [positions.count, 3])
    let uv = Tensor(coordinates.flatMap { [$0.x, $0.y] }, shape: [coordinates.count, 2])
    return Mesh(
      vertices: vertices.cast(to: dtype), faces: indices(faces),
      appearance: texture.map {
        .texture(image: $0, coordinates: uv.cast(to: dtype), faces: indices(coordinateFaces))
      })
  }
}

// Simple shapes around the origin, watertight except for the plane, faces counter-clockwise seen
// from outside. Those with natural texture coordinates take an image [H, W, C]; without one they
// are white.
extension Mesh {
  /// A sphere: an icosahedron whose faces are cut into four `subdivisions` times, new vertices put
  /// on the sphere. 10·4ⁿ + 2 vertices: 12, 42, 162, 642, 2562.
  ///
  /// - Parameters:
  ///   - subdivisions: 0 to 8.
  ///   - radius: of the surface.
  ///   - dtype: the type of the tensors.
  public static func icosphere(
    subdivisions: Int = 3, radius: Double = 1, dtype: DType = .float32
  ) -> Mesh {
    require(
      (0...8).contains(subdivisions), "icosphere: \(subdivisions) subdivisions, expected 0...8")
    var (points, faces) = icosahedron()
    for _ in 0..<subdivisions { subdivide(&points, &faces) }
    return MeshDraft(positions: points.map { $0 * radius }, faces: faces).mesh(nil, dtype)
  }

  /// A cube with edges of length `size`; every side shows the whole image.
  public static func cube(
    size: Double = 1, texture: Tensor? = nil, dtype: DType = .float32
  ) -> Mesh {
    var draft = MeshDraft()
    for corner in 0..<8 {
      func coordinate(_ bit: Int) -> Double { (corner >> bit) & 1 == 1 ? size / 2 : -size / 2 }
      draft.positions.append([coordinate(0), coordinate(1), coordinate(2)])
    }
    draft.coordinates = [[0, 0], [1, 0], [1, 1], [0, 1]]
    // Bits x, y, z of the corners of each side, from its lower left one seen from outside.
    let sides = [
      [5, 1, 3, 7], [0, 4, 6, 2], [6, 7, 3, 2], [0, 1, 5, 4], [4, 5, 7, 6], [1, 0, 2, 3],
    ]
    for side in sides { draft.addQuad(side, coordinates: [0, 1, 2, 3]) }
    return draft.mesh(texture, dtype)
  }

  /// A rectangle in the plane z = 0 that faces +z, cut into `columns` × `rows` cells of two
  /// triangles. Not closed.
  public static func plane(
    width: Double = 1, height: Double = 1, columns: Int = 1, rows: Int = 1,
    texture: Tensor? = nil, dtype: DType = .float32
  ) -> Mesh {
    require(columns > 0 && rows > 0, "plane: \(columns)×\(rows) cells")
    var draft = MeshDraft()
    draft.addGridCoordinates(columns, rows)
    draft.positions = draft.coordinates.map { [($0.x - 0.5) * width, ($0.y - 0.5) * height, 0] }
    for row in 0..<rows {
      for column in 0..<columns {
        let corner = row * (columns + 1) + column
        let corners = [corner, corner + 1, corner + columns + 2, corner + columns + 1]
        draft.addQuad(corners, coordinates: corners)
      }
    }
    return draft.mesh(texture, dtype)
  }

  /// A torus around the y axis: u runs around the axis, v around the tube.
  ///
  /// - Parameters:
  ///   - majorRadius: from the axis to the middle of the tube.
  ///   - minorRadius: of the tube.
  ///   - majorSegments: around the axis, at least 3.
  ///   - minorSegments: around the tube, at least 3.
  ///   - texture: an image to wrap around it; white if nil.
  ///   - dtype: the type of the tensors.
  public static func torus(
    majorRadius: Double = 1, minorRadius: Double = 0.4, majorSegments: Int = 48,
    minorSegments: Int = 24, texture: Tensor? = nil, dtype: DType = .float32
  ) -> Mesh {
    require(
      majorSegments >= 3 && minorSegments >= 3,
      "torus: \(majorSegments) and \(minorSegments) segments, expected at least 3")
    var draft = MeshDraft()
    draft.addGridCoordinates(majorSegments, minorSegments)
    for j in 0..<minorSegments {
      let tube = 2 * Double.pi * Double(j) / Double(minorSegments)
      for i in 0..<majorSegments {
        let turn = 2 * Double.pi * Double(i) / Double(majorSegments)
        let out = majorRadius + minorRadius * cos(tube)
        draft.positions.append([out * sin(turn), minorRadius * sin(tube), out * cos(turn)])
      }
    }
    for j in 0..<minorSegments {
      for i in 0..<majorSegments {
        let (right, above) = ((i + 1) % majorSegments, (j + 1) % minorSegments)
        let uv = j * (majorSegments + 1) + i
        draft.addQuad(
          [
            j * majorSegments + i, j * majorSegments + right, above * majorSegments + right,
            above * majorSegments + i,
          ],
          coordinates: [uv, uv + 1, uv + majorSegments + 2, uv + majorSegments + 1])
      }
    }
    return draft.mesh(texture, dtype)
  }

  /// A closed cylinder around the y axis. The image runs once around the side; each end shows its
  /// inscribed disc.
  ///
  /// - Parameters:
  ///   - radius: of the surface.
  ///   - height: along the axis.
  ///   - segments: around the axis, at least 3.
  ///   - texture: an image to wrap around it; white if nil.
  ///   - dtype: the type of the tensors.
  public static func cylinder(
    radius: Double = 0.5, height: Double = 1, segments: Int = 32, texture: Tensor? = nil,
    dtype: DType = .float32
  ) -> Mesh {
    require(segments >= 3, "cylinder: \(segments) segments, expected at least 3")
    var draft = MeshDraft()
    draft.addGridCoordinates(segments, 1)
    let turns = (0..<segments).map { 2 * Double.pi * Double($0) / Double(segments) }
    for y in [-height / 2, height / 2] {
      draft.positions += turns.map { [radius * sin($0), y, radius * cos($0)] }
    }
    for i in 0..<segments {
      let right = (i + 1) % segments
      draft.addQuad(
        [i, right, segments + right, segments + i],
        coordinates: [i, i + 1, segments + i + 2, segments + i + 1])
    }
    for (end, y) in [-height / 2, height / 2].enumerated() {
      addEnd(&draft, ring: end * segments, segments, y, facingUp: end == 1)
    }
    return draft.mesh(texture, dtype)
  }

  /// A fan from a new vertex on the axis to a ring.
  private static func addEnd(
    _ draft: inout MeshDraft, ring: Int, _ segments: Int, _ y: Double, facingUp: Bool
  ) {
    let middle = draft.positions.count
    draft.positions.append([0, y, 0])
    let firstUV = draft.coordinates.count
    draft.coordinates.append([0.5, 0.5])
    for i in 0..<segments {
      let turn = 2 * Double.pi * Double(i) / Double(segments)
      draft.coordinates.append([0.5 + 0.5 * sin(turn), 0.5 + (facingUp ? -0.5 : 0.5) * cos(turn)])
    }
    for i in 0..<segments {
      let right = (i + 1) % segments
      let (a, b) = facingUp ? (i, right) : (right, i)
      draft.addTriangle(
        [middle, ring + a, ring + b],
        coordinates: [firstUV, firstUV + 1 + a, firstUV + 1 + b])
    }
  }

  private static func icosahedron() -> ([SIMD3<Double>], [SIMD3<Int32>]) {
    // Two poles and two rings of five, half a step apart.
    let y = 1 / 5.0.squareRoot()
    var points: [SIMD3<Double>] = [[0, 1, 0]]
    for (level, offset) in [(y, 0.0), (-y, 0.5)] {
      for i in 0..<5 {
        let turn = 2 * Double.pi * (Double(i) + offset) / 5
        points.append([2 * y * sin(turn), level, 2 * y * cos(turn)])
      }
    }
    points.append([0, -1, 0])
    var faces: [SIMD3<Int32>] = []
    for i in 0..<Int32(5) {
      let (upper, upperRight) = (1 + i, 1 + (i + 1) % 5)
      let (lower, lowerRight) = (6 + i, 6 + (i + 1) % 5)
      faces += [
        [0, upper, upperRight], [upper, lower, upperRight], [upperRight, lower, lowerRight],
        [11, lowerRight, lower],
      ]
    }
    return (points, faces)
  }

  private static func subdivide(_ points: inout [SIMD3<Double>], _ faces: inout [SIMD3<Int32>]) {
    var middles: [SIMD2<Int32>: Int32] = [:]
    func middle(_ a: Int32, _ b: Int32) -> Int32 {
      let key: SIMD2<Int32> = [min(a, b), max(a, b)]
      if let known = middles[key] { return known }
      let sum = points[Int(a)] + points[Int(b)]
      points.append(sum / (sum * sum).sum().squareRoot())
      middles[key] = Int32(points.count - 1)
      return Int32(points.count - 1)
    }
    faces = faces.flatMap { face -> [SIMD3<Int32>] in
      let ab = middle(face.x, face.y)
      let bc = middle(face.y, face.z)
      let ca = middle(face.z, face.x)
      return [[face.x, ab, ca], [ab, face.y, bc], [ca, bc, face.z], [ab, bc, ca]]
    }
  }
}
