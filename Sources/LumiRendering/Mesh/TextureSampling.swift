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
