import LumiRendering
import LumiScene
import LumiTensor

// Closed forms: how much light a ball and a Gaussian blob let through.

extension NeRF {
  static func transmittance(
    _ vector: ReferenceCase, ofRow answer: (ReferenceCase, String) throws -> [String: Tensor]
  ) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    var row = 0
    while vector.tensors["rows.\(row).sigma"] != nil {
      for (name, value) in try answer(vector, "rows.\(row).") {
        result["rows.\(row).\(name)"] = value
      }
      row += 1
    }
    return result
  }

  /// Of sums with 256, 512 and 1024 samples whose error falls with 1/S², what they tend to.
  private static func limit(_ sum: (NeRF) -> Tensor) -> Tensor {
    let sums = [256, 512, 1024].map { sum(NeRF(samples: $0, importanceSamples: 0)) }
    let once = zip(sums, sums.dropFirst()).map { $1 + ($1 - $0) / 3 }
    return once[1] + (once[1] - once[0]) / 15
  }

  /// One ray through a Gaussian blob.
  static func gaussian(_ vector: ReferenceCase, _ row: String) throws -> [String: Tensor] {
    func input(_ name: String) throws -> Tensor { try vector.tensor(row + name) }
    let rays = PixelRays(
      rays: CameraRays(
        origins: try input("origin").reshaped([1, 3]),
        directions: try input("direction").reshaped([1, 3])),
      depthPerDistance: .ones([1], dtype: .float64),
      visible: RayInterval(
        near: try input("t_near").reshaped([1]), far: try input("t_far").reshaped([1])))
    let inputs = try ["amplitude", "sigma", "mean"].map { try input($0) }
    let product = vectorJacobianProduct(at: inputs) { inputs in
      let blob = Blob(amplitude: inputs[0], deviation: inputs[1], mean: inputs[2])
      let depth = limit { nerf in
        let passes = nerf.passes(
          ImplicitShape(blob, bounds: .ball(radius: 1e6)), rays,
          seenAlong: rays.rays.directions, numbers: Numbers(), drawsCoarse: false)
        return -passes.fine.weights.remainder.log()
      }
      return [depth, (-depth).exp()].map { $0.reshaped([]) }
    }
    let slopes = product.pullback([Tensor(0, dtype: .float64), Tensor(1, dtype: .float64)])
    return [
      "optical_depth": product.values[0], "transmittance": product.values[1],
      "dT_damplitude": slopes[0], "dT_dsigma": slopes[1], "dT_dmean": slopes[2],
    ]
  }

  /// One ray past the middle of a ball of one density, two units from where the ray begins.
  static func ball(_ vector: ReferenceCase, _ row: String) throws -> [String: Tensor] {
    let impact = try vector.number(row + "impact")
    let inputs = try ["sigma", "radius"].map { try vector.tensor(row + $0) }
    let product = vectorJacobianProduct(at: inputs) { inputs in
      let (density, radius) = (inputs[0], inputs[1])
      // A ball of any radius is the unit ball in units of the radius.
      let rays = CameraRays(
        origins: Tensor([-2, impact, 0] as [Double], shape: [1, 3]) / radius,
        directions: Tensor([1, 0, 0] as [Double], shape: [1, 3]))
      let chord = RayInterval(of: rays, in: .ball(radius: 1))
      let part = Part(RayInterval(near: chord.near * radius, far: chord.far * radius))
      func sums(_ nerf: NeRF) -> (weights: RayWeights, distances: Tensor) {
        let distances = nerf.coarseDistances(part, offsets: nil)
        let lengths = nerf.lengths(of: distances, part)
        return (nerf.weights(of: density.broadcast(to: lengths.shape), lengths: lengths), distances)
      }
      let depth = limit { nerf in
        let (weights, distances) = sums(nerf)
        return weights.composite(distances, background: 0)
      }
      let passing = sums(NeRF(samples: 1)).weights.remainder
      return [part.far - part.near, passing, depth].map { $0.reshaped([]) }
    }
    let (zero, one) = (Tensor(0, dtype: .float64), Tensor(1, dtype: .float64))
    let (light, depth) = (
      product.pullback([zero, one, zero]), product.pullback([zero, zero, one])
    )
    return [
      "length": product.values[0], "transmittance": product.values[1],
      "expected_depth": product.values[2], "dT_dsigma": light[0], "dT_dradius": light[1],
      "dD_dsigma": depth[0], "dD_dradius": depth[1],
    ]
  }
}

/// amplitude · exp(-|x - mean|²/(2 deviation²)).
private struct Blob: ImplicitField {
  var amplitude, deviation, mean: Tensor

  var quantity: FieldQuantity { .density }
  var dtype: DType { amplitude.dtype }

  func values(at points: Tensor) -> Tensor {
    amplitude * ((points - mean).square().sum(axis: 1) / (deviation.square() * -2)).exp()
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Blob {
    Blob(
      amplitude: try transform("amplitude", amplitude),
      deviation: try transform("deviation", deviation), mean: try transform("mean", mean))
  }
}
