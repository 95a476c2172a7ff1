import LumiTensor

/// Bilinear look-ups in an image by OpenGL texture coordinates: u to the right, v up, both from 0
/// to 1 across the image; texel centres at half-integers; the border repeats.
///
/// s = u·W - ½ and t = (1 - v)·H - ½. Differentiable with respect to texels and coordinates; the
/// derivative with respect to coordinates is constant between texel centres and jumps there.
///
/// - Parameters:
///   - image: [height, width, channels].
///   - coordinates: [N, 2].
/// - Returns: [N, channels].
public func sampleBilinear(_ image: Tensor, at coordinates: Tensor) -> Tensor {
  require(
    image.rank == 3 && image.count > 0 && coordinates.rank == 2 && coordinates.shape[1] == 2,
    "sampleBilinear: image \(image.shape), coordinates \(coordinates.shape)")
  let (height, width) = (image.shape[0], image.shape[1])
  let s = coordinates.slice(axis: 1, from: 0, to: 1) * Double(width) - 0.5
  let t = (1 - coordinates.slice(axis: 1, from: 1, to: 2)) * Double(height) - 0.5
  let (left, right, across) = neighbours(s, width)
  let (top, bottom, down) = neighbours(t, height)
  let texels = image.reshaped([height * width, image.shape[2]])
  func texel(_ row: Tensor, _ column: Tensor) -> Tensor {
    texels.gather((row * Tensor(Double(width), dtype: .int64) + column).reshaped([-1]))
  }
  let upper = texel(top, left) * (1 - across) + texel(top, right) * across
  let lower = texel(bottom, left) * (1 - across) + texel(bottom, right) * across
  return upper * (1 - down) + lower * down
}

/// The two texels around a position, limited to the image, and where between them.
private func neighbours(_ position: Tensor, _ extent: Int) -> (Tensor, Tensor, Tensor) {
  let floor = position.stoppingGradient().floor()
  let last = Double(extent - 1)
  let lower = floor.clamped(min: 0, max: last).cast(to: .int64)
  let upper = (floor + 1).clamped(min: 0, max: last).cast(to: .int64)
  return (lower, upper, position - floor)
}

/// Look-ups in cubes of texels, one a face, by barycentric coordinates: the texture layout of the
/// Neural Mesh Renderer (Kato, Ushiku, Harada, CVPR 2018).
///
/// Along axis k of the cube, corner k of the face has weight 1 at the last texel and 0 at the first;
/// trilinear between texels. Differentiable with respect to the texels; the place is constant.
///
/// - Parameters:
///   - texels: [faces, T, T, T, channels], T at least 2.
///   - faces: int32 [N].
///   - weights: what corners count, perspective-correct, [N, 3].
/// - Returns: [N, channels].
public func sampleTexelCubes(_ texels: Tensor, faces: Tensor, weights: Tensor) -> Tensor {
  let side = texels.rank == 5 ? texels.shape[1] : 0
  require(
    side >= 2 && Array(texels.shape[1..<4]) == [side, side, side],
    "sampleTexelCubes: texels \(texels.shape), expected [faces, T, T, T, channels], T ≥ 2")
  let (count, channels) = (faces.count, texels.shape[4])
  let flat = texels.reshaped([-1, channels])
  let place = (weights.stoppingGradient() * Double(side - 1)).clamped(min: 0, max: Double(side - 1))
  let lower = place.floor().clamped(min: 0, max: Double(side - 2))
  let share = (place - lower).scalars(as: Double.self)
  let cell = lower.scalars(as: Double.self)
  let owners = faces.scalars(as: Int32.self)
  var sum = Tensor.zeros([count, channels], dtype: texels.dtype)
  for corner in 0..<8 {
    var rows: [Int64] = []
    var factors: [Double] = []
    for n in 0..<count {
      var (index, factor) = (Int64(owners[n]), 1.0)
      for axis in 0..<3 {
        let isUpper = (corner >> axis) & 1 == 1
        index = index * Int64(side) + Int64(cell[3 * n + axis]) + (isUpper ? 1 : 0)
        factor *= isUpper ? share[3 * n + axis] : 1 - share[3 * n + axis]
      }
      rows.append(index)
      factors.append(factor)
    }
    sum =
      sum + flat.gather(Tensor(rows))
      * Tensor(factors, shape: [count, 1]).cast(to: texels.dtype)
  }
  return sum
}
