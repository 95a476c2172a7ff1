import CLumiKernels
import LumiRendering
import LumiScene
import LumiTensor

/// Analytical derivatives through a hard rasteriser (survey 2.1.1).
///
/// Computes: an ordinary picture, one visible face a pixel, and the exact derivative of everything
/// behind the choice of that face: projection, barycentric coordinates, perspective-correct
/// interpolation, normals, textures, shading.
///
/// Cannot: move a silhouette. Which face a pixel shows is a discrete choice; its derivative is zero
/// almost everywhere and is taken as zero. A mesh of one colour gets no gradient for its shape.
///
/// Derivatives of first order come from a fused kernel where colours are linear on a face, and
/// from tensor operations, to any order, elsewhere; ``path`` decides.
///
/// H.-T. D. Liu, M. Tao, A. Jacobson, "Paparazzi: Surface Editing by way of Multi-View Image
/// Processing", ACM TOG 2018; D. Azinović et al., "Inverse Path Tracing", CVPR 2019; C.-Y. Tsai et
/// al., "Beyond Volumetric Albedo", CVPR 2019.
public struct HardRasterizer: Renderer {
  public static let method = MethodDescription(
    id: "mesh/analytical", name: "Hard rasteriser with analytical derivatives",
    representation: .mesh, type: "analytical derivative",
    strengths: "an ordinary, sharp picture; exact where it applies; any shading",
    limits: "visibility is frozen: no gradient from silhouettes or occlusion",
    citation: "Liu et al. 2018; Azinović et al. 2019; Tsai et al. 2019 (survey 2.1.1)",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  /// Which code draws.
  public enum Path: String, Sendable, CaseIterable {
    /// The fused kernel where it can, tensor operations elsewhere.
    case automatic
    /// Tensor operations only: slower, readable, derivatives of any order.
    case tensorOperations
  }

  public var shader: Shader
  /// The images to make. Depth is 0, normals are 0 and the face index is -1 where nothing is seen.
  public var channels: Set<RenderChannel>
  public var path: Path

  /// Every channel that it can give.
  public static let allChannels: Set<RenderChannel> = [.color, .alpha, .depth, .normal, .faceIndex]

  /// - Parameters:
  ///   - shader: Gouraud by default.
  ///   - channels: colour, alpha and depth by default; of ``allChannels``.
  ///   - path: which code draws.
  public init(
    shader: Shader = .gouraud, channels: Set<RenderChannel> = [.color, .alpha, .depth],
    path: Path = .automatic
  ) {
    self.shader = shader
    self.channels = channels
    self.path = path
  }

  public func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    let scene = try scene.prepared(for: camera, method: Self.method.id)
    let projected = ProjectedMesh(scene.shape, from: camera)
    let shaded = ShadedMesh(scene, shader: shader, from: camera)
    var wanted = channels
    var images: [RenderChannel: Tensor] = [:]
    if path == .automatic, wanted.contains(.color), let colors = shaded.cornerColors() {
      wanted.remove(.color)
      images[.color] = try HardRaster.interpolate(
        projected.corners(of: colors), on: projected, background: scene.background)
    }
    if !wanted.isEmpty {
      images.merge(try fragmentImages(wanted, scene, shaded, projected)) { fused, _ in fused }
    }
    return RenderOutput(
      method: Self.method.id, height: camera.height, width: camera.width, images: images)
  }

  /// The readable path: every step a tensor operation.
  private func fragmentImages(
    _ wanted: Set<RenderChannel>, _ scene: Scene<Mesh>, _ shaded: ShadedMesh,
    _ projected: ProjectedMesh
  ) throws -> [RenderChannel: Tensor] {
    let visibility = try HardRaster.visibility(projected)
    let fragments = HardRaster.fragments(visibility, projected)
    let perspective = projected.camera.isPerspective
    let weights =
      perspective
      ? fragments.perspectiveWeights(fragments.barycentrics) : fragments.barycentrics
    func image(_ values: Tensor) -> Tensor {
      fragments.sumPerPixel(values)
        .reshaped([fragments.screen.height, fragments.screen.width] + values.shape.dropFirst())
    }
    var images: [RenderChannel: Tensor] = [:]
    for channel in wanted {
      switch channel {
      case .color:
        let colors = shaded.colors(of: fragments, on: projected, weights: weights)
        images[channel] = Blending.hard(colors, fragments, background: scene.background)
      case .alpha: images[channel] = image(Tensor.ones([fragments.count], dtype: scene.dtype))
      case .depth:
        images[channel] = image(
          fragments.depths(fragments.barycentrics, perspective: perspective))
      case .normal:
        images[channel] = image(
          shaded.surface(of: fragments, on: projected, weights: weights).normals)
      case .faceIndex: images[channel] = HardRaster.sourceFaces(visibility, projected)
      default:
        throw RenderError.missingChannel(
          channel.name, method: Self.method.id, available: Self.allChannels.map(\.name).sorted())
      }
    }
    return images
  }
}
