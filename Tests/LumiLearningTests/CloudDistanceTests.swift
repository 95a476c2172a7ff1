import Foundation
import LumiLearning
import LumiTensor
import Testing

/// Distances between clouds against their definitions, written out over all pairs.
struct CloudDistanceTests {
  private func clouds(_ n: Int, _ m: Int, seed: UInt64) -> (Tensor, Tensor) {
    var random = RandomGenerator(seed: seed)
    return (random.normal([n, 3], dtype: .float64), random.normal([m, 3], dtype: .float64))
  }

  private func distances(_ x: Tensor, _ y: Tensor) -> Tensor {
    (x.expandingDims(at: 1) - y.expandingDims(at: 0)).norm(axis: 2)
  }

  @Test func valuesFollowTheDefinitions() {
    let (x, y) = clouds(7, 5, seed: 1)
    let d = distances(x, y)
    let (ofX, ofY) = (d.min(axis: 1), d.min(axis: 0))
    func close(_ a: Tensor, _ b: Tensor) -> Bool { (a - b).abs().max().value < 1e-12 }
    #expect(close(Loss.chamfer(x, y), ofX.square().mean() + ofY.square().mean()))
    #expect(close(Loss.chamfer(x, y, distance: .euclidean), ofX.mean() + ofY.mean()))
    #expect(close(Loss.oneSidedChamfer(from: y, to: x, distance: .euclidean), ofY.mean()))
    #expect(close(Loss.directedHausdorff(from: x, to: y), ofX.max()))
    #expect(close(Loss.hausdorff(x, y), Tensor.concatenate([ofX, ofY]).max()))
    #expect(close(Loss.hausdorff(y, x), Loss.hausdorff(x, y)))
    #expect(Loss.hausdorff(x, x).value == 0 && Loss.chamfer(x, x).value == 0)
  }

  @Test func packedBatchesAreTheirParts() {
    let (x, y) = clouds(12, 9, seed: 2)
    let (xs, ys) = ([0, 5, 12], [0, 3, 9])
    for distance in [PointDistance.squared, .euclidean] {
      let both = Loss.chamfer(x, offsets: xs, y, offsets: ys, distance: distance)
      for cloud in 0..<2 {
        let one = Loss.chamfer(
          x.slice(axis: 0, from: xs[cloud], to: xs[cloud + 1]),
          y.slice(axis: 0, from: ys[cloud], to: ys[cloud + 1]), distance: distance)
        #expect(abs(both[cloud].value - one.value) < 1e-12)
      }
    }
  }

  @Test func normalsCountWithoutTheirSide() {
    let points = Tensor([[0.0, 0, 0], [5, 0, 0]])
    let normals = Tensor([[0.0, 0, 2], [0, 1, 0]])
    let turned = Tensor([[0.0, 0, -1], [0, 3, 4]])
    #expect(Loss.chamferNormals(points, normals: normals, points, normals: -normals).value < 1e-15)
    let value = Loss.chamferNormals(points, normals: normals, points + 0.1, normals: turned).value
    #expect(abs(value - 2 * 0.5 * 0.4) < 1e-12)
  }

  /// The formula over all pairs.
  @Test func densityIsCounted() {
    let (x, y) = clouds(8, 6, seed: 3)
    let d = distances(x, y).scalars(as: Double.self)
    func side(_ n: Int, _ m: Int, _ at: (Int, Int) -> Double, _ power: Double) -> Double {
      let nearest = (0..<n).map { i in (0..<m).min { at(i, $0) < at(i, $1) }! }
      return (0..<n).reduce(0) { sum, i in
        let count = Double(nearest.filter { $0 == nearest[i] }.count)
        let share = Double(n) / Double(m) / pow(count, power)
        return sum + (1 - share * exp(-0.7 * pow(at(i, nearest[i]), 2)))
      } / Double(n)
    }
    for power in [1, 0.5] {
      let expected =
        0.5 * (side(8, 6, { d[$0 * 6 + $1] }, power) + side(6, 8, { d[$1 * 6 + $0] }, power))
      let found = Loss.densityAwareChamfer(x, y, alpha: 0.7, countPower: power).value
      #expect(abs(found - expected) < 1e-12)
    }
    #expect(Loss.densityAwareChamfer(x, x).value < 1e-15)
    // Ten points at one place of two: the Chamfer distance is blind for it.
    let uneven = Tensor([[0.0, 0, 0]] + [[Double]](repeating: [1, 0, 0], count: 9))
    let even = Tensor((0..<10).map { [$0 < 5 ? 0.0 : 1, 0, 0] })
    #expect(Loss.chamfer(uneven, even).value == 0)
    #expect(Loss.densityAwareChamfer(uneven, even).value > 0.1)
  }

