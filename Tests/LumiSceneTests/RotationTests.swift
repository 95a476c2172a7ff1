import Foundation
import LumiScene
import LumiTensor
import Testing

/// Angles on both sides of every threshold between series and closed form.
private let lengths = [0, 1e-9, 1e-4, 0.09, 0.19, 0.49, 0.51, 0.999, 1.001, 2, 3.1]

private func vector(_ length: Double) -> Tensor { doubles([0.48, -0.6, 0.64]) * length }

/// Rodrigues' formula in plain numbers.
private func rodrigues(_ axis: [Double], _ angle: Double) -> [Double] {
  let (c, s) = (cos(angle), sin(angle))
  let (x, y, z) = (axis[0], axis[1], axis[2])
  return [
    c + x * x * (1 - c), x * y * (1 - c) - z * s, x * z * (1 - c) + y * s,
    y * x * (1 - c) + z * s, c + y * y * (1 - c), y * z * (1 - c) - x * s,
    z * x * (1 - c) - y * s, z * y * (1 - c) + x * s, c + z * z * (1 - c),
  ]
}

@Test(arguments: lengths)
func exponentialOfRotationVector(length: Double) {
  let expected = doubles(rodrigues([0.48, -0.6, 0.64], length), [3, 3])
  #expect(difference(Rotation.exponential(vector(length)), expected) < 1e-14)
  let axisAngle = Rotation.matrix(axis: vector(2.5), angle: Tensor(length, dtype: .float64))
  #expect(difference(axisAngle, expected) < 1e-14)
  let quaternion = Rotation.quaternion(vector: vector(length))
  #expect(difference(Rotation.matrix(quaternion: quaternion), expected) < 1e-14)
}

@Test(arguments: lengths)
func logarithmInvertsExponential(length: Double) {
  let v = vector(length)
  #expect(difference(Rotation.logarithm(Rotation.exponential(v)), v) < 1e-13)
  let (axis, angle) = Rotation.axisAngle(matrix: Rotation.exponential(v))
  #expect(abs(angle.value - length) < 1e-13)
  #expect(difference(axis * angle.expandingDims(at: -1), v) < 1e-13)
}

@Test(arguments: [1e-3, 1e-6, 1e-9, 0])
func logarithmNearHalfTurn(below: Double) {
  for axis in [[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.48, -0.6, 0.64], [-0.6, 0, 0.8]] {
    let v = doubles(axis) * (.pi - below)
    let result = Rotation.logarithm(Rotation.exponential(v))
    // At π itself v and -v are the same rotation.
    #expect(
      min(difference(result, v), below == 0 ? difference(-result, v) : .infinity) < 1e-9)
    let back = Rotation.exponential(result)
    #expect(difference(back, Rotation.exponential(v)) < 1e-14)
  }
}

@Test(arguments: lengths)
func exponentialDerivatives(length: Double) throws {
  let weights = doubles((0..<9).map { 0.3 + 0.17 * Double($0 * $0 % 7) }, [3, 3])
  func scalar(_ v: Tensor) -> Tensor { (Rotation.exponential(v) * weights).sum() }
  try checkGradients(at: [vector(length)]) { scalar($0[0]) }
  try checkGradients(at: [vector(length)], tolerance: 1e-5) { x in
    gradient(at: x[0], of: scalar)
  }
}

@Test func exponentialDerivativesAtZeroAreExact() {
  // exp(v) = I + K + K²/2 + …: row i of the gradient of (x, y) entry and the Hessian of K².
  let zero = Tensor.zeros([3], dtype: .float64)
  func entry(_ v: Tensor) -> Tensor { Rotation.exponential(v)[0, 1] }
  #expect(gradient(at: zero, of: entry).scalars(as: Double.self) == [0, 0, -1])
  // (K²)₀₁ = x y, so that ½ K² has the mixed derivative ½.
  let row = gradient(at: zero) { v in gradient(at: v, of: entry)[0] }
  #expect(row.scalars(as: Double.self) == [0, 0.5, 0])
  // (K²)₀₀ = -(y² + z²).
  let diagonal = gradient(at: zero) { v in
    gradient(at: v) { Rotation.exponential($0)[0, 0] }[1]
  }
  #expect(diagonal.scalars(as: Double.self) == [0, -1, 0])
}

