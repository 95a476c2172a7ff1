import Foundation
import LumiRendering
import LumiScene
import LumiTensor

extension GaussianSplatting {
  /// Answers the closed form "truth-ewa-covariance": round surfels of variance h before a camera at
  /// the origin, projected without the low-pass filter, and the determinant that theory gives.
  public static let reference = ReferenceAdapter(methods: ["truth-ewa-covariance"]) { vector in
    var result: [String: Tensor] = [:]
    var row = 0
    while vector.tensors["rows.\(row).f"] != nil {
      let answers = try surfel(vector, "rows.\(row).")
      for (name, value) in answers { result["rows.\(row).\(name)"] = value }
      row += 1
    }
    return result
  }

  private static func surfel(
    _ vector: ReferenceCase, _ prefix: String
  ) throws -> [String: Tensor] {
    let focal = try vector.number(prefix + "f")
    let variance = try vector.number(prefix + "h")
    let point = try vector.tensor(prefix + "point").reshaped([1, 3])
    let normal = try vector.tensor(prefix + "normal")
    let camera = Camera(
      rotation: .eye(3, dtype: .float64), translation: .zeros([3], dtype: .float64),
      focalLength: Tensor([focal, focal]), principalPoint: .zeros([2], dtype: .float64), width: 1,
      height: 1)
    var renderer = GaussianSplatting()
    renderer.lowPass = 0
    renderer.borderMargin = 1e3
    func surfel(_ middle: Tensor) -> GaussianCloud {
      GaussianCloud(
        positions: middle, logScales: .full([1, 2], log(variance) / 2, dtype: .float64),
        rotations: Rotation.quaternion(matrix: frame(normal)).expandingDims(at: 0),
        opacityLogits: .zeros([1], dtype: .float64),
        harmonics: .zeros([1, 1, 3], dtype: .float64))
    }
    let projected = try renderer.project(surfel(point), from: camera)
    let values = projected.covariances.scalars(as: Double.self)
    let (xx, xy, yy) = (values[0], values[1], values[2])
    let jacobian = vectorJacobianProduct(at: [point]) { [camera.project($0[0]).pixels] }
    let rows = [[1.0, 0], [0, 1]].map { jacobian.pullback([Tensor($0, shape: [1, 2])])[0] }
    let (z, along) = (point.scalars(as: Double.self)[2], (normal * point.reshaped([3])).sum().value)
    let root = variance * focal * focal * along / (z * z * z)
    return [
      "jacobian": .concatenate(rows), "covariance": Tensor([[xx, xy], [xy, yy]]),
      "determinant": Tensor(scalar: xx * yy - xy * xy),
      "determinant_closed": Tensor(scalar: root * root),
    ]
  }

  /// A rotation whose third column is a unit normal.
  private static func frame(_ normal: Tensor) -> Tensor {
    let n = normal.scalars(as: Double.self)
    let helper = abs(n[0]) < 0.6 ? [1.0, 0, 0] : [0.0, 1, 0]
    let first = Tensor.cross(Tensor(helper), normal).unitVectors()
    return .stack([first, Tensor.cross(normal, first), normal], axis: 1)
  }
}
