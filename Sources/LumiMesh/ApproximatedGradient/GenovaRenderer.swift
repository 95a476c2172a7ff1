import LumiRendering
import LumiScene
import LumiTensor

/// Barycentric rasterisation of Genova et al. (survey 2.1.2): exact derivatives of
/// perspective-correct barycentric coordinates in homogeneous coordinates.
///
/// Computes: an ordinary picture, and for every covered pixel the derivative of its barycentric
/// coordinates with respect to x, y and w of the face's corners, without a division by area or
/// depth. The coordinates are affine in the pixel and are continued outside of the face, where they
/// are negative: when a vertex moves, a pixel goes on to sample the same plane instead of changing
/// to another face. That stands in for the change of what is visible.
///
/// Cannot: move an outline over the background or from one surface to another: which face a pixel
/// shows is held constant, and nothing outside of the mesh has a gradient. What it gives is the
/// derivative of the picture with frozen visibility, the same as of `mesh/analytical` by another
/// route; faces thinner than 1e-13 on the screen (twice the area) give none.
///
/// Scenes are clipped at the camera's near plane first, as for all methods of this package; the
/// rasteriser itself also draws faces that reach behind the eye.
///
/// K. Genova, F. Cole, A. Maschinot, A. Sarna, D. Vlasic, W. T. Freeman, "Unsupervised Training for
/// 3D Morphable Model Regression", CVPR 2018.
public struct GenovaRenderer: Renderer {
  public static let method = MethodDescription(
    id: "mesh/genova-barycentric", name: "Barycentric derivatives of Genova et al.",
    representation: .mesh,
    type: "approximated gradient",
    strengths: "exact barycentric derivatives without clipping; deferred shading of any kind",
    limits: "face choice is held constant: outlines and occlusion give no gradient",
    citation: "Genova, Cole, Maschinot, Sarna, Vlasic, Freeman, CVPR 2018",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  /// Faces with less than this twice the area on the screen give no gradient (published).
  static let smallestTwiceArea = 1e-13

  public var shader: Shader
  /// The images to make; of ``allChannels``. Depth is 0 where nothing is seen.
  public var channels: Set<RenderChannel>

  /// Every channel that it can give.
  public static let allChannels: Set<RenderChannel> = [.color, .alpha, .depth, .faceIndex]

  /// - Parameters:
  ///   - shader: Gouraud by default; the authors light every pixel, as `Shader.phong` does.
  ///   - channels: colour and alpha by default.
  public init(shader: Shader = .gouraud, channels: Set<RenderChannel> = [.color, .alpha]) {
    self.shader = shader
    self.channels = channels
  }

  public func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    let scene = try scene.prepared(for: camera, method: id)
    let mesh = ProjectedMesh(scene.shape, from: camera)
    let shaded = ShadedMesh(scene, shader: shader, from: camera)
    let screen = ScreenSpace(camera)
    let corners = Self.homogeneousCorners(mesh)
    let visibility = HomogeneousRaster.visibility(
      corners, screen, range: -.infinity...Self.depthLimit(camera))
    let fragments = HardRaster.fragments(visibility, mesh)
    let weights = HomogeneousRaster.weights(
      corners, fragments, smallestTwiceArea: Self.smallestTwiceArea)
    let colors = shaded.colors(of: fragments, on: mesh, weights: weights)
    let image = Blending.hard(colors, fragments, background: scene.background)
    let coverage = Blending.coverage(fragments, dtype: scene.dtype)
      .reshaped([camera.height, camera.width, 1])
    return try RenderOutput(
      .concatenate([image, coverage], axis: 2),
      [
        .depth: {
          let z = mesh.corners.slice(axis: 2, from: 2, to: 3)
          return fragments.sumPerPixel(fragments.interpolate(z, weights: weights))
            .reshaped(visibility.shape)
        },
        .faceIndex: { HardRaster.sourceFaces(visibility, mesh) },
      ], wanted: channels, method: id)
  }

  /// [faces, 3, 4] whose z/w grows with depth: -1/depth under perspective, depth otherwise.
  private static func homogeneousCorners(_ mesh: ProjectedMesh) -> Tensor {
    let xy = mesh.corners.slice(axis: 2, from: 0, to: 2)
    let depth = mesh.corners.slice(axis: 2, from: 2, to: 3)
    let one = Tensor.ones(depth.shape, dtype: depth.dtype)
    return mesh.camera.isPerspective
      ? .concatenate([xy * depth, -one, depth], axis: 2)
      : .concatenate([xy, depth, one], axis: 2)
  }

  private static func depthLimit(_ camera: Camera) -> Double {
    camera.isPerspective ? -1 / camera.far : camera.far
  }
}