@Test(arguments: [0, 1e-7, 0.1, 0.2, 1.5, 3])
func logarithmDerivatives(length: Double) throws {
  // log ∘ exp is the identity: first derivative I, second 0.
  for component in 0..<3 {
    func f(_ v: Tensor) -> Tensor {
      Rotation.logarithm(Rotation.exponential(v))[.index(component)]
    }
    let slope = gradient(at: vector(length), of: f)
    let unit = doubles((0..<3).map { $0 == component ? 1 : 0 })
    #expect(difference(slope, unit) < 1e-12)
    let curvature = gradient(at: vector(length)) { v in
      (gradient(at: v, of: f) * doubles([0.7, -0.4, 0.9])).sum()
    }
    #expect(difference(curvature, .zeros([3], dtype: .float64)) < 1e-9)
  }
}

@Test func batchesMatchSingles() {
  var random = RandomGenerator(seed: 4)
  let vectors = random.normal([2, 5, 3], dtype: .float64)
  let matrices = Rotation.exponential(vectors)
  #expect(matrices.shape == [2, 5, 3, 3])
  let back = Rotation.logarithm(matrices)
  let six = Rotation.matrix(sixNumbers: Rotation.sixNumbers(matrix: matrices))
  let quaternions = Rotation.quaternion(matrix: matrices)
  #expect(quaternions.shape == [2, 5, 4])
  #expect(difference(six, matrices) < 1e-14)
  #expect(difference(Rotation.matrix(quaternion: quaternions), matrices) < 1e-14)
  for i in 0..<2 {
    for j in 0..<5 {
      let single = Rotation.exponential(vectors[.index(i), .index(j)])
      #expect(difference(matrices[.index(i), .index(j)], single) < 1e-15)
      #expect(difference(Rotation.exponential(back)[.index(i), .index(j)], single) < 1e-13)
    }
  }
}

@Test(arguments: [
  [1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1e-9, 0.6, 0, 0.8],
  [0.5, 0.5, 0.5, 0.5], [0.1, -0.2, 0.95, 0.3], [0.9, 0.1, -0.3, 0.2],
])
func quaternionsOfEveryBranch(values: [Double]) throws {
  let unit = doubles(values).unitVectors()
  let matrix = Rotation.matrix(quaternion: doubles(values) * 3)
  #expect(difference(matrix.matmul(matrix.transposed()), .eye(3, dtype: .float64)) < 1e-14)
  #expect(abs(matrix.determinant().value - 1) < 1e-14)
  let back = Rotation.quaternion(matrix: matrix)
  #expect(back[0].value >= 0)
  // q and -q are the same rotation, of at most π.
  let vector = Rotation.vector(quaternion: doubles(values))
  #expect(vector.norm().value <= .pi)
  #expect(difference(Rotation.exponential(vector), matrix) < 1e-13)
  #expect(
    difference(Rotation.vector(quaternion: doubles(values) * -1), vector) < 1e-14
      || back[0].value < 1e-15)
  #expect(min(difference(back, unit), difference(-back, unit)) < 1e-14)
  try checkGradients(at: [doubles(values)]) { Rotation.matrix(quaternion: $0[0]) }
  try checkGradients(at: [matrix + 0.01]) {
    // Away from w = 0, where the sign is chosen.
    Rotation.matrix(quaternion: Rotation.quaternion(matrix: $0[0]))
  }
}

@Test func quaternionComponentsAreWXYZ() {
  let quarter = Rotation.quaternion(vector: doubles([0, 0, .pi / 2]))
  #expect(difference(quarter, doubles([sqrt(0.5), 0, 0, sqrt(0.5)])) < 1e-15)
  let turned = Rotation.matrix(quaternion: quarter).matmul(doubles([1, 0, 0]))
  #expect(difference(turned, doubles([0, 1, 0])) < 1e-15)
}

@Test func sixNumbersGiveRotations() throws {
  var random = RandomGenerator(seed: 9)
  let values = random.normal([7, 6], dtype: .float64)
  let matrices = Rotation.matrix(sixNumbers: values)
  let product = matrices.matmul(matrices.transposed())
  #expect(difference(product, Tensor.eye(3, dtype: .float64).broadcast(to: [7, 3, 3])) < 1e-13)
  #expect(difference(matrices.determinant(), .ones([7], dtype: .float64)) < 1e-13)
  try checkGradients(at: [values]) { Rotation.matrix(sixNumbers: $0[0]) }
}