  @Test func derivativesAgreeWithDifferences() throws {
    let (x, y) = clouds(6, 5, seed: 4)
    let losses: [([Tensor]) -> Tensor] = [
      { Loss.chamfer($0[0], $0[1], distance: .euclidean) },
      { Loss.chamfer($0[0], offsets: [0, 2, 6], $0[1], offsets: [0, 3, 5]) },
      { Loss.directedHausdorff(from: $0[0], to: $0[1]) }, { Loss.hausdorff($0[0], $0[1]) },
      { Loss.densityAwareChamfer($0[0], $0[1], alpha: 0.5) },
      { Loss.chamferNormals(x, normals: $0[0], y, normals: $0[1]) },
    ]
    for loss in losses { try checkGradients(at: [x, y], of: loss) }
  }

  @Test func coincidentPointsHaveFiniteDerivatives() {
    let x = Tensor.ones([4, 3], dtype: .float64)
    let losses: [([Tensor]) -> Tensor] = [
      { Loss.chamfer($0[0], $0[1], distance: .euclidean) }, { Loss.hausdorff($0[0], $0[1]) },
      { Loss.densityAwareChamfer($0[0], $0[1], distance: .euclidean) },
      { EarthMover($0[0], $0[1], epsilon: 0.1).loss },
    ]
    for loss in losses {
      let (value, gradient) = valueAndGradient(at: [x, x], of: loss)
      #expect(value.value.isFinite)
      #expect(gradient.allSatisfy { $0.isFinite().all().item(as: Bool.self) })
    }
  }

  /// The least mean cost of pairing n points with n others, over all subsets.
  private func assignment(_ cost: [Double], _ n: Int) -> Double {
    var best = [Double](repeating: .infinity, count: 1 << n)
    best[0] = 0
    for set in 0..<(1 << n) - 1 {
      let row = set.nonzeroBitCount
      for column in 0..<n where set >> column & 1 == 0 {
        best[set | 1 << column] = min(best[set | 1 << column], best[set] + cost[row * n + column])
      }
    }
    return best.last! / Double(n)
  }

  @Test(arguments: [PointDistance.euclidean, .squared], [2, 5, 10])
  func earthMoverEnclosesTheExactAssignment(_ distance: PointDistance, _ n: Int) {
    for seed in 0..<4 as Range<UInt64> {
      let (x, y) = clouds(n, n, seed: 50 + seed)
      let d = distances(x, y)
      let exact = assignment((distance == .squared ? d.square() : d).scalars(as: Double.self), n)
      for epsilon in [0.5, 0.05, 0.01] {
        let found = EarthMover(x, y, epsilon: epsilon, distance: distance, maximumIterations: 3000)
        #expect(found.lowerBound <= exact + 1e-9 && found.upperBound >= exact - 1e-9)
        #expect(found.loss.value >= found.lowerBound - 1e-9)
        #expect(found.loss.value <= exact + epsilon * log(Double(n)) + 1e-9)
      }
      let fine = EarthMover(x, y, epsilon: 0.005, distance: distance, maximumIterations: 5000)
      #expect(fine.upperBound < exact * 1.02 && fine.lowerBound > exact * 0.98)
      // Few iterations: the bounds hold all the same.
      let rough = EarthMover(x, y, epsilon: 0.01, distance: distance, maximumIterations: 1)
      #expect(rough.lowerBound <= exact + 1e-9 && rough.upperBound >= exact - 1e-9)
    }
  }

  @Test(arguments: [PointDistance.euclidean, .squared])
  func earthMoverHasTheDerivativeOfItsValue(_ distance: PointDistance) throws {
    let (x, y) = clouds(5, 4, seed: 60)
    let found = EarthMover(x, y, epsilon: 0.3, distance: distance, tolerance: 1e-13)
    #expect(found.residual < 1e-12 && found.iterations < 500)
    try checkGradients(at: [x, y]) {
      EarthMover($0[0], $0[1], epsilon: 0.3, distance: distance, tolerance: 1e-13).loss
    }
    let single = EarthMover(
      x.cast(to: .float32), y.cast(to: .float32), epsilon: 0.3, distance: distance)
    #expect(single.loss.dtype == .float32 && abs(single.loss.value - found.loss.value) < 1e-4)
  }

  @Test func earthMoverMovesACloudOntoAnother() {
    let (start, y) = clouds(12, 12, seed: 61)
    var x = start
    let far = EarthMover(x, y, epsilon: 0.02).upperBound
    for _ in 0..<60 {
      let (_, gradient) = valueAndGradient(at: [x]) {
        EarthMover($0[0], y, epsilon: 0.02, distance: .squared, maximumIterations: 100).loss
      }
      x = x - 3 * gradient[0]
    }
    #expect(EarthMover(x, y, epsilon: 0.02).upperBound < 0.1 * far)
  }
}
