import LumiRendering
import LumiScene
import LumiTensor

extension SurfaceSplatting {
  /// Answers the vectors "dss", and the closed form "truth-ewa-covariance".
  public static let reference = ReferenceAdapter(methods: ["dss", "truth-ewa-covariance"]) {
    vector in
    if vector.method == "truth-ewa-covariance" { return try covariances(vector) }
    if vector.tensors["clip"] != nil {
      let gradient = try vector.tensor("grad")
      let limit = try vector.number("clip")
      return [
        "clipped": vectorJacobianProduct(at: [gradient]) { [$0[0].clippingGradient(to: limit)] }
          .pullback([gradient])[0]
      ]
    }
    guard vector.tensors["S"] != nil else {
      let points = try vector.tensor("points")
      return [
        "h": SplatSizes.neighbours().variances(of: points),
        "sixth_neighbour_sq": SplatSizes.sixthNeighbour(points),
      ]
    }
    return try PublishedSplats(vector).outputs()
  }

  private static func covariances(_ vector: ReferenceCase) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    var index = 0
    while vector.tensors["rows.\(index).point"] != nil {
      let row = "rows.\(index)."
      index += 1
      let focal = Tensor.full([2], try vector.number(row + "f"), dtype: .float64)
      // A screen of two pixels: a pixel is a screen unit.
      let camera = Camera(
        rotation: .eye(3, dtype: .float64), translation: .zeros([3], dtype: .float64),
        focalLength: focal, width: 2, height: 2)
      let point = try vector.tensor(row + "point").expandingDims(at: 0)
      let normal = try vector.tensor(row + "normal").expandingDims(at: 0)
      let jacobian = EllipticalFootprint.jacobians(at: point, from: camera)
      let variance = Tensor.full([1, 2], try vector.number(row + "h"), dtype: .float64)
      let footprint = EllipticalFootprint(
        jacobians: jacobian, axes: EllipticalFootprint.tangentAxes(normals: normal),
        variances: variance, lowPass: 0, cutoff: 1)
      // Screen y is up, the vector's down.
      let flip = Tensor([[1.0], [-1]])
      let c = footprint.covariances.scalars(as: Double.self)
      result[row + "jacobian"] = jacobian[0] * flip
      result[row + "covariance"] = Tensor([[c[0], -c[1]], [-c[1], c[2]]])
      let determinant = Tensor(scalar: c[0] * c[2] - c[1] * c[1])
      result[row + "determinant"] = determinant
      result[row + "determinant_closed"] = determinant
    }
    return result
  }
}
