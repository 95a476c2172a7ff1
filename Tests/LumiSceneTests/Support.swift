import Foundation
import LumiScene
import LumiTensor
import Testing

/// The largest absolute difference; infinite if shapes differ or something is not finite.
func difference(_ a: Tensor, _ b: Tensor) -> Double {
  guard a.shape == b.shape else { return .infinity }
  guard a.count > 0 else { return 0 }
  let worst = (a.cast(to: .float64) - b.cast(to: .float64)).abs().max().value
  return worst.isFinite ? worst : .infinity
}

func allFinite(_ tensor: Tensor) -> Bool { tensor.isFinite().all().item(as: Bool.self) }

func doubles(_ values: [Double], _ shape: [Int]? = nil) -> Tensor {
  Tensor(values, shape: shape ?? [values.count])
}

/// A file of Fixtures/reference.
func reference(_ path: String) throws -> [String: Any] {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let data = try Data(contentsOf: root.appending(path: "Fixtures/reference/\(path)"))
  return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
}

/// A nested array of numbers as a float64 tensor.
func tensor(_ value: Any?) throws -> Tensor {
  if let number = value as? Double { return Tensor(number, dtype: .float64) }
  let list = try #require(value as? [Any])
  return Tensor.stack(try list.map { try tensor($0) })
}

/// A float64 camera that is nowhere symmetric.
func exampleCamera(_ model: Camera.Model, dtype: DType = .float64) -> Camera {
  let distortion: [Double]? =
    switch model {
    case .quadratic: [0.12]
    case .brown: [-0.21, 0.06, 0.002, -0.003, -0.004]
    case .fisheye: [-0.03, 0.01, -0.004, 0.0006]
    default: nil
    }
  let pose = RigidTransform.exponential(doubles([0.1, -0.2, 3.5, 0.4, -0.3, 0.2]))
  return Camera(
    model: model, rotation: pose.rotation, translation: pose.translation,
    focalLength: doubles(model == .orthographic ? [24, 21] : [90, 80]),
    principalPoint: doubles([37, 22]), skew: Tensor(1.5, dtype: .float64),
    distortion: distortion.map { doubles($0) },
    meanDepth: model == .weakPerspective ? Tensor(3.2, dtype: .float64) : nil,
    aperture: model == .thinLens ? Tensor(0.15, dtype: .float64) : nil,
    focusDistance: model == .thinLens ? Tensor(2.8, dtype: .float64) : nil,
    width: 70, height: 50
  ).cast(to: dtype)
}
