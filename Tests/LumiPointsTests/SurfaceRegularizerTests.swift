import LumiTensor
import Testing

@testable import LumiPoints

struct SurfaceRegularizerTests {
  /// A jittered grid in the plane z = 0.
  private func sheet(noise: Double, side: Int = 9) -> (points: Tensor, normals: Tensor) {
    var random = RandomGenerator(seed: 14)
    let count = side * side
    let jitter = random.normal([count, 3], dtype: .float64) * Tensor([0.01, 0.01, noise])
    let grid = Tensor((0..<count).map { [0.1 * Double($0 % side), 0.1 * Double($0 / side), 0] })
    return (grid + jitter, Tensor([0.0, 0, 1]).broadcast(to: [count, 3]))
  }

  @Test func derivativesAreThoseOfTheTermsWithNeighboursHeld() throws {
    let (points, normals) = sheet(noise: 0.03, side: 5)
    let terms = SurfaceRegularizers(
      points: points, normals: normals, visible: Tensor((0..<25).map { $0 % 3 != 0 }))
    try checkGradients(at: [points]) { terms.projection(of: $0[0]) }
    try checkGradients(at: [points]) { terms.repulsion(of: $0[0]) }
  }

  @Test func projectionFlattensASheetAndLeavesAFlatOne() {
    var (points, normals) = sheet(noise: 0.02)
    func roughness(_ points: Tensor) -> Double {
      let z = points.column(2)
      return (z - z.mean()).square().mean().value.squareRoot()
    }
    let before = roughness(points)
    let place = points
    for _ in 0..<30 {
      let terms = SurfaceRegularizers(points: points, normals: normals)
      let slope = gradient(at: points) { terms.projection(of: $0) } * Double(points.shape[0])
      points = points - slope * 0.2
    }
    #expect(roughness(points) < 0.3 * before)
    #expect(distance(points.column(0), place.column(0)) < 1e-12)
    let flat = sheet(noise: 0)
    let terms = SurfaceRegularizers(points: flat.points, normals: flat.normals)
    #expect(terms.projection(of: flat.points).value < 1e-24)
    normals = normals * 1
  }

  @Test func repulsionMovesAPointAwayFromItsNeighbours() {
    var rows = sheet(noise: 0).points.scalars(as: Double.self)
    // The middle point, beside its right neighbour.
    rows[3 * 40] += 0.08
    let points = Tensor(rows, shape: [81, 3])
    let normals = Tensor([0.0, 0, 1]).broadcast(to: [81, 3])
    let slope = gradient(at: points) {
      SurfaceRegularizers(points: points, normals: normals).repulsion(of: $0)
    }
    let moved = slope[40].scalars(as: Double.self)
    #expect(moved[0] != 0)
    #expect(moved[2] == 0)
  }

  @Test func hiddenNeighboursWeighLess() {
    let (points, normals) = sheet(noise: 0.02)
    let some = Tensor((0..<81).map { $0 % 2 == 0 })
    let a = SurfaceRegularizers(points: points, normals: normals).projection(of: points)
    let b = SurfaceRegularizers(points: points, normals: normals, visible: some)
      .projection(of: points)
    #expect(a.value > 0 && b.value > 0 && a.value != b.value)
  }

  @Test func coincidentPointsAreFinite() {
    for count in [2, 30] {
      let points = Tensor.zeros([count, 3], dtype: .float64)
      let normals = Tensor([0.0, 0, 1]).broadcast(to: [count, 3])
      let terms = SurfaceRegularizers(points: points, normals: normals)
      for term in [terms.projection, terms.repulsion] {
        let (value, slope) = valueAndGradient(at: points) { term($0) }
        #expect(value.value.isFinite && slope.isFinite().all().value == 1)
      }
    }
  }
}
