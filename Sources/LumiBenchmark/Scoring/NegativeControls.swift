import LumiRendering

/// Spoils a real method's gradient and looks whether the suite notices, in the column that must.
struct NegativeControls {
  /// Where controls are run: a silhouette that moves.
  static let problem = "geometry/translation"

  /// One fault and the column that must notice it.
  struct Control: Sendable {
    let fault: GradientFault
    let column: String
    let figure: @Sendable (DerivativeResult) -> Double
    /// From the figures of the clean and of the spoiled method.
    let isCaught: @Sendable (_ clean: Double, _ spoiled: Double) -> Bool
  }

  /// Every fault must show in "consistent", and in the column that tells what is wrong, if there is
  /// one. A shift by one pixel may even help a method that is biased: only consistency tells.
  static let all: [Control] =
    GradientFault.allCases.map { fault in
      Control(
        fault: fault, column: "consistent: relative error",
        figure: { $0.consistency?.relativeError ?? .nan },
        isCaught: { $0 <= Consistency.tolerance && $1 > 100 * Consistency.tolerance })
    } + [
      Control(
        fault: .zero, column: "true: zero share", figure: { $0.truth?.zeroShare ?? .nan },
        isCaught: { $0 < 0.9 && $1 == 1 }),
      Control(
        fault: .flipped, column: "true: cosine", figure: { $0.truth?.cosine ?? .nan },
        isCaught: { $0 > 0.5 && $1 < -0.5 }),
      Control(
        fault: .doubled, column: "true: relative L2", figure: { $0.truth?.relativeL2 ?? .nan },
        isCaught: { $1 > 0.5 && $1 > 1.5 * $0 }),
      Control(
        fault: .noisy, column: "bit-equality", figure: { $0.bitEqual.map { $0 ? 1 : 0 } ?? .nan },
        isCaught: { $0 == 1 && $1 == 0 }),
    ]

  let renderer: AnyRenderer
  let problem: GradientProblem
  let truths: TruthStore

  /// Whether a method can serve: it claims exact gradients and its own result is clean.
  static func canServe(_ result: DerivativeResult) -> Bool {
    result.problem == problem && result.status == .pass && result.claim == .exact
      && (result.truth?.zeroShare ?? 1) < 0.9 && (result.truth?.cosine ?? 0) > 0.5
  }

  /// - Parameter clean: the method's own result on the problem.
  func results(clean: DerivativeResult) -> [ControlResult] {
    let spoiled = Dictionary(
      uniqueKeysWithValues: GradientFault.allCases.map { fault in
        (
          fault,
          DerivativeScoring(problem: problem, renderer: renderer.spoiled(fault), truths: truths)
            .result()
        )
      })
    return Self.all.map { control in
      let (good, bad) = (control.figure(clean), control.figure(spoiled[control.fault]!))
      return ControlResult(
        fault: control.fault, method: renderer.method.id, problem: problem.name,
        column: control.column, clean: good, spoiled: bad,
        isCaught: control.isCaught(good, bad))
    }
  }
}
