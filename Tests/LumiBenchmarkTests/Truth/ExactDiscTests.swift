import Foundation
import LumiBenchmark
import Testing

struct ExactDiscTests {
  static let disc = ExactDisc(centre: [3.3, 2.6], radius: 1.9, width: 7, height: 6)

  static func largest(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).map { abs($0 - $1) }.max()!
  }

  @Test func aPolygonOfManySidesAgrees() {
    let sides = 20000
    let normals = (0..<sides).map { index -> SIMD2<Double> in
      let angle = 2 * Double.pi * Double(index) / Double(sides)
      return [cos(angle), sin(angle)]
    }
    let polygon = ExactCoverage(
      polygon: normals.map { Self.disc.centre + $0 * Self.disc.radius }, width: 7, height: 6)
    #expect(Self.largest(Self.disc.coverage, polygon.coverage) < 1e-6)
    let moved = Self.disc.derivative(centre: [0.7, -0.4], radius: 0.3)
    let expected = polygon.derivative(normals.map { [0.7, -0.4] + $0 * 0.3 })
    #expect(Self.largest(moved, expected) < 1e-5)
    #expect(Self.largest(moved.map { -$0 }, expected) > 0.1)
  }

  @Test func totals() {
    let area = Double.pi * Self.disc.radius * Self.disc.radius
    #expect(abs(Self.disc.coverage.reduce(0, +) - area) < 1e-12)
    let growth = Self.disc.derivative(centre: .zero, radius: 1).reduce(0, +)
    #expect(abs(growth - 2 * .pi * Self.disc.radius) < 1e-12)
    #expect(abs(Self.disc.derivative(centre: [1, 1], radius: 0).reduce(0, +)) < 1e-12)
  }

  @Test func differencesAgree() {
    let step = 1e-6
    func coverage(_ t: Double) -> [Double] {
      ExactDisc(
        centre: Self.disc.centre + [0.5 * t, 0.8 * t], radius: Self.disc.radius - 0.2 * t, width: 7,
        height: 6
      ).coverage
    }
    let slopes = zip(coverage(step), coverage(-step)).map { ($0 - $1) / (2 * step) }
    let exact = Self.disc.derivative(centre: [0.5, 0.8], radius: -0.2)
    #expect(Self.largest(slopes, exact) < 1e-7)
  }

  @Test func insideOfOnePixelAroundAllAndBeside() {
    let small = ExactDisc(centre: [1.5, 0.4], radius: 0.2, width: 3, height: 1).coverage
    #expect(abs(small[1] - .pi * 0.04) < 1e-14 && abs(small[0]) < 1e-14 && abs(small[2]) < 1e-14)
    let all = ExactDisc(centre: [1.5, 0.5], radius: 9, width: 3, height: 1)
    #expect(all.coverage.allSatisfy { abs($0 - 1) < 1e-12 })
    #expect(all.derivative(centre: [1, 0], radius: 1).allSatisfy { $0 == 0 })
    let beside = ExactDisc(centre: [-50, 0], radius: 1, width: 3, height: 1)
    #expect(beside.coverage.allSatisfy { abs($0) < 1e-14 })
  }
}
