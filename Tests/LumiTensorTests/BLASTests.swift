import COpenBLAS
import Foundation
import Testing

struct ProductShape: Sendable, CustomTestStringConvertible {
  let m: Int
  let n: Int
  let k: Int
  var testDescription: String { "\(m)x\(n)x\(k)" }
}

private let shapes = [
  ProductShape(m: 1, n: 1, k: 1), ProductShape(m: 3, n: 5, k: 7), ProductShape(m: 12, n: 32, k: 4),
  ProductShape(m: 13, n: 33, k: 257), ProductShape(m: 150, n: 70, k: 300),
  ProductShape(m: 20, n: 800, k: 30), ProductShape(m: 1, n: 64, k: 512),
  ProductShape(m: 64, n: 1, k: 3),
]

private typealias SGEMM = (
  Int32, Int32, Int, Int, Int, Float, UnsafePointer<Float>, Int, UnsafePointer<Float>, Int, Float,
  UnsafeMutablePointer<Float>, Int
) -> Void
private typealias DGEMM = (
  Int32, Int32, Int, Int, Int, Double, UnsafePointer<Double>, Int, UnsafePointer<Double>, Int,
  Double, UnsafeMutablePointer<Double>, Int
) -> Void

@Suite struct BLASTests {
  @Test func theLoaderDescribesItself() {
    let loaded = lumi_blas_load() == 1
    #expect(loaded == String(cString: lumi_blas_error()).isEmpty)
    #expect(loaded == !String(cString: lumi_blas_library_path()).isEmpty)
    #expect(loaded == (String(cString: lumi_blas_core_name()) != "fallback"))
    #expect(loaded == String(cString: lumi_blas_config()).contains("OpenBLAS"))
    #expect(lumi_blas_load() == (loaded ? 1 : 0))
  }

  /// Both products against sums in double, with row distances larger than the rows, every
  /// transposition, and elements beyond the rows that must stay untouched.
  @Test(arguments: shapes, [(0, 0), (0, 1), (1, 0), (1, 1)])
  func singleProducts(_ shape: ProductShape, _ transposed: (Int32, Int32)) {
    let products: [SGEMM] = [lumi_sgemm, lumi_sgemm_fallback]
    for product in products {
      checkProduct(shape, transposed, tolerance: 0x1p-23, Float.self) {
        a, lda, b, ldb, c, ldc, alpha, beta in
        product(
          transposed.0, transposed.1, shape.m, shape.n, shape.k, alpha, a, lda, b, ldb, beta, c,
          ldc)
      }
    }
  }

  @Test(arguments: shapes, [(0, 0), (0, 1), (1, 0), (1, 1)])
  func doubleProducts(_ shape: ProductShape, _ transposed: (Int32, Int32)) {
    let products: [DGEMM] = [lumi_dgemm, lumi_dgemm_fallback]
    for product in products {
      checkProduct(shape, transposed, tolerance: 0x1p-51, Double.self) {
        a, lda, b, ldb, c, ldc, alpha, beta in
        product(
          transposed.0, transposed.1, shape.m, shape.n, shape.k, alpha, a, lda, b, ldb, beta, c,
          ldc)
      }
    }
  }

  @Test func betaZeroDoesNotReadTheResult() {
    let products: [SGEMM] = [lumi_sgemm, lumi_sgemm_fallback]
    for product in products {
      var c = [Float](repeating: .nan, count: 4)
      product(0, 0, 2, 2, 1, 1, [1, 2], 1, [3, 4], 2, 0, &c, 2)
      #expect(c == [3, 4, 6, 8])
    }
  }

  @Test func emptySizesOnlyScale() {
    let products: [SGEMM] = [lumi_sgemm, lumi_sgemm_fallback]
    for product in products {
      var c: [Float] = [1, 2, 3, 4]
      product(0, 0, 2, 2, 0, 1, [0], 0, [0], 2, 0.5, &c, 2)
      #expect(c == [0.5, 1, 1.5, 2])
      product(0, 0, 0, 2, 3, 1, [0], 3, [0], 2, 0, &c, 2)
      #expect(c == [0.5, 1, 1.5, 2])
    }
  }

  @Test func concurrentProductsAgree() {
    var generator = SplitMix(seed: 8)
    let size = 96
    let a = (0..<(size * size)).map { _ in generator.nextFloat() - 0.5 }
    let results = UnsafeMutablePointer<Float>.allocate(capacity: 8 * size * size)
    defer { results.deallocate() }
    nonisolated(unsafe) let output = results
    DispatchQueue.concurrentPerform(iterations: 8) { part in
      let c = output + part * size * size
      lumi_sgemm(0, 1, size, size, size, 1, a, size, a, size, 0, c, size)
    }
    for part in 1..<8 {
      #expect(memcmp(results, results + part * size * size, 4 * size * size) == 0)
    }
  }
}

private typealias Product<Scalar> = (
  _ a: UnsafePointer<Scalar>, _ lda: Int, _ b: UnsafePointer<Scalar>, _ ldb: Int,
  _ c: UnsafeMutablePointer<Scalar>, _ ldc: Int, _ alpha: Scalar, _ beta: Scalar
) -> Void

private func checkProduct<Scalar: BinaryFloatingPoint>(
  _ shape: ProductShape, _ transposed: (Int32, Int32), tolerance: Double, _: Scalar.Type,
  _ product: Product<Scalar>
) {
  let (m, n, k) = (shape.m, shape.n, shape.k)
  var generator = SplitMix(seed: UInt64(m * 1_000_000 + n * 1000 + k))
  func random(_ count: Int) -> [Scalar] {
    (0..<count).map { _ in Scalar(generator.nextFloat() - 0.5) }
  }
  let lda = (transposed.0 == 0 ? k : m) + 2
  let ldb = (transposed.1 == 0 ? n : k) + 3
  let ldc = n + 1
  let a = random(lda * (transposed.0 == 0 ? m : k))
  let b = random(ldb * (transposed.1 == 0 ? k : n))
  let before = random(ldc * m)
  let (alpha, beta) = (Scalar(1.25), Scalar(-0.5))
  var c = before
  product(a, lda, b, ldb, &c, ldc, alpha, beta)

  var worst = 0.0
  for i in 0..<m {
    for j in 0..<n {
      var sum = 0.0
      for p in 0..<k {
        let left = transposed.0 == 0 ? a[i * lda + p] : a[p * lda + i]
        let right = transposed.1 == 0 ? b[p * ldb + j] : b[j * ldb + p]
        sum += Double(left) * Double(right)
      }
      let expected = Double(alpha) * sum + Double(beta) * Double(before[i * ldc + j])
      worst = max(worst, abs(Double(c[i * ldc + j]) - expected))
    }
    #expect(c[i * ldc + n] == before[i * ldc + n])
  }
  #expect(worst <= tolerance * (2 + Double(k)))
}
