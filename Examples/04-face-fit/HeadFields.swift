import Foundation

/// A smooth field over the head: what it adds at a place.
///
/// A place is a point of the undeformed head, an ellipsoid that looks along +z, with y up, 2 units
/// from chin to crown. Fields are functions of the place, not of the deformed head, so that "the
/// nose" means the same vertices in every face.
typealias Field = @Sendable (_ place: SIMD3<Double>) -> SIMD3<Double>

/// The half axes of the ellipsoid.
let headAxes = SIMD3<Double>(0.72, 1, 0.82)

/// 0 below `low`, 1 above `high` (or the other way round if high < low), smooth between.
func smoothStep(_ low: Double, _ high: Double, _ value: Double) -> Double {
  let t = min(max((value - low) / (high - low), 0), 1)
  return t * t * (3 - 2 * t)
}

/// 1 on the face's side of the head, 0 on the other.
func frontness(_ place: SIMD3<Double>) -> Double { smoothStep(0.05, 0.4, place.z) }

/// A Gaussian hill over the face, 1 at `centre` (x, y).
func hill(_ place: SIMD3<Double>, _ centre: SIMD2<Double>, _ size: SIMD2<Double>) -> Double {
  let offset = (SIMD2(place.x, place.y) - centre) / size
  return exp(-(offset * offset).sum()) * frontness(place)
}

/// 1 within an ellipse on the face, with a soft edge.
func ellipse(_ place: SIMD3<Double>, _ centre: SIMD2<Double>, _ size: SIMD2<Double>) -> Double {
  let offset = (SIMD2(place.x, place.y) - centre) / size
  return smoothStep(1.25, 0.75, (offset * offset).sum().squareRoot()) * frontness(place)
}

/// Adds `offset` around one place of the face.
func push(_ x: Double, _ y: Double, size: SIMD2<Double>, by offset: SIMD3<Double>) -> Field {
  { hill($0, [x, y], size) * offset }
}

/// The same on both sides; `offset.x` points away from the middle.
func pair(_ x: Double, _ y: Double, size: SIMD2<Double>, by offset: SIMD3<Double>) -> Field {
  { place in
    hill(place, [x, y], size) * offset
      + hill(place, [-x, y], size) * SIMD3(-offset.x, offset.y, offset.z)
  }
}

/// Stretches the head by factors that may depend on the place.
func stretch(_ factor: @escaping @Sendable (SIMD3<Double>) -> SIMD3<Double>) -> Field {
  { factor($0) * $0 }
}

func sum(_ fields: Field...) -> Field {
  { place in fields.reduce(.zero) { $0 + $1(place) } }
}

/// How much a place belongs to the lower jaw.
func jawness(_ place: SIMD3<Double>) -> Double { smoothStep(0, -0.9, place.y) }

/// The deformations of the ellipsoid that make a head.
let averageHead = sum(
  // The skull: a jaw narrower than the temples, a flatter face, ears.
  stretch { [-0.04 * jawness($0), 0, 0] },
  stretch { [0, 0, -0.1 * frontness($0)] },
  { place in
    let offset = (SIMD3(abs(place.x), place.y, place.z) - [0.71, 0, -0.05]) / [0.16, 0.17, 0.08]
    return exp(-(offset * offset).sum()) * SIMD3(place.x < 0 ? -0.1 : 0.1, 0, -0.04)
  },
  // Eyes: a socket under a brow, a ball in it.
  pair(0.27, 0.29, size: [0.2, 0.07], by: [0, 0, 0.05]),
  pair(0.26, 0.14, size: [0.15, 0.1], by: [0, 0, -0.1]),
  pair(0.26, 0.14, size: [0.09, 0.07], by: [0, 0, 0.06]),
  // Nose: bridge, tip, nostrils.
  push(0, 0.1, size: [0.07, 0.16], by: [0, 0, 0.12]),
  push(0, -0.13, size: [0.085, 0.11], by: [0, 0, 0.2]),
  pair(0.085, -0.17, size: [0.055, 0.05], by: [0, 0, 0.07]),
  // Mouth: two lips and the line between them.
  push(0, -0.38, size: [0.17, 0.04], by: [0, 0, 0.055]),
  push(0, -0.475, size: [0.14, 0.045], by: [0, 0, 0.07]),
  push(0, -0.425, size: [0.18, 0.022], by: [0, 0, -0.045]),
  // Chin and cheeks.
  push(0, -0.72, size: [0.2, 0.14], by: [0, 0, 0.13]),
  pair(0.42, -0.05, size: [0.16, 0.13], by: [0.01, 0, 0.05]),
  pair(0.42, -0.42, size: [0.17, 0.2], by: [-0.03, 0, -0.03]))

/// How heads differ: each field times a number of N(0, 1).
let identityFields: [Field] = [
  stretch { _ in [0.06, 0, 0] },
  stretch { _ in [0, 0.05, 0] },
  stretch { _ in [0, 0, 0.05] },
  stretch { [0.1 * jawness($0), 0, 0] },
  push(0, -0.72, size: [0.25, 0.16], by: [0, -0.06, 0.05]),
  push(0, -0.13, size: [0.1, 0.12], by: [0, -0.03, 0.06]),
  pair(0.085, -0.16, size: [0.07, 0.07], by: [0.025, 0, 0.02]),
  push(0, 0.1, size: [0.08, 0.16], by: [0, 0, 0.05]),
  pair(0.26, 0.14, size: [0.17, 0.13], by: [0.03, 0, 0]),
  pair(0.26, 0.14, size: [0.16, 0.11], by: [0, 0.01, -0.04]),
  pair(0.27, 0.29, size: [0.2, 0.08], by: [0, 0, 0.04]),
  push(0, -0.42, size: [0.18, 0.08], by: [0, 0, 0.04]),
  pair(0.17, -0.42, size: [0.1, 0.08], by: [0.035, 0, 0]),
  pair(0.42, -0.05, size: [0.18, 0.15], by: [0.03, 0, 0.04]),
  pair(0.42, -0.42, size: [0.2, 0.22], by: [0.05, 0, 0.05]),
  push(0, 0.62, size: [0.4, 0.25], by: [0, 0, 0.06]),
]

/// What a face does: each field times a number of N(0, 1).
let expressionFields: [Field] = [
  // The mouth opens: all below its line moves down, less towards the cheeks.
  { place in
    let below = smoothStep(-0.39, -0.46, place.y) * frontness(place)
    return [0, -0.08, -0.02] * (below * exp(-place.x * place.x / 0.12))
  },
  // A smile; one of a single corner; a pout.
  sum(
    pair(0.17, -0.42, size: [0.11, 0.1], by: [0.04, 0.06, -0.02]),
    pair(0.4, -0.2, size: [0.15, 0.12], by: [0, 0.02, 0.03])),
  push(0.17, -0.42, size: [0.11, 0.1], by: [0.02, 0.06, 0]),
  sum(
    push(0, -0.42, size: [0.16, 0.1], by: [0, 0, 0.06]),
    pair(0.17, -0.42, size: [0.1, 0.09], by: [-0.04, 0, 0])),
  // Brows raised, brows drawn together.
  pair(0.27, 0.27, size: [0.2, 0.09], by: [0, 0.06, 0]),
  pair(0.13, 0.27, size: [0.12, 0.09], by: [-0.025, -0.05, 0.02]),
]
