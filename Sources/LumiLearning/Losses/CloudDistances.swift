import LumiTensor

// Other distances between clouds by nearest points: the largest, and one that counts how often a
// point is the nearest. As in the Chamfer distance, the pairs are held fixed by the derivative.

extension Loss {
  /// The directed Hausdorff distance: the largest distance from a point x to its nearest point y. Its
  /// derivative moves that one pair; of equal ones the first.
  ///
  /// - Parameters:
  ///   - x: [N, D] with N at least 1.
  ///   - y: [M, D] with M at least 1.
  public static func directedHausdorff(from x: Tensor, to y: Tensor) -> Tensor {
    require(x.shape.first ?? 0 > 0, "hausdorff: no points, shape \(x.shape)")
    return farthestPair(x, y, nearestNeighbours(of: x, in: y))
  }

  /// The Hausdorff distance: the larger of both directions.
  public static func hausdorff(_ x: Tensor, _ y: Tensor) -> Tensor {
    let nearest = mutualNearest("hausdorff", x, y)
    let (there, back) = (farthestPair(x, y, nearest.ofX), farthestPair(y, x, nearest.ofY))
    return there.value >= back.value ? there : back
  }

  private static func farthestPair(_ x: Tensor, _ y: Tensor, _ nearest: Tensor) -> Tensor {
    let plain = x.stoppingGradient() - y.stoppingGradient().gather(nearest)
    let row = plain.norm(axis: -1).argmax(axis: 0).reshaped([1])
    return (x.gather(row) - y.gather(nearest.gather(row))).norm(axis: -1).reshaped([])
  }

  /// The density-aware Chamfer distance: half of mean(1 - N/(M n) e^(-α d)) over the N points x, d
  /// being the distance to the nearest of the M points y and n how many points x have that one, and
  /// half of the same from y to x. From 0 to 1 for clouds of one size.
  ///
  /// T. Wu et al., "Density-aware Chamfer Distance as a Comprehensive Metric for Point Cloud
  /// Completion", NeurIPS 2021. The paper's d is the distance; its program squares it, which is the
  /// default here. The counts n have no derivative.
  ///
  /// - Parameters:
  ///   - x: [N, D] with N at least 1.
  ///   - y: [M, D] with M at least 1.
  ///   - alpha: per unit of distance (squared if that is chosen); 1000 as published, for clouds of
  ///     about unit size.
  ///   - countPower: n is raised to this power; 1 by default.
  ///   - distance: squared by default.
  public static func densityAwareChamfer(
    _ x: Tensor, _ y: Tensor, alpha: Double = 1000, countPower: Double = 1,
    distance: PointDistance = .squared
  ) -> Tensor {
    let nearest = mutualNearest("densityAwareChamfer", x, y)
    func oneSided(_ x: Tensor, _ y: Tensor, _ nearest: Tensor) -> Tensor {
      var counts = [Double](repeating: 0, count: y.shape[0])
      let places = nearest.scalars(as: Int32.self)
      for place in places { counts[Int(place)] += 1 }
      let share = Double(x.shape[0]) / Double(y.shape[0])
      let weights = Tensor(places.map { counts[Int($0)] }).cast(to: x.dtype).pow(-countPower)
      return (1 - share * weights * (-alpha * distance(x - y.gather(nearest))).exp()).mean()
    }
    return 0.5 * (oneSided(x, y, nearest.ofX) + oneSided(y, x, nearest.ofY))
  }
}
