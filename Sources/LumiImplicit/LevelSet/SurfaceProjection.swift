import LumiRendering
import LumiScene
import LumiTensor

/// Points on the zero level set of a signed distance, by projecting a grid along normals: the first
/// part of autolabeling (``AutolabelingRenderer``).
///
///     p' = p - f(p) n,  n = ∇f/|∇f| held constant,  for grid points p with |f(p)| < band
///
/// Derivatives reach the field through the factor f alone, dp'/df = -n, which is how a level set of
/// a true distance moves. It cannot: find parts thinner than the grid's spacing, nor make points
/// where the field gives none within the band, and one step is exact for true distances only.
public struct SurfaceProjection: Sendable {
  /// Grid points along an axis of the cube around the bounds.
  public var density: Int
  /// How far from the surface a grid point may be, in half sides of that cube.
  public var band: Double
  /// How often a point is projected. All but the last are constant, so that the derivative is taken
  /// where |f| is smaller.
  public var steps: Int

  /// The published values: 30 points along an axis, a band of 0.03, one step.
  public init(density: Int = 30, band: Double = 0.03, steps: Int = 1) {
    self.density = density
    self.band = band
    self.steps = steps
  }

  /// The grid [density³, 3] over the cube around bounds, the first axis slowest. Every second point
  /// in this order is shifted by 1/density half sides along x and y.
  public func places(in bounds: FieldBounds, dtype: DType = .float32) -> Tensor {
    let (centre, half) = bounds.cube
    let spacing = density > 1 ? 2 / Double(density - 1) : 0
    var numbers: [Double] = []
    numbers.reserveCapacity(3 * density * density * density)
    for i in 0..<density {
      for j in 0..<density {
        for k in 0..<density {
          let isOdd = (numbers.count / 3) % 2 == 1
          let shift = isOdd ? 1 / Double(density) : 0
          let unit = SIMD3(
            Double(i) * spacing - 1 + shift, Double(j) * spacing - 1 + shift,
            Double(k) * spacing - 1)
          let place = centre + half * unit
          numbers += [place.x, place.y, place.z]
        }
      }
    }
    return Tensor(numbers, shape: [numbers.count / 3, 3]).cast(to: dtype)
  }

  /// The surface points of a field within bounds; maybe none.
  ///
  /// The grid is evaluated without spatial gradients and without recording; both are for the few
  /// points of the band.
  ///
  /// - Parameters:
  ///   - field: a signed distance.
  ///   - bounds: what lies outside is left out.
  public func points(on field: any ImplicitField, in bounds: FieldBounds) -> SurfacePoints {
    let constant = field.frozen()
    var near = nearPlaces(constant, bounds)
    for _ in 1..<max(steps, 1) {
      near = SurfacePoints(projecting: near, onto: constant, slopesFrom: constant).points
    }
    let projected = SurfacePoints(projecting: near, onto: field, slopesFrom: constant)
    return projected.rows { bounds.contains($0) }
  }

  /// Grid points with |f| < band, in blocks that bound the memory of wide networks.
  private func nearPlaces(_ field: any ImplicitField, _ bounds: FieldBounds) -> Tensor {
    let places = places(in: bounds, dtype: field.dtype)
    let limit = band * bounds.cube.half
    let block = 1 << 16
    var kept: [Int64] = []
    for start in stride(from: 0, to: places.shape[0], by: block) {
      let end = min(start + block, places.shape[0])
      let values = field.values(at: places.slice(axis: 0, from: start, to: end))
      for (index, value) in values.stoppingGradient().scalars(as: Double.self).enumerated()
      where value.magnitude < limit {
        kept.append(Int64(start + index))
      }
    }
    return places.gather(Tensor(kept))
  }
}

/// Points of a surface with their normals.
public struct SurfacePoints: Sendable {
  /// [N, 3].
  public var points: Tensor
  /// [N, 3], unit length, outwards; constant to derivatives of a field. Zero where a field has no
  /// slope.
  public var normals: Tensor

  public init(points: Tensor, normals: Tensor) {
    require(
      points.rank == 2 && points.shape[1] == 3 && normals.shape == points.shape
        && normals.dtype == points.dtype,
      "SurfacePoints: points \(points.shape), normals \(normals.shape), expected both [N, 3]")
    self.points = points
    self.normals = normals
  }

  /// One projection of places [N, 3].
  init(
    projecting places: Tensor, onto field: any ImplicitField,
    slopesFrom constant: any ImplicitField
  ) {
    let samples = constant.samples(at: places, withGradients: true)
    let normals = samples.gradients!.stoppingGradient().unitVectors()
    let values = field.values(at: places)
    self.init(points: places - values.expandingDims(at: 1) * normals, normals: normals)
  }

  public var count: Int { points.shape[0] }

  /// Those whose places pass a test; points that are not finite never do.
  func rows(where holds: (SIMD3<Double>) -> Bool) -> SurfacePoints {
    let places = points3(points.stoppingGradient())
    let kept = places.indices.filter {
      places[$0].x.isFinite && places[$0].y.isFinite && places[$0].z.isFinite && holds(places[$0])
    }
    guard kept.count < places.count else { return self }
    return gather(Tensor(kept.map(Int64.init)))
  }

  /// Some of the points, by their rows, int64 [M].
  public func gather(_ rows: Tensor) -> SurfacePoints {
    SurfacePoints(points: points.gather(rows), normals: normals.gather(rows))
  }

  /// Those that face an eye: n·(p - eye) < 0. The test has no derivative.
  ///
  /// - Parameter eye: [3].
  public func facing(_ eye: Tensor) -> SurfacePoints {
    let towards = (points - eye).stoppingGradient().dot(normals.stoppingGradient())
    let values = towards.scalars(as: Double.self)
    return gather(Tensor(values.indices.filter { values[$0] < 0 }.map(Int64.init)))
  }

  /// Normalised object coordinates (NOCS) as colours [N, 3]: bounds' cube as [0, 1]³.
  ///
  /// H. Wang et al., "Normalized Object Coordinate Space for Category-Level 6D Object Pose and Size
  /// Estimation", CVPR 2019.
  public func objectCoordinates(in bounds: FieldBounds) -> Tensor {
    let (centre, half) = bounds.cube
    return (points - Tensor(centre, dtype: points.dtype)) / (2 * half) + 0.5
  }
}

extension FieldBounds {
  /// The smallest cube around, by its centre and half its side.
  var cube: (centre: SIMD3<Double>, half: Double) {
    let (lower, upper) = box
    return ((lower + upper) / 2, (upper - lower).max() / 2)
  }

  /// Whether a point lies inside; rounding at the border does not count.
  func contains(_ point: SIMD3<Double>) -> Bool {
    let slack = 1e-6 * cube.half
    switch self {
    case .ball(let centre, let radius):
      let apart = point - centre
      return (apart * apart).sum() <= (radius + slack) * (radius + slack)
    case .box(let lower, let upper):
      let low = point - (lower - slack)
      let high = (upper + slack) - point
      return min(low.min(), high.min()) >= 0
    }
  }
}