@Test(arguments: [DType.float32, .float64])
func degenerateRotationsAreFinite(dtype: DType) {
  let zero4 = Tensor.zeros([4], dtype: dtype)
  let zero6 = Tensor.zeros([6], dtype: dtype)
  #expect(difference(Rotation.matrix(quaternion: zero4), .eye(3, dtype: dtype)) == 0)
  for (point, function) in [
    (zero4, { Rotation.matrix(quaternion: $0) }), (zero4, { Rotation.vector(quaternion: $0) }),
    (zero6, { Rotation.matrix(sixNumbers: $0) }),
    (Tensor.zeros([3, 3], dtype: dtype), { Rotation.logarithm($0) }),
    (Tensor([1.0, 2, 3, 2, 4, 6]).cast(to: dtype), { Rotation.matrix(sixNumbers: $0) }),
  ] as [(Tensor, (Tensor) -> Tensor)] {
    let (value, slope) = valueAndGradient(at: point, unreachable: .zeros) { function($0).sum() }
    #expect(allFinite(value) && allFinite(slope))
  }
}

@Test(arguments: lengths)
func rigidMotions(length: Double) throws {
  let twist = Tensor.concatenate([doubles([0.3, -1.2, 0.7]), vector(length)])
  let motion = RigidTransform.exponential(twist)
  #expect(difference(motion.logarithm(), twist) < 1e-12)
  // exp of a twist is the limit of many small steps.
  var steps = RigidTransform.exponential(twist / 1024)
  for _ in 0..<10 { steps = steps.followed(by: steps) }
  #expect(difference(steps.matrix, motion.matrix) < 1e-11)
  let point = doubles([0.2, 0.5, -0.9])
  let there = motion.applied(to: point)
  #expect(difference(motion.inverse.applied(to: there), point) < 1e-14)
  #expect(difference(RigidTransform(matrix: motion.matrix).applied(to: point), there) < 1e-15)
  #expect(
    difference(motion.followed(by: motion.inverse).matrix, .eye(4, dtype: .float64)) < 1e-14)
  try checkGradients(at: [twist]) { RigidTransform.exponential($0[0]).matrix }
  try checkGradients(at: [twist]) {
    RigidTransform.exponential($0[0]).logarithm() * doubles([1, 2, 3, 4, 5, 6])
  }
  try checkGradients(at: [twist], tolerance: 1e-5) { x in
    gradient(at: x[0]) { RigidTransform.exponential($0).applied(to: point)[0] }
  }
}

@Test func rigidMotionOfHalfTurnHasFiniteLogarithm() {
  let motion = RigidTransform.exponential(doubles([0.3, -1.2, 0.7, 0, .pi, 0]))
  let again = RigidTransform.exponential(motion.logarithm())
  #expect(difference(again.matrix, motion.matrix) < 1e-9)
}

@Test func lookAtPointsTheAxes() throws {
  let (eye, target) = (doubles([1, 2, 5]), doubles([0.5, 0, -1]))
  let pose = RigidTransform.lookAt(eye: eye, target: target, up: doubles([0, 1, 0]))
  let seen = pose.applied(to: target)
  #expect(abs(seen[0].value) < 1e-14 && abs(seen[1].value) < 1e-14 && seen[2].value > 0)
  #expect(difference(pose.applied(to: eye), .zeros([3], dtype: .float64)) < 1e-14)
  #expect(abs(pose.rotation.determinant().value - 1) < 1e-14)
  // Up is up: smaller rows. Seen from +z, world x is to the right.
  #expect(pose.applied(to: target + doubles([0, 1, 0]))[1].value < 0)
  #expect(pose.applied(to: target + doubles([1, 0, 0]))[0].value > 0)
  try checkGradients(at: [eye, target]) {
    RigidTransform.lookAt(eye: $0[0], target: $0[1], up: doubles([0, 1, 0])).matrix
  }
}

@Test(arguments: [
  ([0.0, 3, 0], [0.0, 0, 0], [0.0, 1, 0]), ([0, 0, 0], [0, 0, 0], [0, 1, 0]),
  ([0, 0, 2], [0, 0, 0], [0, 0, 0]), ([0, 0, 0], [0, 0, 2], [0, 0, 1]),
])
func degenerateLookAtIsStillARotation(eye: [Double], target: [Double], up: [Double]) {
  let pose = RigidTransform.lookAt(
    eye: doubles(eye), target: doubles(target), up: doubles(up))
  let product = pose.rotation.matmul(pose.rotation.transposed())
  #expect(difference(product, .eye(3, dtype: .float64)) < 1e-14)
  #expect(abs(pose.rotation.determinant().value - 1) < 1e-14)
  let slope = gradient(at: doubles(eye)) {
    RigidTransform.lookAt(eye: $0, target: doubles(target), up: doubles(up)).matrix.sum()
  }
  #expect(allFinite(slope))
}
