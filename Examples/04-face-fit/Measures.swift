import Foundation
import Lumigrad

/// How far a portrait is from the truth.
struct Measures {
  /// Mean distance of the face's vertices in % of the head's size: heads upright at the origin, and
  /// after the rotation, translation and scale that bring them closest.
  let face, alignedFace: Double
  /// Mean |difference| of the face's albedo, of 1; then after one factor a channel, in which albedo
  /// and light cannot be told apart.
  let albedo, scaledAlbedo: Double
  /// Root mean square difference of the light that the face's vertices receive, in % of its root
  /// mean square; then after the inverse factors.
  let light, scaledLight: Double
  /// Mean distance of the landmarks in pixels of the target, before noise.
  let landmarks: Double
  /// Between the heads' rotations.
  let degrees: Double

  init(_ portrait: Portrait, truth: Portrait, _ model: FaceModel) {
    let mask = model.faceMask.expandingDims(at: 1)
    let area = mask.sum()
    func shape(_ p: Portrait) -> Tensor {
      model.vertices(identity: p.identity, expression: p.expression)
    }
    let (mine, theirs) = (shape(portrait), shape(truth))
    func distance(_ vertices: Tensor) -> Double {
      let gaps = (vertices - theirs).norm(axis: 1, keepDims: true) * mask
      return (gaps.sum() / area).value / FaceModel.headSize * 100
    }
    (face, alignedFace) = (distance(mine), distance(aligned(mine, to: theirs, weights: mask)))

    let (found, real) = (model.albedo(skin: portrait.skin), model.albedo(skin: truth.skin))
    func error(_ albedo: Tensor) -> Double {
      (((albedo - real).abs() * mask).sum() / area / 3).value
    }
    // The factors that bring the albedo closest, one a channel.
    let factors = (found * real * mask).sum(axis: 0) / (found * found * mask).sum(axis: 0)
    (albedo, scaledAlbedo) = (error(found), error(found * factors))

    let normals = model.mesh(truth.vertices(model), real).computedVertexNormals()
    func received(_ p: Portrait) -> Tensor { sphericalHarmonics(normals).matmul(p.light).relu() }
    let expected = received(truth)
    func lightError(_ light: Tensor) -> Double {
      let wrong = ((light - expected).square() * mask).sum()
      return (wrong / (expected.square() * mask).sum()).sqrt().value * 100
    }
    light = lightError(received(portrait))
    scaledLight = lightError(received(portrait) / factors)

    landmarks =
      (Target.project(portrait, model) - Target.project(truth, model))
      .norm(axis: 1).mean().value
    let turn = portrait.headRotation.matmul(truth.headRotation, transposingRight: true)
    degrees = Rotation.axisAngle(matrix: turn).angle.value * 180 / .pi
  }

  static let header =
    "vertices %   aligned   albedo  scaled   light %  scaled   landmarks px   pose °"

  var line: String {
    String(
      format: "%10.2f %10.2f  %7.4f %7.4f  %7.1f %7.1f  %12.2f  %7.2f",
      face, alignedFace, albedo, scaledAlbedo, light, scaledLight, landmarks, degrees)
  }
}
