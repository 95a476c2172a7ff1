import Foundation
import LumiLearning
import LumiTensor
import Testing

/// Values and gradients of Fixtures/reference/mesh/losses-pytorch3d.json.
@Suite struct ReferenceLossTests {
  struct Vector {
    let inputs, expected: [String: Any]
    let absolute, relative: Double

    init() throws {
      let file = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures/reference/mesh/losses-pytorch3d.json")
      let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
      let root = try #require(json as? [String: Any])
      inputs = try #require(root["inputs"] as? [String: Any])
      expected = try #require(root["expected"] as? [String: Any])
      let tolerance = try #require(root["tolerance"] as? [String: Double])
      absolute = try #require(tolerance["abs"])
      relative = try #require(tolerance["rel"])
    }

    func input(_ name: String) throws -> Tensor {
      Tensor(try #require(inputs[name] as? [[Double]]))
    }

    /// Both within abs + rel · max |expected|.
    func expect(_ actual: Tensor, _ name: String) throws {
      let value = try #require(expected[name])
      let reference: Tensor
      if let rows = value as? [[Double]] {
        reference = Tensor(rows)
      } else {
        reference = Tensor(scalar: try #require(value as? Double))
      }
      try #require(actual.shape == reference.shape, "\(name)")
      let scale = reference.abs().max().value
      let error = (actual - reference).abs().max().value
      #expect(error <= absolute + relative * scale, "\(name): off by \(error)")
    }

    func expect(
      value name: String, gradients names: [String], at points: [Tensor],
      _ loss: ([Tensor]) -> Tensor
    ) throws {
      let result = valueAndGradient(at: points, of: loss)
      try expect(result.value, name)
      for (gradient, name) in zip(result.gradients, names) { try expect(gradient, name) }
    }
  }

  @Test func meshLosses() throws {
    let vector = try Vector()
    let vertices = try vector.input("vertices")
    let faces = try vector.input("faces").cast(to: .int32)
    let rows = (0..<faces.shape[0]).map { faces[.index($0)].scalars(as: Int32.self) }
    let topology = MeshTopology(faces: rows)
    let target = try #require(vector.inputs["target_length"] as? Double)
    let losses: [(String, (Tensor) -> Tensor)] = [
      ("edge", { Loss.edgeLength(vertices: $0, edges: topology.edges, target: target) }),
      (
        "laplacian_uniform",
        { Loss.laplacian(vertices: $0, faces: faces, edges: topology.edges) }
      ),
      (
        "laplacian_cot",
        {
          Loss.laplacian(
            vertices: $0, faces: faces, edges: topology.edges, weights: .cotangent)
        }
      ),
      ("normal_consistency", { Loss.normalConsistency(vertices: $0, pairs: topology.pairs) }),
    ]
    for (name, loss) in losses {
      try vector.expect(value: name, gradients: ["grad_\(name)"], at: [vertices]) { loss($0[0]) }
    }
  }

  @Test func chamfer() throws {
    let vector = try Vector()
    let points = [try vector.input("points_x"), try vector.input("points_y")]
    try vector.expect(
      value: "chamfer", gradients: ["grad_chamfer_x", "grad_chamfer_y"], at: points
    ) { Loss.chamfer($0[0], $0[1]) }
  }
}
