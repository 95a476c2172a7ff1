import LumiTensor
import Testing

struct WindingNumberTests {
  /// A closed surface of quads on a torus-like tube, two triangles each, outward.
  static func torus(_ n: Int, _ m: Int) -> (vertices: Tensor, faces: Tensor) {
    var (points, faces) = ([Double](), [Int32]())
    for i in 0..<n {
      for j in 0..<m {
        let (u, v) = (2 * Double.pi * Double(i) / Double(n), 2 * Double.pi * Double(j) / Double(m))
        let ring = 1 + 0.4 * Tensor(v, dtype: .float64).cos().value
        points += [
          ring * Tensor(u, dtype: .float64).cos().value,
          ring * Tensor(u, dtype: .float64).sin().value,
          0.4 * Tensor(v, dtype: .float64).sin().value,
        ]
        func at(_ i: Int, _ j: Int) -> Int32 { Int32(i % n * m + j % m) }
        faces += [at(i, j), at(i + 1, j), at(i + 1, j + 1)]
        faces += [at(i, j), at(i + 1, j + 1), at(i, j + 1)]
      }
    }
    return (
      Tensor(points, shape: [points.count / 3, 3]), Tensor(faces, shape: [faces.count / 3, 3])
    )
  }

  static func points(_ count: Int, seed: UInt64) -> Tensor {
    var random = RandomGenerator(seed: seed)
    return random.uniform([count, 3], low: -1.6, high: 1.6, dtype: .float64)
  }

  /// Exact sums are whole numbers, and the tree's are near them.
  @Test func closedSurfacesHaveWholeNumbers() {
    let (vertices, faces) = Self.torus(60, 40)
    let points = Self.points(2000, seed: 2)
    let exact = windingNumbers(of: points, vertices: vertices, faces: faces, reach: .infinity)
    let rounded = exact.round()
    #expect((exact - rounded).abs().max().value < 1e-9)
    #expect(rounded.min().value == 0 && rounded.max().value == 1)
    // Inside is what the torus' equation says, but for a margin of the flat faces.
    let (x, y, z) = (points[.all, 0], points[.all, 1], points[.all, 2])
    let tube = ((x.square() + y.square()).sqrt() - 1).square() + z.square()
    let wrong = (tube .< 0.15).cast(to: .float64) * (1 - rounded)
    let wrongToo = (tube .> 0.17).cast(to: .float64) * rounded
    #expect(wrong.sum().value == 0 && wrongToo.sum().value == 0)
    let fast = windingNumbers(of: points, vertices: vertices, faces: faces)
    let error = (fast - exact).abs().max().value
    #expect(error > 0 && error < 0.012, "\(error)")
  }

  @Test func openSurfacesHaveFractions() {
    // One face of a cube fills a sixth of the sphere around the middle.
    let square = Tensor([1, -1, -1, 1, 1, -1, 1, 1, 1, 1, -1, 1], shape: [4, 3])
    let faces = Tensor([0, 1, 2, 0, 2, 3] as [Int32], shape: [2, 3])
    let points = Tensor([0, 0, 0, 2, 0, 0, .nan, 0, 0], shape: [3, 3])
    let numbers = windingNumbers(of: points, vertices: square, faces: faces)
      .scalars(as: Double.self)
    #expect(abs(numbers[0] - 1.0 / 6) < 1e-12 && abs(numbers[1] + 1.0 / 6) < 1e-12)
    #expect(numbers[2] == 0)
  }

  @Test func turnedFacesAndCopiesCount() {
    let (vertices, faces) = Self.torus(20, 12)
    let inside = Tensor([1.0, 0, 0], shape: [1, 3])
    func number(_ faces: Tensor) -> Double {
      windingNumbers(of: inside, vertices: vertices, faces: faces).value
    }
    #expect(abs(number(faces) - 1) < 0.01)
    #expect(abs(number(faces.flipped(axis: 1)) + 1) < 0.01)
    #expect(abs(number(Tensor.concatenate([faces, faces])) - 2) < 0.02)
  }

  @Test func degenerateTrianglesDoNothing() {
    let vertices = Tensor([0, 0, 0, 1, 0, 0, .nan, 0, 0, 0, 1, 0], shape: [4, 3])
    let faces = Tensor([0, 0, 0, 0, 1, 1, 0, 1, 2], shape: [3, 3]).cast(to: .int32)
    let points = Tensor([0, 0, 0, 0.5, 0, 0, 3, 3, 3], shape: [3, 3])
    #expect(
      windingNumbers(of: points, vertices: vertices, faces: faces).scalars(as: Double.self)
        == [0, 0, 0])
    let none = Tensor([] as [Int32], shape: [0, 3])
    #expect(windingNumbers(of: points, vertices: vertices, faces: none).sum().value == 0)
  }

  @Test func theNumberOfThreadsChangesNothing() {
    let (vertices, faces) = Self.torus(30, 20)
    let points = Self.points(3000, seed: 4)
    let runs = [1, 4].map { threads in
      LumiRuntime.withThreads(threads) {
        windingNumbers(of: points, vertices: vertices, faces: faces).scalars(as: Double.self)
      }
    }
    #expect(runs[0] == runs[1])
  }
}
