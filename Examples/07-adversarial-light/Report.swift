import ExampleSupport
import Foundation
import Lumigrad

/// How often the network errs about pictures that it got right before.
struct AttackRate: Sendable {
  /// After the attack.
  let attack: Double
  /// After one random change of the same size, on average over the draws.
  let random: Double
  /// After the worst of as many random changes as the attack takes steps.
  let worstRandom: Double

  /// - Parameters:
  ///   - attack: what is tried.
  ///   - samples: only those that the network gets right count.
  init(_ attack: Attack, on samples: [Sample], _ classifier: Classifier) throws {
    let numbered = Array(samples.enumerated())
    let results = try concurrently(numbered) { index, sample -> (Bool, Int)? in
      func isFooled(_ sample: Sample) throws -> Bool {
        try classifier.prediction(attack.studio.picture(sample)) != sample.label
      }
      if try isFooled(sample) { return nil }
      var random = RandomGenerator(seed: 77, stream: UInt64(index))
      let fooled = try (0..<attack.steps).filter { _ in
        try isFooled(attack.randomised(sample, &random))
      }
      return (try isFooled(attack.run(sample, classifier)), fooled.count)
    }.compactMap { $0 }
    let count = Double(results.count)
    self.attack = Double(results.filter(\.0).count) / count
    random = results.reduce(0) { $0 + Double($1.1) } / count / Double(attack.steps)
    worstRandom = Double(results.filter { $0.1 > 0 }.count) / count
  }

  var text: String {
    String(
      format: "%5.1f%%      %5.1f%%      %5.1f%%", 100 * attack, 100 * random, 100 * worstRandom)
  }
}

/// A renderer to attack with or to be tested with.
struct NamedStudio: Sendable {
  let name: String
  let studio: Studio

  /// The one that the network was trained with, a soft one, and a hard one with 4 × 4 samples.
  static let all = [
    NamedStudio(name: "antialiased", studio: Studio()),
    NamedStudio(name: "soft", studio: Studio(renderer: soft)),
    NamedStudio(
      name: "4x4 samples",
      studio: Studio(renderer: HardRasterizer(channels: [.color]), samples: 4)),
  ]

  /// Faces fade over about half a pixel. Depths count from 2 to 8 only, and the background like a
  /// surface at 6, so that it shows wherever no face is.
  private static var soft: SoftRasterizer {
    var renderer = SoftRasterizer()
    renderer.sigma = 1e-4
    renderer.gamma = 1e-2
    renderer.depthRange = 2...8
    renderer.backgroundEpsilon = 1.0 / 6
    return renderer
  }
}

/// Attacks made with one renderer, tried with the others.
struct Transfer {
  /// The share of pictures that the network gets right, by the renderer, before any attack.
  private let clean: [Double]
  /// The share of errors after an attack, by the renderer that shows it.
  private var errors: [(name: String, shares: [Double])] = []

  init(_ kind: Attack.Kind, bound: Double, _ samples: [Sample], _ classifier: Classifier) throws {
    let all = NamedStudio.all
    clean = try all.map { try classifier.accuracy(.init(samples, $0.studio)) }
    // Only what every renderer shows rightly counts, so that rows and columns compare.
    let fair = try samples.filter { sample in
      try all.allSatisfy {
        try classifier.prediction($0.studio.picture(sample)) == sample.label
      }
    }
    // The last renderer's gradient knows nothing of outlines, which makes no difference to light.
    for attacker in kind == .light ? Array(all.prefix(2)) : all {
      for stopsEarly in [true, false] {
        let attack = Attack(
          kind: kind, bound: bound, stopsEarly: stopsEarly, studio: attacker.studio)
        let moved = try concurrently(fair) { try attack.run($0, classifier) }
        let shares = try all.map { 1 - (try classifier.accuracy(.init(moved, $0.studio))) }
        errors.append((attacker.name + (stopsEarly ? ", until wrong" : ", all steps"), shares))
      }
    }
  }

  func printTable(_ title: String) {
    func row(_ name: String, _ cells: [String]) {
      let padded = ([name] + cells).enumerated().map { index, cell in
        cell.padding(toLength: index == 0 ? 28 : 13, withPad: " ", startingAt: 0)
      }
      print(padded.joined())
    }
    print()
    row(title, NamedStudio.all.map(\.name))
    row("right before the attack", clean.map(Self.percent))
    for (name, shares) in errors { row("\(name)", shares.map(Self.percent)) }
    fflush(nil)
  }

  private static func percent(_ share: Double) -> String {
    String(format: "%5.1f%%", 100 * share)
  }
}
