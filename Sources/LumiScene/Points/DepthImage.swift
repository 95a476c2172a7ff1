import LumiTensor

/// A depth image and the camera that took it, with colours if there are any (RGB-D): a point cloud
/// in the order of its pixels.
///
/// A depth that is not above 0 or not finite stands for a pixel without a measurement.
public struct DepthImage: Parameterized, Sendable {
  /// [H, W], camera z in world units.
  public var depth: Tensor
  /// [H, W, C], linear.
  public var colors: Tensor?
  public var camera: Camera

  /// - Parameters:
  ///   - depth: [H, W].
  ///   - colors: [H, W, C].
  ///   - camera: H rows, W columns.
  /// - Throws: ``SceneError`` for shapes or dtypes that do not fit each other.
  public init(depth: Tensor, colors: Tensor? = nil, camera: Camera) throws {
    try checkExtents("depth", depth, [camera.height, camera.width], camera.dtype)
    if let colors {
      try checkExtents("colors", colors, [camera.height, camera.width, nil], camera.dtype)
    }
    self.depth = depth
    self.colors = colors
    self.camera = camera
  }

  /// Paths: "depth", "colors" if there are any, and "camera.rotation" and so on.
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Self {
    var result = self
    result.depth = try transform("depth", depth)
    result.colors = try colors.map { try transform("colors", $0) }
    result.camera = try camera.mapParameters { try transform("camera.\($0)", $1) }
    return result
  }

  /// The world points of all pixels, [H, W, 3]; differentiable with respect to depth and camera.
  /// Those of pixels without a measurement mean nothing and are finite.
  public func positions() -> Tensor {
    camera.unproject(pixels: camera.pixelCentres(), depth: Tensor.where(isMeasured, depth, 1))
  }

  /// bool [H, W].
  public var isMeasured: Tensor {
    let constant = depth.stoppingGradient()
    return (constant .> 0) .&& (constant .< .infinity)
  }

  /// The measured pixels as points in the order of rows and columns, with colours.
  ///
  /// Normals come from the neighbours to the right and below (or to the left and above) and face the
  /// camera; without two measured neighbours, and across a jump, a normal points to the camera.
  ///
  /// - Parameters:
  ///   - withNormals: whether to compute normals.
  ///   - jump: neighbours whose depths differ by more than this share of the nearer one are not of
  ///     one surface.
  public func pointCloud(withNormals: Bool = false, jump: Double = 0.05) -> PointCloud {
    let places = measuredPixels()
    func rows(_ image: Tensor) -> Tensor {
      image.reshaped([camera.height * camera.width, -1]).gather(places)
    }
    var cloud = PointCloud(points: rows(positions()))
    if let colors { cloud.appearance = .colors(rows(colors)) }
    if withNormals { cloud.normals = rows(normals(jump: jump)) }
    return cloud
  }

  /// int64 [N]: row · W + column of the measured pixels.
  private func measuredPixels() -> Tensor {
    let flags = isMeasured.scalars(as: Bool.self)
    return Tensor(flags.indices.filter { flags[$0] }.map(Int64.init))
  }

  /// [H, W, 3], unit length, facing the camera.
  private func normals(jump: Double) -> Tensor {
    let points = positions()
    let right = Self.step(points, depth, isMeasured, axis: 1, jump)
    let down = Self.step(points, depth, isMeasured, axis: 0, jump)
    let across = Tensor.cross(down, right)
    let towards = (camera.centre - points).unitVectors()
    let isKnown = across.stoppingGradient().square().sum(axis: -1, keepDims: true) .> 0
    let normal = Tensor.where(isKnown, across, towards).unitVectors()
    let faces = (normal * towards).stoppingGradient().sum(axis: -1, keepDims: true) .>= 0
    return Tensor.where(faces, normal, -normal)
  }

  /// The difference to the next pixel along an axis, where that is not known to the previous one, and
  /// 0 where neither is; [H, W, 3].
  private static func step(
    _ points: Tensor, _ depth: Tensor, _ isMeasured: Tensor, axis: Int, _ jump: Double
  ) -> Tensor {
    let count = points.shape[axis]
    guard count > 1 else { return .zeros(like: points) }
    func part(_ image: Tensor, _ from: Int, _ to: Int) -> Tensor {
      image.slice(axis: axis, from: from, to: to)
    }
    let constant = depth.stoppingGradient()
    let (a, b) = (part(constant, 0, count - 1), part(constant, 1, count))
    let isSame =
      part(isMeasured, 0, count - 1) .&& part(isMeasured, 1, count)
      .&& ((a - b).abs() .<= Tensor.minimum(a, b) * jump)
    let weight = isSame.cast(to: depth.dtype).expandingDims(at: 2)
    let steps = (part(points, 1, count) - part(points, 0, count - 1)) * weight
    let next = steps.padded(axis: axis, before: 0, after: 1)
    let previous = steps.padded(axis: axis, before: 1, after: 0)
    let hasNext = weight.padded(axis: axis, before: 0, after: 1) .> 0
    return Tensor.where(hasNext, next, previous)
  }

