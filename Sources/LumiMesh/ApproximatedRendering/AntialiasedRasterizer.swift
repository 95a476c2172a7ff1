import LumiRendering
import LumiScene
import LumiTensor

/// Hard rasterisation with analytic antialiasing, whose derivative moves silhouettes.
///
/// Computes: an ordinary sharp picture, and then, for every two adjacent pixels that show different
/// faces, where the outline passes between their centres: the pixel on the wrong side of the halfway
/// point takes on that part of the other's colour. The blend varies with the outline's place, so its
/// plain derivative reaches the two vertices of the edge. Beyond the published method, the same
/// blend is made where two faces that have no common edge cross each other; its place is where their
/// depths agree, and its derivative reaches both faces, depths included
/// (``blendsIntersections``).
///
/// Cannot: see outlines that pass between no two pixel centres, nor geometry finer than a pixel.
/// The gradient reaches one pixel far: a mesh that overlaps its target nowhere gets none. Edges
/// inside a surface are not blended, so that a face's own jump of colour keeps its steps.
///
/// S. Laine, J. Hellsten, T. Karras, Y. Seol, J. Lehtinen, T. Aila, "Modular Primitives for
/// High-Performance Differentiable Rendering", ACM TOG 2020; intersections after S. Pidhorskyi, T.
/// Simon, G. Schwartz, H. Wen, Y. Sheikh, J. Saragih, "Rasterized Edge Gradients: Handling
/// Discontinuities Differentiably", ECCV 2024.
public struct AntialiasedRasterizer: Renderer {
  public static let method = MethodDescription(
    id: "mesh/nvdiffrast-antialias", name: "Hard rasteriser with analytic antialiasing",
    representation: .mesh, type: "approximated rendering",
    strengths: "sharp and fast; any shading; plain derivative at outlines and intersections",
    limits: "reaches one pixel; geometry finer than a pixel has no gradient",
    citation: "Laine et al., ACM TOG 2020; Pidhorskyi et al., ECCV 2024 (beyond the survey)",
    claims: [.shape: .exact, .material: .exact, .camera: .exact, .light: .exact])

  public var shader: Shader
  /// The images to make: colour and alpha are antialiased, depth (0 where nothing is seen) and the
  /// face index are not.
  public var channels: Set<RenderChannel>
  /// Whether faces that cross each other are blended at their intersection. Default true; the
  /// published method does not.
  public var blendsIntersections = true
  /// How far beyond a pixel's centre an edge may be and still blend, in pixels, at least 0. Default
  /// 1/16, as published.
  public var slack = 1.0 / 16
  /// Added to the lengths that the derivative divides by, in pixels, at least 0. Default 0, the
  /// derivative of the picture; the published program has 1e-3, which limits it at tiny edges.
  public var reciprocalGuard = 0.0

  /// Every channel that it can give.
  public static let allChannels: Set<RenderChannel> = [.color, .alpha, .depth, .faceIndex]

  /// - Parameters:
  ///   - shader: Gouraud by default.
  ///   - channels: colour and alpha by default; of ``allChannels``.
  public init(shader: Shader = .gouraud, channels: Set<RenderChannel> = [.color, .alpha]) {
    self.shader = shader
    self.channels = channels
  }

  public func render(_ scene: Scene<Mesh>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    let showsCoverage = channels.contains(.alpha)
    let picture = try HardPicture(
      scene, shader: shader, from: camera, method: id, showsCoverage: showsCoverage)
    let isBlended = !channels.isDisjoint(with: [.color, .alpha])
    let image = isBlended ? try antialias(picture) : picture.colorAndCoverage
    return try RenderOutput(
      image, hasCoverage: showsCoverage,
      [
        .depth: {
          let fragments = picture.fragments()
          return picture.depth(of: fragments, weights: picture.weights(of: fragments))
        },
        .faceIndex: { picture.faceIndex },
      ], wanted: channels, method: id)
  }

  private func antialias(_ picture: HardPicture) throws -> Tensor {
    let id = Self.method.id
    let corners = picture.projected.corners
    var rules = Antialiasing.Rules()
    rules.intersections = blendsIntersections
    rules.slack = slack
    rules.reciprocalGuard = reciprocalGuard
    rules.perspective = picture.projected.camera.isPerspective
    guard slack >= 0, reciprocalGuard >= 0 else {
      throw RenderError.invalid(
        method: id, parameter: slack >= 0 ? "reciprocalGuard" : "slack", expected: "at least 0",
        actual: "\(slack >= 0 ? reciprocalGuard : slack)")
    }
    let opposite = try Antialiasing.oppositeCorners(
      picture.projected.cornerIdentities(of: picture.scene.shape), method: id)
    let blends = try Antialiasing.blends(
      picture.visibility, corners: corners, opposite: opposite, rules: rules, method: id)
    return Antialiasing.apply(
      blends, to: picture.colorAndCoverage, corners: corners, rules: rules)
  }
}
