import LumiScene
import LumiTensor

/// Points with their signed distances to the shapes of a family: what a shape prior learns from.
public struct DistanceSamples: Sendable {
  /// [S, M, 3].
  public let points: Tensor
  /// [S, M].
  public let distances: Tensor

  /// - Parameters:
  ///   - points: [S, M, 3]; M points of each of S shapes.
  ///   - distances: [S, M].
  public init(points: Tensor, distances: Tensor) {
    require(
      points.rank == 3 && points.shape[2] == 3 && distances.shape == Array(points.shape.prefix(2))
        && distances.dtype == points.dtype,
      "DistanceSamples: points \(points.shape), distances \(distances.shape), expected [S, M, 3]")
    self.points = points
    self.distances = distances
  }

  public var shapeCount: Int { points.shape[0] }
  public var countPerShape: Int { points.shape[1] }

  /// How points are spread.
  public struct Spread: Sendable {
    /// The share of points that fill the bounds evenly.
    public var uniformShare: Double
    /// Standard deviations of the others around the surface, equally often, in half sides of the
    /// cube around the bounds.
    public var deviations: [Double]

    /// - Parameters:
    ///   - uniformShare: published is 0.05; more of them teach small decoders what is far away.
    ///   - deviations: published are variances of 0.0025 and 0.00025.
    public init(uniformShare: Double = 0.2, deviations: [Double] = [0.05, 0.0158]) {
      require(
        (0...1).contains(uniformShare) && (uniformShare == 1 || !deviations.isEmpty)
          && deviations.allSatisfy { $0 >= 0 && $0.isFinite },
        "Spread: share \(uniformShare), deviations \(deviations)")
      self.uniformShare = uniformShare
      self.deviations = deviations
    }
  }

  /// Samples of fields of signed distances.
  ///
  /// Surface points are found by moving random points along slopes, so they are not spread evenly
  /// over the surface.
  ///
  /// - Parameters:
  ///   - fields: of one dtype.
  ///   - bounds: what uniform points fill.
  ///   - count: M, points a shape.
  ///   - spread: how they lie around the surface.
  ///   - seed: of the random numbers.
  /// - Throws: `SceneError` for no fields, or a field without a surface within the bounds.
  public init(
    of fields: [any ImplicitField], in bounds: FieldBounds = .ball(radius: 1), count: Int,
    spread: Spread = Spread(), seed: UInt64
  ) throws {
    let sampler = DistanceSampler(bounds: bounds, count: count, spread: spread)
    self = try sampler.samples(of: fields.count, seed: seed) { index, count, random in
      try sampler.surfacePoints(of: fields[index], count, named: "fields.\(index)", using: &random)
    } distances: { index, points in
      fields[index].values(at: points).stoppingGradient()
    }
  }

  /// Samples of watertight meshes, whose surface points are spread evenly over the area.
  ///
  /// - Parameters:
  ///   - meshes: of one dtype.
  ///   - bounds: what uniform points fill.
  ///   - count: M, points a shape.
  ///   - spread: how they lie around the surface.
  ///   - seed: of the random numbers.
  /// - Throws: `SceneError` for no meshes, or a mesh without a surface.
  public init(
    of meshes: [Mesh], in bounds: FieldBounds = .ball(radius: 1), count: Int,
    spread: Spread = Spread(), seed: UInt64
  ) throws {
    let sampler = DistanceSampler(bounds: bounds, count: count, spread: spread)
    self = try sampler.samples(of: meshes.count, seed: seed) { index, count, random in
      try meshes[index].sampleSurface(count, using: &random).points.stoppingGradient()
    } distances: { index, points in
      try meshes[index].signedDistances(to: points).stoppingGradient()
    }
  }