  /// The measured pixels joined by triangles along the pixel grid, two for every square of four
  /// neighbours; a triangle across a jump, or with a corner that is not measured, is left out.
  ///
  /// - Parameter jump: corners whose depths differ by more than this share of the nearest one are not
  ///   of one surface.
  public func mesh(jump: Double = 0.05) -> Mesh {
    let (height, width) = (camera.height, camera.width)
    let depths = depth.scalars(as: Double.self)
    let flags = isMeasured.scalars(as: Bool.self)
    var row = [Int32](repeating: -1, count: flags.count)
    var next: Int32 = 0
    for place in flags.indices where flags[place] {
      row[place] = next
      next += 1
    }
    var faces: [Int32] = []
    func add(_ corners: [Int]) {
      guard corners.allSatisfy({ flags[$0] }) else { return }
      let seen = corners.map { depths[$0] }
      guard seen.max()! - seen.min()! <= jump * seen.min()! else { return }
      faces += corners.map { row[$0] }
    }
    for y in 0..<max(height - 1, 0) {
      for x in 0..<max(width - 1, 0) {
        let corner = y * width + x
        add([corner, corner + width, corner + 1])
        add([corner + 1, corner + width, corner + width + 1])
      }
    }
    let cloud = pointCloud()
    var appearance: MeshAppearance?
    if case .colors(let colors) = cloud.appearance { appearance = .vertexColors(colors) }
    return Mesh(
      vertices: cloud.points, faces: Tensor(faces, shape: [faces.count / 3, 3]),
      appearance: appearance)
  }

  /// The nearest point of every pixel, and no measurement where there is none. Differentiable with
  /// respect to depths and colours; which point a pixel shows is constant.
  ///
  /// - Parameters:
  ///   - cloud: of the camera's dtype.
  ///   - camera: points outside of its near and far depths are not seen. At one depth the first
  ///     point counts.
  /// - Throws: ``SceneError`` for another dtype.
  public init(of cloud: PointCloud, from camera: Camera) throws {
    try cloud.checkStructure()
    try checkExtents("cloud.points", cloud.points, [nil, 3], camera.dtype)
    let (pixels, depth) = camera.project(cloud.points)
    let nearest = Self.nearestPoints(pixels, depth, camera)
    let hits = Tensor(nearest.map(Int64.init), shape: [camera.height, camera.width])
    let isSeen = hits .>= Tensor(0, dtype: .int64)
    let rows = hits.clamped(min: 0).flattened()
    let shape = [camera.height, camera.width]
    guard cloud.count > 0 else {
      try self.init(depth: .zeros(shape, dtype: camera.dtype), camera: camera)
      return
    }
    let seen = depth.gather(rows).reshaped(shape)
    var colors: Tensor?
    if case .colors(let values) = cloud.appearance {
      let found = values.gather(rows).reshaped(shape + [-1])
      colors = Tensor.where(isSeen.expandingDims(at: 2), found, 0)
    }
    try self.init(depth: Tensor.where(isSeen, seen, 0), colors: colors, camera: camera)
  }

  /// The row of the nearest point for every pixel, -1 for none.
  private static func nearestPoints(_ pixels: Tensor, _ depth: Tensor, _ camera: Camera) -> [Int] {
    let places = pixels.scalars(as: Double.self)
    let depths = depth.scalars(as: Double.self)
    var nearest = [Int](repeating: -1, count: camera.height * camera.width)
    for (index, z) in depths.enumerated() where z >= camera.near && z <= camera.far {
      let (x, y) = (places[2 * index], places[2 * index + 1])
      guard x >= 0, y >= 0, x < Double(camera.width), y < Double(camera.height) else { continue }
      let place = Int(y) * camera.width + Int(x)
      if nearest[place] < 0 || z < depths[nearest[place]] { nearest[place] = index }
    }
    return nearest
  }
}
