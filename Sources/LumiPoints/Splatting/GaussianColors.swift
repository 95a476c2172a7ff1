import LumiRendering
import LumiScene
import LumiTensor

extension Scene where Shape == GaussianCloud {
  /// Colours [N, C] as a camera sees them: the harmonics by direction, and in a scene with lights
  /// that as albedo in their light.
  ///
  /// - Parameters:
  ///   - camera: the view.
  ///   - reflection: how light is reflected.
  func colors(from camera: Camera, reflection: Reflection) -> Tensor {
    let toEye = camera.directionToEye(from: shape.positions)
    let albedo = shape.colors(along: -toEye)
    guard !lights.isEmpty else { return albedo }
    return Illumination(
      positions: shape.positions, normals: shape.normals(towards: toEye), toEye: toEye,
      lights: lights, material: shape.material, reflection: reflection
    ).shade(albedo)
  }
}

extension GaussianCloud {
  /// max(0, ½ + the harmonics' sum) in unit directions [N, 3], one a Gaussian: [N, C].
  func colors(along directions: Tensor) -> Tensor {
    let basis = sphericalHarmonics(directions, order: degree).expandingDims(at: 2)
    return ((harmonics * basis).sum(axis: 1) + 0.5).relu()
  }

  /// Unit normals [N, 3]: a surfel's third axis, or a Gaussian's shortest, on the eye's side.
  ///
  /// - Parameter toEye: directions to the eye [N, 3].
  func normals(towards toEye: Tensor) -> Tensor {
    let axes = Rotation.matrix(quaternion: rotations)
    let normals: Tensor
    if areFlat {
      normals = axes.slice(axis: 2, from: 2, to: 3).squeezed(axis: 2)
    } else {
      let shortest = (-logScales.stoppingGradient()).argmax(axis: 1)
      let rows = Tensor.arange(count, dtype: .int64) * Tensor(3, dtype: .int64) + shortest
      normals = axes.swappedAxes(1, 2).reshaped([count * 3, 3]).gather(rows)
    }
    let isAway = (normals * toEye).stoppingGradient().sum(axis: 1, keepDims: true) .< 0
    return Tensor.where(isAway, -normals, normals)
  }
}
