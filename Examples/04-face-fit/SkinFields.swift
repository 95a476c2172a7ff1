import Foundation

/// The parts of a head that have colours of their own, from 0 to 1 at a place.
enum Region {
  static func hair(_ place: SIMD3<Double>) -> Double {
    // The hairline falls from the forehead to the neck.
    smoothStep(0.54, 0.64, place.y - 0.9 * min(place.z, 0.45) + 0.4)
  }

  static func skin(_ place: SIMD3<Double>) -> Double { 1 - hair(place) }

  static func lips(_ place: SIMD3<Double>) -> Double {
    max(ellipse(place, [0, -0.385], [0.17, 0.045]), ellipse(place, [0, -0.465], [0.14, 0.055]))
  }

  static func brows(_ place: SIMD3<Double>) -> Double { both(place, [0.27, 0.27], [0.14, 0.03]) }
  static func eyes(_ place: SIMD3<Double>) -> Double { both(place, [0.26, 0.14], [0.095, 0.05]) }
  static func irises(_ place: SIMD3<Double>) -> Double {
    both(place, [0.26, 0.14], [0.04, 0.045])
  }

  private static func both(
    _ place: SIMD3<Double>, _ centre: SIMD2<Double>, _ size: SIMD2<Double>
  ) -> Double {
    ellipse([abs(place.x), place.y, place.z], centre, size)
  }
}

/// The average albedo, linear RGB.
let averageSkin: Field = { place in
  var color = SIMD3<Double>(0.56, 0.35, 0.26)
  func paint(_ other: SIMD3<Double>, _ amount: Double) { color += (other - color) * amount }
  paint([0.5, 0.2, 0.17], Region.lips(place))
  paint([0.12, 0.08, 0.06], Region.hair(place))
  paint([0.12, 0.08, 0.06], 0.8 * Region.brows(place))
  paint([0.75, 0.73, 0.7], Region.eyes(place))
  paint([0.12, 0.13, 0.12], Region.irises(place))
  return color
}

/// The same colour added on both sides.
private func spots(
  _ x: Double, _ y: Double, size: SIMD2<Double>, by color: SIMD3<Double>
) -> Field {
  { (hill($0, [x, y], size) + hill($0, [-x, y], size)) * color }
}

/// How albedos differ: each field times a number of N(0, 1).
let skinFields: [Field] = [
  // Tone and warmth of the whole skin.
  { Region.skin($0) * SIMD3(0.08, 0.07, 0.06) },
  { Region.skin($0) * SIMD3(0.03, 0, -0.025) },
  { Region.hair($0) * SIMD3(0.06, 0.035, 0.015) },
  { Region.lips($0) * SIMD3(0.05, -0.04, -0.03) },
  { Region.irises($0) * SIMD3(-0.02, 0.04, 0.08) },
  { Region.brows($0) * SIMD3(0.05, 0.04, 0.03) },
  // Cheeks and nose redder, shadows under the eyes, a beard.
  spots(0.38, -0.15, size: [0.16, 0.12], by: [0.04, -0.025, -0.02]),
  push(0, -0.13, size: [0.11, 0.11], by: [0.04, -0.02, -0.015]),
  spots(0.26, 0.03, size: [0.13, 0.05], by: [-0.06, -0.05, -0.03]),
  { place in
    let beard = smoothStep(-0.25, -0.4, place.y) * frontness(place) * (1 - Region.lips(place))
    return beard * SIMD3(-0.07, -0.045, -0.03)
  },
]
