import LumiScene
import LumiTensor

/// Look-ups in an image by OpenGL texture coordinates: u to the right, v up, both from 0 to 1 across
/// the image; texel centres at half-integers, s = u·W - ½ and t = (1 - v)·H - ½.
///
/// Differentiable with respect to texels and coordinates; the derivative with respect to coordinates
/// is constant between texel centres and jumps there. Trilinear look-ups are also differentiable
/// with respect to the footprint, that is, the choice of the level is part of the derivative. The
/// footprint counts as a square of its longer side: what is seen at a grazing angle is blurred along
/// both axes.
///
/// - Parameters:
///   - image: [height, width, channels].
///   - coordinates: [N, 2].
///   - sampler: how to read.
///   - footprint: [N, 2, 2], how (u, v), the last axis, changes to the next pixel along both axes of
///     the screen; without it trilinear look-ups read the image itself.
/// - Returns: [N, channels].
public func sampleTexture(
  _ image: Tensor, at coordinates: Tensor, sampler: TextureSampler = TextureSampler(),
  footprint: Tensor? = nil
) -> Tensor {
  require(
    image.rank == 3 && image.count > 0 && coordinates.rank == 2 && coordinates.shape[1] == 2,
    "sampleTexture: image \(image.shape), coordinates \(coordinates.shape)")
  let (height, width) = (image.shape[0], image.shape[1])
  let u = coordinates.slice(axis: 1, from: 0, to: 1)
  let v = 1 - coordinates.slice(axis: 1, from: 1, to: 2)
  let texels = image.reshaped([height * width, image.shape[2]])
  let rowLength = Tensor(Double(width), dtype: .int64)
  switch sampler.filter {
  case .trilinear:
    if let footprint {
      return TexturePyramid(image).sample(u, v, footprint: footprint, wrap: sampler.wrap)
    }
    fallthrough
  case .bilinear:
    return bilinear(
      texels, Neighbours(of: v * Double(height) - 0.5, extent: height, wrap: sampler.wrap),
      Neighbours(of: u * Double(width) - 0.5, extent: width, wrap: sampler.wrap), width: rowLength)
  case .nearest:
    func place(_ position: Tensor, _ extent: Int) -> Tensor {
      Neighbours(
        of: (position * Double(extent)).stoppingGradient(), extent: extent,
        wrap: sampler.wrap
      ).lower
    }
    return texels.gather((place(v, height) * rowLength + place(u, width)).reshaped([-1]))
  }
}

/// ``sampleTexture(_:at:sampler:footprint:)`` with bilinear look-ups, clamped.
///
/// - Parameters:
///   - image: [height, width, channels].
///   - coordinates: [N, 2].
/// - Returns: [N, channels].
public func sampleBilinear(_ image: Tensor, at coordinates: Tensor) -> Tensor {
  sampleTexture(image, at: coordinates)
}

/// The two texels around positions along one axis, and where between them.
struct Neighbours {
  /// int64 [N, 1].
  let lower: Tensor
  let upper: Tensor
  /// [N, 1]: 0 at the lower one, 1 at the upper one.
  let share: Tensor

  /// - Parameters:
  ///   - position: [N, 1], 0 at the first texel's centre.
  ///   - extent: how many texels, [] or [N, 1] of the position's dtype.
  ///   - wrap: what lies beyond them.
  init(of position: Tensor, extent: Tensor, wrap: TextureSampler.Wrap) {
    let floor = position.stoppingGradient().floor()
    lower = Self.wrapped(floor, extent, wrap)
    upper = Self.wrapped(floor + 1, extent, wrap)
    share = position - floor
  }

  init(of position: Tensor, extent: Int, wrap: TextureSampler.Wrap) {
    self.init(of: position, extent: Tensor(Double(extent), dtype: position.dtype), wrap: wrap)
  }

  /// Numbers that are none come out as texel 0.
  private static func wrapped(
    _ number: Tensor, _ extent: Tensor, _ wrap: TextureSampler.Wrap
  ) -> Tensor {
    func modulo(_ period: Tensor) -> Tensor { number - (number / period).floor() * period }
    var inside = number
    switch wrap {
    case .clamp: break
    case .repeat: inside = modulo(extent)
    case .mirroredRepeat:
      let there = modulo(extent * 2)
      inside = Tensor.minimum(there, extent * 2 - 1 - there)
    }
    return Tensor.minimum(Tensor.maximum(inside, 0), extent - 1).cast(to: .int64)
  }
}

/// Values between four texels each: [N, C].
///
/// - Parameters:
///   - texels: [T, C].
///   - rows: which rows.
///   - columns: which columns.
///   - width: texels a row, int64, [] or [N, 1].
///   - start: of the image among the texels, int64 [N, 1]; 0 if nil.
func bilinear(
  _ texels: Tensor, _ rows: Neighbours, _ columns: Neighbours, width: Tensor, start: Tensor? = nil
) -> Tensor {
  func texel(_ row: Tensor, _ column: Tensor) -> Tensor {
    let number = row * width + column
    return texels.gather((start.map { number + $0 } ?? number).reshaped([-1]))
  }
  let (across, down) = (columns.share, rows.share)
  let upper =
    texel(rows.lower, columns.lower) * (1 - across) + texel(rows.lower, columns.upper) * across
  let lower =
    texel(rows.upper, columns.lower) * (1 - across) + texel(rows.upper, columns.upper) * across
  return upper * (1 - down) + lower * down
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
