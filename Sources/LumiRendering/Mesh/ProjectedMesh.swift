import LumiScene
import LumiTensor

/// Stage 1 of the mesh pipeline: triangles on the screen.
///
/// Screen coordinates: the shorter image side spans [-1, 1], +x right, +y up, so that softness
/// parameters mean the same at every resolution. Depth is camera z.
public struct ProjectedMesh: Sendable {
  /// [faces, 3, 3]: x, y on the screen and depth for each corner.
  public let corners: Tensor
  /// How corners follow from the mesh's own where faces were clipped; nil if none was.
  public let clipping: NearPlaneClipping?
  public let camera: Camera

  /// Projects a mesh and clips it at the camera's near plane.
  public init(_ mesh: Mesh, from camera: Camera) {
    self.camera = camera
    let points = camera.cameraPoints(mesh.vertices)
    if let clipping = NearPlaneClipping(points: points, faces: mesh.faces, near: camera.near) {
      self.clipping = clipping
      let clipped = clipping.corners(of: points.gather(mesh.faces))
      corners = Self.screen(clipped, camera)
    } else {
      clipping = nil
      corners = Self.screen(points, camera).gather(mesh.faces)
    }
  }

  /// Number of faces after clipping.
  public var faceCount: Int { corners.shape[0] }

  /// Which face of the mesh each projected face is part of: int32 [faces].
  public var sourceFaces: Tensor { clipping?.sourceFaces ?? Tensor.arange(faceCount) }

  /// Values at the mesh's corners [mesh faces, 3, C] as values at the projected faces' corners
  /// [faces, 3, C].
  public func corners(of attributes: Tensor) -> Tensor {
    clipping?.corners(of: attributes) ?? attributes
  }

  /// Values per mesh face [mesh faces, ...] as values per projected face.
  public func faces(of attributes: Tensor) -> Tensor {
    clipping.map { attributes.gather($0.sourceFaces) } ?? attributes
  }

  /// Numbers that are equal where corners of projected faces are the same point of the mesh that
  /// was projected: int64 [faces * 3].
  public func cornerIdentities(of mesh: Mesh) -> Tensor {
    clipping?.identities(
      ofCorners: mesh.faces.scalars(as: Int32.self), vertexCount: mesh.vertexCount)
      ?? mesh.faces.reshaped([-1]).cast(to: .int64)
  }

  /// Camera points [..., 3] on the screen [..., 3].
  package static func screen(_ points: Tensor, _ camera: Camera) -> Tensor {
    let pixels = camera.pixels(ofCameraPoints: points)
    let scale = ScreenSpace(camera)
    let x = pixels.slice(axis: -1, from: 0, to: 1) * scale.unitsPerPixel - scale.halfWidth
    let y = scale.halfHeight - pixels.slice(axis: -1, from: 1, to: 2) * scale.unitsPerPixel
    let depth = points.slice(axis: -1, from: 2, to: 3)
    return Tensor.concatenate([x, y, depth], axis: -1)
  }
}

/// The screen of the rasterisers: the shorter image side spans [-1, 1], the origin is the image's
/// middle, +x right, +y up.
public struct ScreenSpace: Sendable {
  public let width: Int
  public let height: Int

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  public init(_ camera: Camera) { self.init(width: camera.width, height: camera.height) }

  public var unitsPerPixel: Double { 2 / Double(min(width, height)) }
  public var halfWidth: Double { Double(width) / Double(min(width, height)) }
  public var halfHeight: Double { Double(height) / Double(min(width, height)) }

  /// The centres of row-major pixel numbers: [N, 2].
  public func centers(of pixels: Tensor, dtype: DType) -> Tensor {
    let numbers = pixels.scalars(as: Int64.self)
    var values: [Double] = []
    values.reserveCapacity(numbers.count * 2)
    let shorter = Double(min(width, height))
    for number in numbers {
      let (row, column) = Int(number).quotientAndRemainder(dividingBy: width)
      values.append(Double(2 * column + 1 - width) / shorter)
      values.append(Double(height - 1 - 2 * row) / shorter)
    }
    return Tensor(values, shape: [numbers.count, 2]).cast(to: dtype)
  }
}
