import CLumiKernels
import LumiRendering
import LumiScene
import LumiTensor

/// The Neural Mesh Renderer (survey 2.1.2): gradients that reach along rows and columns and ask
/// whether a move helps.
///
/// Computes: an ordinary picture. For every edge of a face and every row or column of pixels that it
/// crosses, each pixel of that line is asked whether the loss would fall if it showed what is on the
/// other side of the edge. If so, the edge's two vertices get the gradient (fall of the loss) /
/// (distance that the vertex has to move for the edge to reach the pixel): outside of the face where
/// the edge is seen, so that it grows; inside where the face is seen, so that it retreats. Colour and
/// coverage count together. Colours and light get exact derivatives, depth its own, exact with the
/// visibility frozen.
///
/// Cannot: see changes inside a face: a texture's slope gives its vertices nothing. Nor does depth
/// get a gradient from colour. The gradient is no derivative of the picture, grows as 1/distance,
/// and takes what is behind a retreating edge for the pixel just outside of it.
///
/// H. Kato, Y. Ushiku, T. Harada, "Neural 3D Mesh Renderer", CVPR 2018.
public struct NeuralMeshRenderer: Renderer {
  public static let method = MethodDescription(
    id: "mesh/nmr", name: "Neural Mesh Renderer", representation: .mesh,
    type: "approximated gradient",
    strengths: "sharp picture; gradients reach far pixels and ask the loss",
    limits: "hand-made gradient; only along rows and columns; nothing inside a face",
    citation: "Kato, Ushiku, Harada, CVPR 2018",
    claims: [.shape: .surrogate, .material: .exact, .camera: .surrogate, .light: .exact])

  public var shader: Shader
  /// The images to make; of ``allChannels``. Depth is 0 where nothing is seen.
  public var channels: Set<RenderChannel>
  /// Whether the picture is drawn with twice the pixels a side and averaged. Default true, as
  /// published. Depth and face index are not averaged.
  public var antiAliasing = true
  /// Whether faces are seen from behind too. Default true, as published ("fill back").
  public var fillsBack = true
  /// Added to the distance that an edge has to move, in screen units; above 0. Nil, the default, is
  /// what the authors use: 1e-3 with colour, 1e-4 for coverage alone.
  public var epsilon: Double?

  /// Every channel that it can give.
  public static let allChannels: Set<RenderChannel> = [.color, .alpha, .depth, .faceIndex]

  /// - Parameters:
  ///   - shader: flat by default, as published.
  ///   - channels: colour and alpha by default.
  public init(shader: Shader = .flat, channels: Set<RenderChannel> = [.color, .alpha]) {
    self.shader = shader
    self.channels = channels
  }

  public func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    let epsilon = self.epsilon ?? (channels.contains(.color) ? 1e-3 : 1e-4)
    guard epsilon > 0, epsilon.isFinite else {
      throw RenderError.invalid(
        method: id, parameter: "epsilon", expected: "above 0 and finite", actual: "\(epsilon)")
    }
    let picture = try HardPicture(
      fillsBack ? scene : scene.withoutBackFaces(from: camera), shader: shader,
      from: antiAliasing ? camera.enlarged(by: 2) : camera, method: id, holdsCorners: true)
    var image = NeuralMeshGradient(epsilon: epsilon, cullsBack: !fillsBack).attach(
      picture.colorAndCoverage, picture.visibility, corners: picture.projected.corners)
    if antiAliasing { image = image.averagePooled(by: 2) }
    let plain = {
      try HardRasterizer(shader: shader, channels: [.depth, .faceIndex]).render(
        picture.scene, from: camera)
    }
    return try RenderOutput(
      image,
      [.depth: { try plain()[.depth] }, .faceIndex: { try plain()[.faceIndex] }],
      wanted: channels, method: id)
  }
}

/// The gradient of a picture for the corners of its faces.
struct NeuralMeshGradient {
  let epsilon: Double
  let cullsBack: Bool

  /// The same image, with this gradient with respect to the corners.
  ///
  /// - Parameters:
  ///   - image: [height, width, C], drawn from constant corners.
  ///   - visibility: int32 [height, width], the face of every pixel, -1 for none.
  ///   - corners: [faces, 3, 3] on the screen.
  func attach(_ image: Tensor, _ visibility: Tensor, corners: Tensor) -> Tensor {
    ImageGradient.attach(image, to: corners, name: "neuralMeshRenderer") { cotangent in
      self.corners(corners, visibility, image.stoppingGradient(), cotangent)
    }
  }

  private func corners(
    _ corners: Tensor, _ visibility: Tensor, _ image: Tensor, _ cotangent: Tensor
  ) -> Tensor {
    var frame = RasterFrame(
      corners: corners.expandingDims(at: 0),
      screen: ScreenSpace(width: image.shape[1], height: image.shape[0])
    ).kernel
    var parameters = lumi_nmr_parameters(
      channels: Int64(image.shape[2]), epsilon: epsilon, culls_back: cullsBack ? 1 : 0)
    let gradient = Tensor.unfilled(corners.shape, corners.dtype)
    let status = lumi_nmr_backward(
      &frame, &parameters, corners.kernelPointer,
      visibility.kernelPointer.assumingMemoryBound(to: Int32.self), image.kernelPointer,
      cotangent.kernelPointer, gradient.kernelPointer)
    require(status == LUMI_RASTER_OK, "neuralMeshRenderer: backward ran out of memory")
    return gradient
  }
}

extension Scene where Shape == Mesh {
  /// The scene with faces that are clockwise on the screen made faces without area.
  func withoutBackFaces(from camera: Camera) -> Scene {
    let points = camera.cameraPoints(shape.vertices.stoppingGradient()).gather(shape.faces)
    func corner(_ k: Int) -> Tensor { points.slice(axis: 1, from: k, to: k + 1).squeezed(axis: 1) }
    let normals = Tensor.cross(corner(1) - corner(0), corner(2) - corner(0))
    // Camera y points down, so a counter-clockwise face's normal points against z towards the eye.
    let facing =
      camera.isPerspective
      ? normals.dot(corner(0)) : normals.slice(axis: 1, from: 2, to: 3).squeezed(axis: 1)
    let isBack = (facing .>= 0).expandingDims(at: 1)
    var result = self
    let first = shape.faces.slice(axis: 1, from: 0, to: 1)
    result.shape.faces = Tensor.where(isBack, first, shape.faces)
    return result
  }
}