  /// What points seen on one surface say about distances nearby: 0 at the points, and ±`offset` as
  /// far along the normals, as DeepSDF completes shapes from depth.
  ///
  /// - Parameters:
  ///   - points: [N, 3].
  ///   - normals: [N, 3], unit length, outwards.
  ///   - offset: how far; less than half of the thinnest part.
  public init(surface points: Tensor, normals: Tensor, offset: Double) {
    let (along, zeros) = (normals * offset, Tensor.zeros([points.shape[0]], dtype: points.dtype))
    self.init(
      points: Tensor.concatenate([points, points + along, points - along]).expandingDims(at: 0),
      distances: Tensor.concatenate([zeros, zeros + offset, zeros - offset]).expandingDims(at: 0))
  }
}

/// Draws points around surfaces and in the space around them.
private struct DistanceSampler {
  let bounds: FieldBounds
  let count: Int
  let spread: DistanceSamples.Spread

  func samples(
    of shapes: Int, seed: UInt64,
    surface: (_ shape: Int, _ count: Int, _ random: inout RandomGenerator) throws -> Tensor,
    distances: (_ shape: Int, _ points: Tensor) throws -> Tensor
  ) throws -> DistanceSamples {
    guard shapes > 0, count > 0 else {
      throw SceneError(
        field: "shapes", expected: "at least one, with a point each",
        actual: "\(shapes) shapes, \(count) points")
    }
    var (allPoints, allDistances): ([Tensor], [Tensor]) = ([], [])
    for shape in 0..<shapes {
      var random = RandomGenerator(seed: seed, stream: UInt64(shape))
      let near = count - Int((Double(count) * spread.uniformShare).rounded())
      var parts: [Tensor] = []
      if near > 0 { parts.append(scattered(try surface(shape, near, &random), using: &random)) }
      if near < count { parts.append(uniform(count - near, using: &random)) }
      let dtype = parts[0].dtype
      let points = Tensor.concatenate(parts.map { $0.cast(to: dtype) })
      allPoints.append(points)
      allDistances.append(try distances(shape, points))
    }
    return DistanceSamples(points: .stack(allPoints), distances: .stack(allDistances))
  }

  /// Points moved by normal deviates, each deviation in turn.
  private func scattered(_ points: Tensor, using random: inout RandomGenerator) -> Tensor {
    let half = bounds.cube.half
    let scales = (0..<points.shape[0]).map {
      half * spread.deviations[$0 % spread.deviations.count]
    }
    let scale = Tensor(scales, shape: [scales.count, 1]).cast(to: points.dtype)
    return points + scale * random.normal(points.shape, dtype: points.dtype)
  }

  private func uniform(_ count: Int, using random: inout RandomGenerator) -> Tensor {
    let (lower, upper) = bounds.box
    let size = upper - lower
    var numbers: [Double] = []
    while numbers.count < 3 * count {
      let unit = SIMD3(
        Double.random(in: 0..<1, using: &random), Double.random(in: 0..<1, using: &random),
        Double.random(in: 0..<1, using: &random))
      let place = lower + size * unit
      guard bounds.contains(place) else { continue }
      numbers += [place.x, place.y, place.z]
    }
    return Tensor(numbers, shape: [count, 3]).cast(to: .float32)
  }

  func surfacePoints(
    of field: any ImplicitField, _ count: Int, named name: String,
    using random: inout RandomGenerator
  ) throws -> Tensor {
    let constant = field.frozen()
    var found: [Tensor] = []
    var missing = count
    for _ in 0..<8 where missing > 0 {
      var places = uniform(2 * missing, using: &random).cast(to: field.dtype)
      for _ in 0..<6 {
        places = SurfacePoints(projecting: places, onto: constant, slopesFrom: constant).points
      }
      let limit = 1e-3 * bounds.cube.half
      let values = constant.values(at: places).scalars(as: Double.self)
      let ends = points3(places)
      let good = values.indices.filter {
        values[$0].magnitude < limit && bounds.contains(ends[$0])
      }.prefix(missing)
      found.append(places.gather(Tensor(good.map(Int64.init))))
      missing -= good.count
    }
    guard missing == 0 else {
      throw SceneError(
        field: name, expected: "a surface within the bounds",
        actual: "\(count - missing) of \(count) points")
    }
    return .concatenate(found)
  }
}
