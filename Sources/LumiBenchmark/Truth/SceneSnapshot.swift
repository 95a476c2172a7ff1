import LumiRendering
import LumiScene
import LumiTensor

/// A projected and lit scene in plain numbers: triangles on the pixel grid and what colours them.
struct SceneSnapshot {
  /// [faces · 9]: x right and y down in pixels and the nearness of each corner. Nearness is linear
  /// on the screen: 1/z under perspective, -z otherwise.
  var corners: [Double]
  let isPerspective: Bool
  /// [faces · 9]: each corner's colour, or its texture coordinates and a 0.
  let attributes: [Double]
  /// Rows from the top; nil if attributes are colours.
  let texture: (height: Int, width: Int, texels: [SIMD3<Double>])?
  let background: SIMD3<Double>

  var faceCount: Int { corners.count / 9 }

  init(_ scene: Scene<Mesh>, _ camera: Camera, _ channel: RenderChannel, _ shader: Shader) throws {
    let projected = ProjectedMesh(scene.shape, from: camera)
    let screen = ScreenSpace(camera)
    isPerspective = camera.model != .orthographic && camera.model != .weakPerspective
    var corners = projected.corners.scalars(as: Double.self)
    for corner in stride(from: 0, to: corners.count, by: 3) {
      let depth = corners[corner + 2]
      guard projected.clipping == nil, depth >= camera.near, depth <= camera.far else {
        throw TruthError.outsideOfDepthRange
      }
      corners[corner] = (corners[corner] + screen.halfWidth) / screen.unitsPerPixel
      corners[corner + 1] = (screen.halfHeight - corners[corner + 1]) / screen.unitsPerPixel
      corners[corner + 2] = isPerspective ? 1 / depth : -depth
      guard abs(corners[corner]) <= 1e9, abs(corners[corner + 1]) <= 1e9 else {
        throw TruthError.unsupported(
          "a corner is at pixel (\(corners[corner]), \(corners[corner + 1])), expected within 1e9")
      }
    }
    self.corners = corners
    let faces = corners.count / 9
    if channel == .alpha {
      attributes = [Double](repeating: 1, count: faces * 9)
      texture = nil
      background = .zero
      return
    }
    background = SIMD3(scene.background.scalars(as: Double.self))
    let shaded = ShadedMesh(scene, shader: shader, from: camera)
    if let colors = shaded.cornerColors() {
      attributes = colors.scalars(as: Double.self)
      texture = nil
    } else if case .texture(let image, let coordinates, let faces) = scene.shape.appearance,
      scene.lights.isEmpty, scene.shape.textureSampler.wrap == .clamp,
      scene.shape.textureSampler.filter != .nearest
    {
      let uv = coordinates.gather(faces).scalars(as: Double.self)
      attributes = (0..<uv.count / 2).flatMap { [uv[2 * $0], uv[2 * $0 + 1], 0] }
      let values = image.scalars(as: Double.self)
      texture = (
        image.shape[0], image.shape[1],
        (0..<values.count / 3).map { SIMD3(values[3 * $0], values[3 * $0 + 1], values[3 * $0 + 2]) }
      )
    } else {
      throw TruthError.unsupported(
        "colours are neither linear on faces nor an unlit, clamped, smooth texture, expected one")
    }
  }

  /// x and y exchanged, for lines along the other axis.
  func transposed() -> SceneSnapshot {
    var result = self
    for corner in stride(from: 0, to: corners.count, by: 3) {
      result.corners.swapAt(corner, corner + 1)
    }
    return result
  }

  /// What the corners of a face weigh at a point of the screen, for what is linear in space.
  func weights(_ face: Int, _ u: Double, _ v: Double) -> SIMD3<Double> {
    let at = face * 9
    let (ax, ay) = (corners[at] - u, corners[at + 1] - v)
    let (bx, by) = (corners[at + 3] - u, corners[at + 4] - v)
    let (cx, cy) = (corners[at + 6] - u, corners[at + 7] - v)
    var weights = SIMD3(bx * cy - cx * by, cx * ay - ax * cy, ax * by - bx * ay)
    if isPerspective {
      weights *= SIMD3(corners[at + 2], corners[at + 5], corners[at + 8])
    }
    return weights / (weights.x + weights.y + weights.z)
  }

