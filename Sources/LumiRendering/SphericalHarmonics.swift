import LumiTensor

// Real, orthonormal spherical harmonics without the Condon–Shortley sign, polar axis z. Function
// (l, m), -l ≤ m ≤ l, is in column l² + l + m; m < 0 goes with sin |m|φ, m > 0 with cos mφ.

/// Real spherical harmonics up to order 2 of unit vectors [N, 3]: [N, 9] in the order 1; y, z, x;
/// xy, yz, 3z² - 1, xz, x² - y² (Ramamoorthi and Hanrahan 2001).
public func sphericalHarmonics(_ directions: Tensor) -> Tensor {
  let x = directions.slice(axis: 1, from: 0, to: 1)
  let y = directions.slice(axis: 1, from: 1, to: 2)
  let z = directions.slice(axis: 1, from: 2, to: 3)
  let one = Tensor.ones(like: x.stoppingGradient())
  return Tensor.concatenate(
    [
      one * 0.28209479177387814,
      y * 0.4886025119029199, z * 0.4886025119029199, x * 0.4886025119029199,
      x * y * 1.0925484305920792, y * z * 1.0925484305920792,
      (z * z * 3 - 1) * 0.31539156525252005, x * z * 1.0925484305920792,
      (x * x - y * y) * 0.5462742152960396,
    ], axis: 1)
}

/// Real spherical harmonics up to any order L of unit vectors [N, 3]: [N, (L + 1)²].
///
/// The first nine are those of ``sphericalHarmonics(_:)``, to the bit. Higher ones are normalised
/// associated Legendre functions by their recurrence in l, which is stable, times the real or
/// imaginary part of (x + iy)ᵐ, so that they are polynomials without a singular point.
public func sphericalHarmonics(_ directions: Tensor, order: Int) -> Tensor {
  require(order >= 0, "sphericalHarmonics: order \(order)")
  let low = sphericalHarmonics(directions)
  guard order > 2 else {
    return order == 2 ? low : low.slice(axis: 1, from: 0, to: (order + 1) * (order + 1))
  }
  let x = directions.slice(axis: 1, from: 0, to: 1)
  let y = directions.slice(axis: 1, from: 1, to: 2)
  let z = directions.slice(axis: 1, from: 2, to: 3)
  let one = Tensor.ones(like: x.stoppingGradient())
  var columns = [Tensor?](repeating: nil, count: (order + 1) * (order + 1))
  var (real, imaginary) = (one, Tensor.zeros(like: one))
  var sectoral = (1 / (4 * Double.pi)).squareRoot()
  for m in 0...order {
    if m > 0 {
      (real, imaginary) = (x * real - y * imaginary, x * imaginary + y * real)
      sectoral *= (Double(2 * m + 1) / Double(2 * m)).squareRoot()
    }
    let factor = m == 0 ? 1 : Double(2).squareRoot()
    let legendre = normalizedLegendre(z, m: m, sectoral: one * sectoral, order: order)
    for l in max(m, 3)..<max(order + 1, 3) {
      let value = legendre[l - m] * factor
      columns[l * l + l + m] = value * real
      if m > 0 { columns[l * l + l - m] = value * imaginary }
    }
  }
  return Tensor.concatenate([low] + columns.compactMap { $0 }, axis: 1)
}

/// Associated Legendre functions of degrees m...`order` at z, without the factor sinᵐθ and so
/// normalised that the harmonics are orthonormal, from that of degree m.
private func normalizedLegendre(
  _ z: Tensor, m: Int, sectoral: Tensor, order: Int
) -> [Tensor] {
  var values = [sectoral]
  guard order > m else { return values }
  values.append(z * sectoral * Double(2 * m + 3).squareRoot())
  guard order > m + 1 else { return values }
  for l in m + 2...order {
    let (squared, before) = (Double(l * l), Double((l - 1) * (l - 1)))
    let rise = ((4 * squared - 1) / (squared - Double(m * m))).squareRoot()
    let fall = ((before - Double(m * m)) / (4 * before - 1)).squareRoot()
    values.append((z * values[l - m - 1] - values[l - m - 2] * fall) * rise)
  }
  return values
}

/// Factors A₀…A_L that turn a radiance's harmonics of degree l into those of the irradiance on
/// surfaces by their normal: π, 2π/3, π/4, 0, -π/24, 0, … (Ramamoorthi and Hanrahan, "An Efficient
/// Representation for Irradiance Environment Maps", SIGGRAPH 2001).
public func lambertFactors(order: Int) -> [Double] {
  require(order >= 0, "lambertFactors: order \(order)")
  // l!/(2ˡ (l/2)!²), by its ratio from one even l to the next.
  var central = 1.0
  return (0...order).map { l in
    if l == 1 { return 2 * .pi / 3 }
    if l % 2 == 1 { return 0 }
    if l > 0 { central *= Double(l - 1) / Double(l) }
    let sign: Double = (l / 2) % 2 == 0 ? -1 : 1
    return sign * 2 * .pi / (Double(l + 2) * Double(l - 1)) * central
  }
}
