import LumiRendering
import LumiScene
import LumiTensor

/// An ordinary picture and what it was made from: what methods that add a derivative of their own
/// to one begin with.
struct HardPicture {
  /// As a rasteriser can draw it.
  let scene: Scene<Mesh>
  let shaded: ShadedMesh
  /// The triangles on the screen, with derivatives.
  let projected: ProjectedMesh
  /// Those that the picture is drawn from: `projected`, or the same without derivatives.
  let drawn: ProjectedMesh
  /// int32 [height, width]: the face of every pixel, -1 for none.
  let visibility: Tensor
  /// Whether interpolation is linear on the screen.
  let isAffine: Bool
  /// Colour and, in the last channel, coverage: [height, width, C + 1]. Colour alone, [height,
  /// width, C], if it was made so.
  let colorAndCoverage: Tensor

  /// - Parameters:
  ///   - scene: what is drawn.
  ///   - shader: how it is lit.
  ///   - camera: from where.
  ///   - method: whose id errors name.
  ///   - holdsCorners: whether the picture has no derivative with respect to the corners' places on
  ///     the screen; colours keep theirs.
  ///   - isAffine: whether colours and depths are linear on the screen under perspective too.
  ///   - laterWins: whether the last of several faces of one depth is seen, not the first.
  ///   - showsCoverage: whether ``colorAndCoverage`` has coverage.
  init(
    _ scene: Scene<Mesh>, shader: Shader, from camera: Camera, method: String,
    holdsCorners: Bool = false, isAffine: Bool = false, laterWins: Bool = false,
    showsCoverage: Bool = true
  ) throws {
    self.isAffine = isAffine || !camera.isPerspective
    self.scene = try scene.prepared(for: camera, method: method)
    shaded = ShadedMesh(self.scene, shader: shader, from: camera)
    projected = ProjectedMesh(self.scene.shape, from: camera)
    drawn =
      holdsCorners
      ? ProjectedMesh(
        self.scene.shape.mapParameters { $1.stoppingGradient() },
        from: camera.mapParameters { $1.stoppingGradient() })
      : projected
    if !laterWins, let colors = shaded.cornerColors() {
      (colorAndCoverage, visibility) = try HardRaster.draw(
        drawn.corners(of: colors), on: drawn, isAffine: isAffine, showsCoverage: showsCoverage,
        background: showsCoverage
          ? Self.backgroundWithCoverage(self.scene) : self.scene.background)
    } else {
      visibility = try HardRaster.visibility(
        drawn, isAffine: isAffine, laterWins: laterWins)
      let fragments = HardRaster.fragments(visibility, drawn)
      let both = Self.draw(
        shaded, self.scene, drawn, fragments,
        weights: Self.weights(of: fragments, isAffine: self.isAffine))
      colorAndCoverage =
        showsCoverage ? both : both.slice(axis: 2, from: 0, to: both.shape[2] - 1)
    }
  }

  var screen: ScreenSpace { ScreenSpace(projected.camera) }

  /// The covered pixels.
  func fragments() -> Fragments { HardRaster.fragments(visibility, drawn) }

  /// Weights for what is linear in space at fragments [fragments, 3].
  func weights(of fragments: Fragments) -> Tensor {
    Self.weights(of: fragments, isAffine: isAffine)
  }

  /// ``colorAndCoverage`` from fragments and weights of one's own.
  func colorAndCoverage(of fragments: Fragments, weights: Tensor) -> Tensor {
    Self.draw(shaded, scene, drawn, fragments, weights: weights)
  }

  /// Depth [height, width], 0 where nothing is seen, for weights of what is linear in space. Its
  /// derivative goes to the corners' depths, and to the weights if they have one.
  func depth(of fragments: Fragments, weights: Tensor) -> Tensor {
    let z = projected.corners.slice(axis: 2, from: 2, to: 3)
    return fragments.sumPerPixel(fragments.interpolate(z, weights: weights))
      .reshaped(visibility.shape)
  }

  /// The mesh's own face of every pixel.
  var faceIndex: Tensor { HardRaster.sourceFaces(visibility, drawn) }

  private static func weights(of fragments: Fragments, isAffine: Bool) -> Tensor {
    isAffine
      ? fragments.barycentrics : fragments.perspectiveWeights(fragments.barycentrics)
  }

  private static func draw(
    _ shaded: ShadedMesh, _ scene: Scene<Mesh>, _ mesh: ProjectedMesh, _ fragments: Fragments,
    weights: Tensor
  ) -> Tensor {
    let colors = shaded.colors(of: fragments, on: mesh, weights: weights)
    let ones = Tensor.ones([fragments.count, 1], dtype: colors.dtype)
    return Blending.hard(
      .concatenate([colors, ones], axis: 1), fragments, background: backgroundWithCoverage(scene))
  }

  private static func backgroundWithCoverage(_ scene: Scene<Mesh>) -> Tensor {
    .concatenate([scene.background, .zeros([1], dtype: scene.dtype)])
  }
}

extension RenderOutput {
  /// An image [height, width, C + 1] as colour and alpha, and other images beside them.
  ///
  /// - Parameters:
  ///   - colorAndCoverage: coverage is the last channel, if there is coverage.
  ///   - hasCoverage: whether there is; alpha cannot be wanted otherwise.
  ///   - others: made only if they are wanted.
  ///   - wanted: the channels to keep.
  ///   - method: whose output it is.
  /// - Throws: `RenderError.missingChannel` for a wanted channel that is not there.
  init(
    _ colorAndCoverage: Tensor, hasCoverage: Bool = true,
    _ others: [RenderChannel: () throws -> Tensor] = [:], wanted: Set<RenderChannel>,
    method: String
  ) throws {
    let last = colorAndCoverage.shape[2] - 1
    var images: [RenderChannel: Tensor] = [:]
    for channel in wanted {
      if channel == .color {
        images[channel] =
          hasCoverage ? colorAndCoverage.slice(axis: 2, from: 0, to: last) : colorAndCoverage
      } else if channel == .alpha {
        images[channel] = colorAndCoverage.slice(axis: 2, from: last, to: last + 1)
          .squeezed(axis: 2)
      } else if let other = others[channel] {
        images[channel] = try other()
      } else {
        throw RenderError.missingChannel(
          channel.name, method: method,
          available: ([.color, .alpha] + others.keys).map(\.name).sorted())
      }
    }
    self.init(
      method: method, height: colorAndCoverage.shape[0], width: colorAndCoverage.shape[1],
      images: images)
  }
}
