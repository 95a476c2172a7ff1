import LumiRendering
import LumiTensor

@testable import LumiPoints

/// Points scattered over and around the screen, some behind each other at one depth.
struct Scatter {
  let positions, depths, radii, forms, features: Tensor

  init(_ count: Int, seed: UInt64, radius: Double = 0.3, channels: Int = 3) {
    var random = RandomGenerator(seed: seed)
    positions = random.uniform([count, 2], low: -1.3, high: 1.3, dtype: .float64)
    let levels = random.uniform([count], low: 1, high: 9, dtype: .float64)
    depths = (levels * 2).floor() * 0.5
    radii = random.uniform([count], low: 0.2 * radius, high: radius, dtype: .float64)
    let angle = random.uniform([count], high: 3, dtype: .float64)
    let long = radii.square().reciprocal()
    let short = long * random.uniform([count], low: 1, high: 6, dtype: .float64)
    let (c, s) = (angle.cos(), angle.sin())
    forms = .stack(
      [long * c * c + short * s * s, (long - short) * c * s * 2, long * s * s + short * c * c],
      axis: 1)
    features = random.uniform([count, channels], low: -1, dtype: .float64)
  }

  func discs(_ screen: ScreenSpace, _ dtype: DType = .float64) -> ScreenPoints {
    ScreenPoints(
      positions: positions.cast(to: dtype), depths: depths.cast(to: dtype),
      footprint: .discs(radii: radii.cast(to: dtype)), screen: screen)
  }

  func ellipses(_ screen: ScreenSpace, _ dtype: DType = .float64) -> ScreenPoints {
    ScreenPoints(
      positions: positions.cast(to: dtype), depths: depths.cast(to: dtype),
      footprint: .ellipses(forms: forms.cast(to: dtype), cutoff: 1), screen: screen)
  }
}

/// Every pixel against every point: what the rasteriser is held against.
func bruteForceLists(
  _ points: ScreenPoints, nearest: Int? = nil, thickness: Double = .infinity,
  depths range: ClosedRange<Double> = 0...1e300
) -> [[Int32]] {
  let place = points.positions.scalars(as: Double.self)
  let depths = points.depths.scalars(as: Double.self)
  let shapes = points.shapes.scalars(as: Double.self)
  let (width, height) = (points.screen.width, points.screen.height)
  let shorter = Double(min(width, height))
  let order = depths.indices.filter { range.contains(depths[$0]) }
    .sorted { (depths[$0], $0) < (depths[$1], $1) }
  return (0..<width * height).map { pixel in
    let x = Double(2 * (pixel % width) + 1 - width) / shorter
    let y = Double(height - 1 - 2 * (pixel / width)) / shorter
    let covering = order.filter { point in
      let (dx, dy) = (x - place[2 * point], y - place[2 * point + 1])
      guard let cutoff = points.cutoff else {
        return dx * dx + dy * dy < shapes[point] * shapes[point]
      }
      let form = shapes[3 * point..<3 * point + 3].map { $0 }
      return form[0] * dx * dx + form[1] * dx * dy + form[2] * dy * dy < cutoff
    }
    let front = covering.prefix { depths[$0] - depths[covering[0]] <= thickness }
    return front.prefix(nearest ?? front.count).map { Int32($0) }
  }
}

extension PointFragments {
  /// The lists, pixel by pixel.
  var lists: [[Int32]] {
    let offsets = pixelOffsets.scalars(as: Int64.self).map { Int($0) }
    let all = points.scalars(as: Int32.self)
    return zip(offsets, offsets.dropFirst()).map { Array(all[$0..<$1]) }
  }
}

/// The largest difference of two tensors.
func distance(_ a: Tensor, _ b: Tensor) -> Double {
  a.count == 0 ? 0 : (a - b).abs().cast(to: .float64).max().value
}