  /// The colour of a face where its corners weigh this much; the background for face -1.
  func color(_ face: Int, _ weights: SIMD3<Double>) -> SIMD3<Double> {
    guard face >= 0 else { return background }
    let at = face * 9
    let value =
      weights.x * SIMD3(attributes[at], attributes[at + 1], attributes[at + 2])
      + weights.y * SIMD3(attributes[at + 3], attributes[at + 4], attributes[at + 5])
      + weights.z * SIMD3(attributes[at + 6], attributes[at + 7], attributes[at + 8])
    return texture == nil ? value : texel(value.x, value.y)
  }

  /// `sampleBilinear` at one point, in plain numbers.
  private func texel(_ u: Double, _ v: Double) -> SIMD3<Double> {
    let (height, width, texels) = texture!
    func neighbours(_ position: Double, _ count: Int) -> (Int, Int, Double) {
      let lower = position.rounded(.down)
      let last = Double(count - 1)
      return (
        Int(min(max(lower, 0), last)), Int(min(max(lower + 1, 0), last)), position - lower
      )
    }
    let (left, right, across) = neighbours(u * Double(width) - 0.5, width)
    let (top, bottom, down) = neighbours((1 - v) * Double(height) - 0.5, height)
    let upper = texels[top * width + left] * (1 - across) + texels[top * width + right] * across
    let lower =
      texels[bottom * width + left] * (1 - across) + texels[bottom * width + right] * across
    return upper * (1 - down) + lower * down
  }

  /// How near a face is along the screen: nearness = s.x·u + s.y·v + s.z.
  func nearness(_ face: Int) -> SIMD3<Double> {
    let at = face * 9
    let (ux, uy, uz) = (
      corners[at + 3] - corners[at], corners[at + 4] - corners[at + 1],
      corners[at + 5] - corners[at + 2]
    )
    let (vx, vy, vz) = (
      corners[at + 6] - corners[at], corners[at + 7] - corners[at + 1],
      corners[at + 8] - corners[at + 2]
    )
    let area = ux * vy - uy * vx
    let slope = SIMD2((uz * vy - uy * vz) / area, (ux * vz - uz * vx) / area)
    return SIMD3(
      slope.x, slope.y, corners[at + 2] - slope.x * corners[at] - slope.y * corners[at + 1])
  }
}

/// A scene at a parameter vector and a little to both sides along every entry.
///
/// Positions and colours of vertices are smooth in the parameters, so that central differences of
/// them are exact to about 1e-9; what is not smooth, visibility, is never differenced.
struct SnapshotFamily {
  let centre: SceneSnapshot
  /// For every entry, the scenes at +step and -step.
  let sides: [(above: SceneSnapshot, below: SceneSnapshot)]
  let mesh: Mesh
  let width: Int
  let height: Int
  /// 1 or 3.
  let channels: Int
  /// For every entry, whether corners move.
  let moves: [Bool]

  static let step = 1e-5

  init(
    of build: (Tensor) throws -> (Scene<Mesh>, Camera), at point: [Double],
    channel: RenderChannel, shader: Shader, withJacobian: Bool
  ) throws {
    func snapshot(_ theta: [Double]) throws -> SceneSnapshot {
      let (scene, camera) = try build(Tensor(theta))
      return try SceneSnapshot(scene, camera, channel, shader)
    }
    let (scene, camera) = try build(Tensor(point))
    mesh = scene.shape
    (width, height) = (camera.width, camera.height)
    channels = channel == .alpha ? 1 : 3
    let centre = try SceneSnapshot(scene, camera, channel, shader)
    self.centre = centre
    sides = try (withJacobian ? Array(point.indices) : []).map { k in
      var (above, below) = (point, point)
      above[k] += Self.step
      below[k] -= Self.step
      return (try snapshot(above), try snapshot(below))
    }
    moves = sides.map { $0.above.corners != $0.below.corners }
  }

  private init(transposing other: SnapshotFamily) {
    centre = other.centre.transposed()
    sides = other.sides.map { ($0.above.transposed(), $0.below.transposed()) }
    mesh = other.mesh
    (width, height) = (other.height, other.width)
    channels = other.channels
    moves = other.moves
  }

  func transposed() -> SnapshotFamily { SnapshotFamily(transposing: self) }
}
