import Foundation
import Lumigrad

/// Moves one thing about a sample, within a bound, until the network is wrong about it.
///
/// Projected gradient ascent on the cross entropy of the true class: steps of one length along the
/// gradient, each followed by the way back into the bound. The gradient goes from the network's
/// answer through its layers to the pixels and on through the renderer to the light or the
/// vertices (H.-T. D. Liu et al., "Beyond Pixel Norm-Balls", ICLR 2019; C. Xiao et al., "MeshAdv",
/// CVPR 2019).
struct Attack: Sendable {
  enum Kind: Sendable { case light, vertices }

  let kind: Kind
  /// Of the change of the light's coefficients (norm), or of a vertex in pixels.
  let bound: Double
  var steps = 20
  /// Whether it ends at the first step that changes the answer, with the least harm, or goes on
  /// until the network is as wrong as can be.
  var stopsEarly = true
  /// The renderer that the attacker has.
  var studio = Studio()

  /// The sample after the attack.
  func run(_ sample: Sample, _ classifier: Classifier) throws -> Sample {
    let smoothing = Smoothing(sample.mesh)
    var change = start(sample)
    var result = sample
    for _ in 0..<steps {
      let slope = try gradient(at: change) { change in
        let picture = try studio.picture(changed(sample, change))
        return Loss.crossEntropy(
          classifier(picture.reshaped([1, -1])), labels: Tensor([Int32(sample.label.rawValue)]))
      }
      change = limited(change + step(slope, smoothing), sample)
      result = changed(sample, change)
      guard stopsEarly else { continue }
      if try classifier.prediction(studio.picture(result)) != sample.label { break }
    }
    return result
  }

  /// A random change of the size that the attack may make.
  func randomised(_ sample: Sample, _ random: inout RandomGenerator) -> Sample {
    let noise = random.normal(start(sample).shape)
    let smooth = kind == .light ? noise : Smoothing(sample.mesh)(noise)
    return changed(sample, limited(smooth * (reach / largest(smooth)), sample))
  }

  /// The bound in the scene's units.
  private var reach: Double { kind == .light ? bound : bound * Studio.unitsPerPixel }

  private func start(_ sample: Sample) -> Tensor {
    kind == .light ? .zeros([9]) : .zeros(like: sample.mesh.vertices)
  }

  private func changed(_ sample: Sample, _ change: Tensor) -> Sample {
    var result = sample
    switch kind {
    case .light: result.light = sample.light + change
    case .vertices: result.mesh.vertices = sample.mesh.vertices + change
    }
    return result
  }

  /// A quarter of the bound along the gradient; vertices move together with their neighbours.
  private func step(_ slope: Tensor, _ smoothing: Smoothing) -> Tensor {
    var direction = slope
    if kind == .light {
      direction = slope * Tensor([Float(0), 1, 1, 1, 1, 1, 1, 1, 1])
    } else {
      direction = smoothing(slope)
    }
    return direction * (reach / 4 / max(largest(direction), 1e-20))
  }

  private func limited(_ change: Tensor, _ sample: Sample) -> Tensor {
    switch kind {
    case .light:
      return LightRange.limited(sample.light + change, around: sample.light, by: reach)
        - sample.light
    case .vertices:
      let lengths = change.norm(axis: 1, keepDims: true)
      return change * (reach / lengths.clamped(min: reach))
    }
  }

  /// The length of a light's change, or of the vertex that moves most.
  private func largest(_ change: Tensor) -> Double {
    kind == .light ? change.norm().value : change.norm(axis: 1).max().value
  }
}

/// Makes a field on a mesh smooth: rounds of moving each vertex's value half of the way to its
/// neighbours' mean.
struct Smoothing: Sendable {
  private let topology: MeshTopology
  private let rounds: Int

  init(_ mesh: Mesh, rounds: Int = 6) {
    topology = MeshTopology(mesh)
    self.rounds = rounds
  }

  func callAsFunction(_ field: Tensor) -> Tensor {
    (0..<rounds).reduce(field) { field, _ in field + topology.uniformLaplacian(of: field) * 0.5 }
  }
}
