import LumiTensor

extension SimilarityTransform {
  /// The motion that takes points onto others with the least weighted sum of squared distances.
  ///
  /// S. Umeyama, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns",
  /// 1991. The rotation is found as the unit quaternion of B. Horn, "Closed-form Solution of Absolute
  /// Orientation using Unit Quaternions", 1987, the eigenvector of a 4×4 matrix: the same optimum as
  /// Umeyama's, a proper rotation also where a mirror image would fit better, and with derivatives
  /// of any order with respect to points and weights.
  ///
  /// It cannot: say which rotation is meant where several are best, such as for points on a line. One
  /// of them is returned then, and its derivative is finite.
  ///
  /// - Parameters:
  ///   - source: [N, 3].
  ///   - target: [N, 3]; row i belongs to row i of the source.
  ///   - weights: [N], 0 or more, not all 0; nil for equal ones.
  ///   - scaled: whether to find a scale; else it is 1.
  /// - Throws: ``SceneError`` for shapes, numbers or weights that cannot be used, and with `scaled`
  ///   if all points of the source are at one place.
  public static func fitting(
    _ source: Tensor, to target: Tensor, weights: Tensor? = nil, scaled: Bool = false
  ) throws -> SimilarityTransform {
    try check(source, target, weights)
    let (x, y) = (source.cast(to: .float64), target.cast(to: .float64))
    let plain = weights?.cast(to: .float64) ?? .ones([x.shape[0]], dtype: .float64)
    let share = (plain / plain.sum()).expandingDims(at: 1)
    let (xMiddle, yMiddle) = ((share * x).sum(axis: 0), (share * y).sum(axis: 0))
    let (from, to) = (x - xMiddle, y - yMiddle)
    let spread = (share * from.square()).sum()
    guard !scaled || spread.value > 0 else {
      throw SceneError(
        field: "source", expected: "points at different places", actual: "all at one place")
    }
    let correlation = (share * from).transposed().matmul(to).reshaped([1, 9])
    let (values, vectors) = correlation.matmul(Self.quaternionForm).reshaped([4, 4])
      .symmetricEigen()
    let rotation = Rotation.matrix(quaternion: vectors.slice(axis: 1, from: 3, to: 4).reshaped([4]))
    // The largest value is Σ w y·Rx, which Umeyama writes as tr(DS). Below 0 it would mirror.
    let scale = scaled ? values[3].clamped(min: 0) / spread : .ones([], dtype: .float64)
    let result = SimilarityTransform(
      scale: scale, rotation: rotation,
      translation: yMiddle - scale * xMiddle.transformed(by: rotation))
    return result.mapParameters { $1.cast(to: source.dtype) }
  }

  /// Horn's symmetric matrix as a linear function [9, 16] of the correlation's rows.
  private static let quaternionForm: Tensor = {
    let (xx, xy, xz, yx, yy, yz, zx, zy, zz) = (0, 1, 2, 3, 4, 5, 6, 7, 8)
    let entries: [[(Int, Double)]] = [
      [(xx, 1), (yy, 1), (zz, 1)], [(yz, 1), (zy, -1)], [(zx, 1), (xz, -1)], [(xy, 1), (yx, -1)],
      [(yz, 1), (zy, -1)], [(xx, 1), (yy, -1), (zz, -1)], [(xy, 1), (yx, 1)], [(zx, 1), (xz, 1)],
      [(zx, 1), (xz, -1)], [(xy, 1), (yx, 1)], [(yy, 1), (xx, -1), (zz, -1)], [(yz, 1), (zy, 1)],
      [(xy, 1), (yx, -1)], [(zx, 1), (xz, 1)], [(yz, 1), (zy, 1)], [(zz, 1), (xx, -1), (yy, -1)],
    ]
    var form = [Double](repeating: 0, count: 9 * 16)
    for (entry, terms) in entries.enumerated() {
      for (row, factor) in terms { form[row * 16 + entry] = factor }
    }
    return Tensor(form, shape: [9, 16])
  }()

  private static func check(_ source: Tensor, _ target: Tensor, _ weights: Tensor?) throws {
    try checkExtents("source", source, [nil, 3], source.dtype)
    try checkExtents("target", target, [source.shape[0], 3], source.dtype)
    try checkFinite("source", source)
    try checkFinite("target", target)
    guard source.shape[0] > 0 else {
      throw SceneError(field: "source", expected: "at least one point", actual: "0")
    }
    guard let weights else { return }
    try checkExtents("weights", weights, [source.shape[0]], source.dtype)
    try checkFinite("weights", weights)
    let numbers = weights.scalars(as: Double.self)
    if let wrong = numbers.firstIndex(where: { $0 < 0 }) {
      throw SceneError(
        field: "weights", index: wrong, expected: "0 or more", actual: "\(numbers[wrong])")
    }
    guard numbers.contains(where: { $0 > 0 }) else {
      throw SceneError(field: "weights", expected: "one above 0", actual: "zeros")
    }
  }
}
