import CLumiKernels
import LumiRendering
import LumiScene
import LumiTensor

/// The z-buffer and its fused interpolation.
///
/// Coverage includes edges and both orientations; a shared edge leaves no gap. Nearest depth wins,
/// ties go to the lower face. Faces of no area or with a corner at or behind the camera are left
/// out.
package enum HardRaster {
  private static let method = HardRasterizer.method.id

  private static func parameters(
    _ camera: (perspective: Bool, near: Double, far: Double), channels: Int = 0,
    extra: lumi_hard_extra = LUMI_HARD_NOTHING
  ) -> lumi_hard_parameters {
    lumi_hard_parameters(
      perspective: camera.perspective ? 1 : 0, channels: Int32(channels), extra: extra,
      near_depth: camera.near, far_depth: camera.far)
  }

  private static func range(_ camera: Camera) -> (perspective: Bool, near: Double, far: Double) {
    // The near plane has been clipped at already; rounding must not clip again.
    (camera.isPerspective, 0, camera.far)
  }

  /// The face of every pixel: int32 [height, width], -1 for none.
  ///
  /// - Parameters:
  ///   - mesh: what is drawn.
  ///   - isAffine: whether depth is linear on the screen whatever the camera.
  ///   - laterWins: whether the last of several faces of one depth is seen, not the first.
  package static func visibility(
    _ mesh: ProjectedMesh, isAffine: Bool = false, laterWins: Bool = false
  ) throws -> Tensor {
    try visibility(
      mesh.corners, ScreenSpace(mesh.camera),
      perspective: mesh.camera.isPerspective && !isAffine, far: mesh.camera.far,
      laterWins: laterWins)
  }

  /// The same from corners [faces, 3, 3].
  package static func visibility(
    _ corners: Tensor, _ screen: ScreenSpace, perspective: Bool, near: Double = 0,
    far: Double = .infinity, laterWins: Bool = false
  ) throws -> Tensor {
    let plain = corners.stoppingGradient()
    let ordered = laterWins ? plain.flipped(axis: 0) : plain
    let frame = RasterFrame(corners: ordered.expandingDims(at: 0), screen: screen)
    var kernelFrame = frame.kernel
    var parameters = parameters((perspective, near, far))
    let found = Tensor.unfilled([screen.height, screen.width], .int32)
    try frame.check(
      lumi_hard_visibility(
        &kernelFrame, &parameters, ordered.kernelPointer,
        found.kernelPointer.assumingMemoryBound(to: Int32.self), nil), method)
    guard laterWins else { return found }
    let last = Tensor(Double(frame.faces - 1), dtype: .int32)
    return Tensor.where(found .< 0, found, last - found)
  }

  /// The covered pixels of a visibility.
  package static func fragments(_ visibility: Tensor, _ mesh: ProjectedMesh) -> Fragments {
    fragments(visibility, corners: mesh.corners, ScreenSpace(mesh.camera))
  }

  package static func fragments(
    _ visibility: Tensor, corners: Tensor, _ screen: ScreenSpace
  ) -> Fragments {
    var pixels: [Int64] = []
    var faces: [Int32] = []
    visibility.withUnsafeScalars(as: Int32.self) { index in
      for (pixel, face) in index.enumerated() where face >= 0 {
        pixels.append(Int64(pixel))
        faces.append(face)
      }
    }
    return Fragments(
      pixels: Tensor(pixels), faces: Tensor(faces), corners: corners, screen: screen)
  }

  /// A visibility in terms of the mesh's own faces.
  package static func sourceFaces(_ visibility: Tensor, _ mesh: ProjectedMesh) -> Tensor {
    guard mesh.clipping != nil else { return visibility }
    let sources = mesh.sourceFaces.scalars(as: Int32.self)
    return Tensor(
      visibility.scalars(as: Int32.self).map { $0 < 0 ? -1 : sources[Int($0)] },
      shape: visibility.shape)
  }

  /// Values at projected corners [faces, 3, C] over the visible faces: [height, width, C].
  ///
  /// One kernel forward and one backward, with the visibility frozen; no second derivative.
  package static func interpolate(
    _ attributes: Tensor, on mesh: ProjectedMesh, background: Tensor
  ) throws -> Tensor {
    try draw(attributes, on: mesh, background: background).image
  }

  /// ``interpolate(_:on:background:)`` with the face of every pixel: int32 [height, width], -1 for
  /// none.
  ///
  /// - Parameters:
  ///   - attributes: [faces, 3, C].
  ///   - mesh: what is drawn.
  ///   - isAffine: whether attributes and depth are linear on the screen whatever the camera.
  ///   - showsCoverage: whether there is one more channel, 1 where there is a face.
  ///   - background: as many values as the image has channels.
  package static func draw(
    _ attributes: Tensor, on mesh: ProjectedMesh, isAffine: Bool = false,
    showsCoverage: Bool = false, background: Tensor
  ) throws -> (image: Tensor, visibility: Tensor) {
    var range = range(mesh.camera)
    if isAffine { range.perspective = false }
    return try draw(
      attributes, corners: mesh.corners, ScreenSpace(mesh.camera), showsCoverage: showsCoverage,
      background: background, range: range)
  }

  private static func draw(
    _ attributes: Tensor, corners: Tensor, _ screen: ScreenSpace, showsCoverage: Bool,
    background: Tensor, range: (perspective: Bool, near: Double, far: Double)
  ) throws -> (image: Tensor, visibility: Tensor) {
    let channels = attributes.shape[2] + (showsCoverage ? 1 : 0)
    guard background.shape == [channels] else {
      throw RenderError.invalid(
        method: method, parameter: "background", expected: "shape [\(channels)]",
        actual: "shape \(background.shape)")
    }
    let frame = RasterFrame(corners: corners.expandingDims(at: 0), screen: screen)
    var kernelFrame = frame.kernel
    var parameters = parameters(
      range, channels: attributes.shape[2],
      extra: showsCoverage ? LUMI_HARD_COVERAGE : LUMI_HARD_NOTHING)
    let faceIndex = Tensor.unfilled(frame.imageShape(), .int32)
    let image = Tensor.unfilled([screen.height, screen.width, channels], frame.dtype)
    try frame.check(
      lumi_hard_forward(
        &kernelFrame, &parameters, corners.kernelPointer, attributes.kernelPointer,
        background.kernelPointer, faceIndex.kernelPointer.assumingMemoryBound(to: Int32.self),
        nil, image.kernelPointer), method)
    let drawn = customOperation(
      "hardRasterize", inputs: [corners, attributes, background], outputs: [image]
    ) { cotangents, needs in
      let cotangent = cotangents[0]!
      let byCorners = Tensor.unfilled(corners.shape, frame.dtype)
      let byAttributes = Tensor.unfilled(attributes.shape, frame.dtype)
      var kernelFrame = kernelFrame
      var parameters = parameters
      let status = lumi_hard_backward(
        &kernelFrame, &parameters, corners.kernelPointer, attributes.kernelPointer,
        faceIndex.kernelPointer.assumingMemoryBound(to: Int32.self), nil,
        cotangent.kernelPointer, byCorners.kernelPointer, byAttributes.kernelPointer)
      require(status == LUMI_RASTER_OK, "hardRasterize: backward ran out of memory")
      return [
        byCorners, byAttributes,
        needs[2] ? backgroundGradient(cotangent, faceIndex) : nil,
      ]
    }[0]
    return (drawn, faceIndex.squeezed(axis: 0))
  }

  private static func backgroundGradient(_ cotangent: Tensor, _ faceIndex: Tensor) -> Tensor {
    let empty = (faceIndex .< 0).reshaped(Array(cotangent.shape.dropLast()) + [1])
    return Tensor.where(empty, cotangent, Tensor(0, dtype: cotangent.dtype)).sum(axes: [0, 1])
  }
}
