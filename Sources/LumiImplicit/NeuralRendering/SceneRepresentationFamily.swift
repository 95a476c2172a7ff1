import LumiLearning
import LumiTensor

/// Several scenes that share everything but their field of features, which a hypernetwork makes of a
/// code a scene.
///
/// Codes are parameters like all others (an autodecoder); a new scene is found by fitting a code of
/// its own while the rest stands still, see ``scene(of:)``. Losses: those of
/// ``SceneRepresentationNetwork``, with `codePrior(_:)` of the codes in use.
///
/// Parameter paths: "codes", "fields.…", "cell.…", "step.…", "generator.…".
///
/// V. Sitzmann, M. Zollhöfer, G. Wetzstein, "Scene Representation Networks: Continuous
/// 3D-Structure-Aware Neural Scene Representations", NeurIPS 2019.
public struct SceneRepresentationFamily: Parameterized, Sendable {
  /// [scenes, code width]; published 256 wide, from a normal distribution of deviation 0.01.
  public var codes: Tensor
  /// From codes to the weights of fields.
  public var fields: Hypernetwork<LayerNormalizedPerceptron>
  /// What all scenes share; its field is not used.
  public var shared: SceneRepresentationNetwork

  /// - Parameters:
  ///   - shared: what all scenes share. Generated fields have the layers of its own and begin near its
  ///     weights; published are normalisations without gain and bias.
  ///   - scenes: at least 1.
  ///   - codeWidth: at least 1.
  ///   - hidden: widths of the hidden layers of the hypernetwork's perceptrons, one a generated layer.
  ///   - seed: of codes and hypernetwork.
  public init(
    shared: SceneRepresentationNetwork, scenes: Int, codeWidth: Int = 256, hidden: [Int] = [256],
    seed: UInt64
  ) {
    require(scenes > 0, "SceneRepresentationFamily: \(scenes) scenes, expected at least 1")
    var random = RandomGenerator(seed: seed)
    codes = random.normal([scenes, codeWidth], deviation: 0.01, dtype: shared.dtype)
    fields = Hypernetwork(
      prototype: shared.field, codeWidth: codeWidth, hidden: hidden, seed: random.next(),
      dtype: shared.dtype)
    self.shared = shared
  }

  /// One of the scenes, with derivatives to its code and all that is shared.
  public func scene(_ index: Int) -> SceneRepresentationNetwork {
    require(
      0..<codes.shape[0] ~= index,
      "SceneRepresentationFamily: scene \(index) of \(codes.shape[0])")
    return scene(of: codes[index])
  }

  /// The scene of any code [code width].
  public func scene(of code: Tensor) -> SceneRepresentationNetwork {
    var result = shared
    result.field = fields(code)
    return result
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> SceneRepresentationFamily {
    var result = self
    result.codes = try transform("codes", codes)
    result.fields = try fields.mapParameters { try transform("fields.\($0)", $1) }
    result.shared.cell = try shared.cell.mapParameters { try transform("cell.\($0)", $1) }
    result.shared.step = try shared.step.mapParameters { try transform("step.\($0)", $1) }
    result.shared.generator = try shared.generator.mapParameters {
      try transform("generator.\($0)", $1)
    }
    return result
  }
}
