import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel
import Testing

/// Methods that draw probabilities or densities, given distances.
struct DistanceConversionTests {
  static let conversions: [any Renderer<VoxelGrid>] = [
    DistanceConversion(
      PerspectiveTransformer(planes: 6), as: .occupancy, softness: 0.5),
    DistanceConversion(RayConsistency(), as: .emptyCells, softness: 0.5),
    DistanceConversion(PlatonicRenderer(samples: 7), as: .occupancy, softness: 0.5),
    DistanceConversion(NeuralVolumes(step: 0.4), as: .density(filled: 0.4), softness: 0.5),
  ]

  /// Spacing ½ in [-2, 2]³.
  static let sphere = Scenes.view(
    Scenes.sphere(), camera: Scenes.camera(from: [2.2, 1.4, 3.9]))

  @Test func quantitiesOfADistance() throws {
    var scene = Self.sphere.scene
    scene.shape.values = Tensor([-0.3, 0, 0.1, 40, -40, 1, 2, 3], shape: [2, 2, 2])
    // Four world units between nodes.
    let share = 1 / (1 + exp(0.1 / (0.25 * 4)))
    let filled = try DistanceConversion(PerspectiveTransformer(), as: .occupancy)
      .converted(scene).shape
    #expect(filled.quantity == .occupancy && filled.placement == .nodes)
    #expect(filled.values[0, 0, 1].value == 0.5)
    #expect(abs(filled.values[0, 1, 0].value - share) < 1e-15)
    #expect(filled.values[0, 1, 1].value < 1e-15 && filled.values[1, 0, 0].value == 1)
    let dense = try DistanceConversion(NeuralVolumes(), as: .density(filled: 7))
      .converted(scene).shape
    #expect(dense.quantity == .density && dense.values[0, 0, 1].value == 3.5)
    let empty = try DistanceConversion(RayConsistency(), as: .emptyCells, softness: 0.5)
      .converted(scene).shape
    #expect(empty.quantity == .emptiness && empty.values[0, 0, 1].value == 0.5)
    // What was on nodes is in the middle of cells.
    #expect(empty.placement == .cells && empty.lower == [-4, -4, -4] && empty.upper == [4, 4, 4])
    #expect((empty.valuePositions() - scene.shape.valuePositions()).largest == 0)
    #expect(try empty.validated().counts == [2, 2, 2])
  }

  @Test func otherQuantitiesAreDrawnAsTheyAre() throws {
    let plain = try Method.rayConsistency.renderer.render(Method.rayConsistency.view)
    let converted = try DistanceConversion(
      RayConsistency(channels: [.color, .alpha, .depth]), as: .emptyCells
    ).render(Method.rayConsistency.view)
    #expect(try (plain[.color] - converted[.color]).largest == 0)
    #expect(DistanceConversion<RayConsistency>.method == RayConsistency.method)
  }

  /// From distances to pictures, through the conversion.
  @Test(arguments: conversions.indices)
  func derivativesOfDistances(_ index: Int) throws {
    var view = Self.sphere
    view.scene.shape.appearance = .colors(
      Scenes.random(view.scene.shape.values.shape + [3], 5))
    let report = try Self.conversions[index].check(
      view, ["voxels.values"], steps: [1e-4, 1e-5, 1e-6], tolerance: 1e-6)
    #expect(report.compared == 729)
    let slope = try Self.conversions[index].evaluate(view).gradients["voxels.values"]!
    #expect(slope.largest > 1e-3)
  }

  /// Covered where the ray meets the sphere, free beside it.
  @Test(arguments: conversions.indices)
  func picturesOfASphere(_ index: Int) throws {
    let alpha = try Self.conversions[index].render(Self.sphere)[.alpha]
    #expect(alpha[2, 3].value > 0.8)
    #expect(alpha[0, 0].value < 0.2)
  }

  @Test(arguments: [0, -1, Double.nan, .infinity])
  func wrongSoftnessThrows(_ softness: Double) {
    let error = #expect(throws: RenderError.self) {
      try DistanceConversion(RayConsistency(), as: .emptyCells, softness: softness)
        .render(Self.sphere)
    }
    guard case .invalid("voxel/drc", "softness", _, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func wrongGridsThrow() {
    var view = Self.sphere
    view.scene.shape.values = .zeros([3, 3], dtype: .float64)
    for renderer in Self.conversions {
      #expect(throws: SceneError.self) { try renderer.render(view) }
    }
  }

  @Test func surfacesWithoutLightShowTheirOwnColour() throws {
    var view = Self.sphere
    view.scene.shape.appearance = .uniform(Tensor([0.3, 0.6, 0.2]))
    let output = try SDFDiff(headlight: .unlit).render(view)
    let shown = try output[.color] - Scenes.background * (1 - output[.alpha].expandingDims(at: 2))
    let expected = Tensor([0.3, 0.6, 0.2]) * (try output[.alpha].expandingDims(at: 2))
    #expect((shown - expected).largest < 1e-15)
    #expect(try output[.alpha].largest == 1)
  }
}
