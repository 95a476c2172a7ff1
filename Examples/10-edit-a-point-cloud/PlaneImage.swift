import Foundation
import Lumigrad

/// A view of a cloud as a picture of planes: for every covered pixel a place and a normal.
///
/// This is what is filtered. The paper trains a network on pairs of noisy and clean pictures for
/// that; here it is a joint bilateral filter, which knows nothing but that surfaces are smooth.
struct PlaneImage {
  let width: Int
  let height: Int
  private(set) var covered: [Bool]
  private(set) var places: [SIMD3<Float>]
  private(set) var normals: [SIMD3<Float>]

  /// - Parameters:
  ///   - mask: [height, width], 1 where covered.
  ///   - places: [height, width, 3].
  ///   - normals: [height, width, 3]; of any length.
  init(mask: Tensor, places: Tensor, normals: Tensor) {
    (height, width) = (mask.shape[0], mask.shape[1])
    covered = mask.scalars(as: Float.self).map { $0 > 0.5 }
    func vectors(_ image: Tensor) -> [SIMD3<Float>] {
      let values = image.scalars(as: Float.self)
      return stride(from: 0, to: values.count, by: 3).map {
        SIMD3(values[$0], values[$0 + 1], values[$0 + 2])
      }
    }
    self.places = vectors(places)
    self.normals = vectors(normals).map(Self.unit)
  }

  private static func unit(_ v: SIMD3<Float>) -> SIMD3<Float> {
    let length = (v * v).sum().squareRoot()
    return length > 1e-6 ? v / length : SIMD3(0, 0, 0)
  }

  /// The picture filtered: normals become weighted means of their neighbourhood, and places move
  /// along them to the weighted mean of it.
  ///
  /// - Parameters:
  ///   - reach: the standard deviation of the weights by distance in space, which stops at depth
  ///     edges as well.
  ///   - turn: of the weights by the difference of normals, which stops at creases.
  ///   - radius: of the window in pixels.
  func filtered(reach: Float, turn: Float, radius: Int) -> PlaneImage {
    var result = self
    result.normals = mapped { pixel, window in
      var sum = SIMD3<Float>(0, 0, 0)
      for other in window {
        sum += weight(pixel, other, normals, reach, turn) * normals[other]
      }
      return Self.unit(sum)
    }
    let smooth = result.normals
    result.places = mapped { pixel, window in
      var (height, total) = (Float(0), Float(0))
      for other in window {
        let w = weight(pixel, other, smooth, reach, turn)
        height += w * ((places[other] - places[pixel]) * smooth[pixel]).sum()
        total += w
      }
      return places[pixel] + smooth[pixel] * (total > 0 ? height / total : 0)
    }
    return result

    func mapped(_ body: (Int, [Int]) -> SIMD3<Float>) -> [SIMD3<Float>] {
      var values = [SIMD3<Float>](repeating: SIMD3(0, 0, 0), count: covered.count)
      for pixel in covered.indices where covered[pixel] {
        values[pixel] = body(pixel, window(around: pixel, radius))
      }
      return values
    }
  }

  private func window(around pixel: Int, _ radius: Int) -> [Int] {
    let (row, column) = (pixel / width, pixel % width)
    var result: [Int] = []
    result.reserveCapacity((2 * radius + 1) * (2 * radius + 1))
    for y in max(row - radius, 0)...min(row + radius, height - 1) {
      for x in max(column - radius, 0)...min(column + radius, width - 1)
      where covered[y * width + x] {
        result.append(y * width + x)
      }
    }
    return result
  }

  private func weight(
    _ a: Int, _ b: Int, _ normals: [SIMD3<Float>], _ reach: Float, _ turn: Float
  ) -> Float {
    let (apart, bent) = (places[b] - places[a], normals[b] - normals[a])
    return exp(
      -(apart * apart).sum() / (2 * reach * reach) - (bent * bent).sum() / (2 * turn * turn))
  }

  /// [height, width].
  var mask: Tensor { Tensor(covered.map { $0 ? Float(1) : 0 }, shape: [height, width]) }
  /// [height, width, 3].
  var placeImage: Tensor { Self.image(places, height, width) }
  /// [height, width, 3].
  var normalImage: Tensor { Self.image(normals, height, width) }

  private static func image(_ values: [SIMD3<Float>], _ height: Int, _ width: Int) -> Tensor {
    Tensor(values.flatMap { [$0.x, $0.y, $0.z] }, shape: [height, width, 3])
  }
}
