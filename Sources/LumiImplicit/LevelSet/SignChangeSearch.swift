import LumiTensor

/// Where rays enter a level set: evenly spaced samples, the first pair between which the values
/// change from outside to inside, and a refinement between the two.
///
/// Everything is found without the tape; what depends on parameters is up to ``ImplicitDistance``.
/// Parts thinner than the spacing of the samples may be missed.
struct SignChangeSearch {
  typealias Status = DifferentiableVolumetricRendering.Surface.Status

  /// Samples a ray, at least 2: both ends of its interval are among them.
  var samples: Int
  var refinement: DifferentiableVolumetricRendering.Refinement

  struct Result {
    /// Per ray.
    let statuses: [Status]
    /// int32 [H]: the rays that hit, in their order.
    let rays: Tensor
    /// [H]: where.
    let distances: Tensor
  }

  /// - Parameters:
  ///   - near: [R], constant.
  ///   - far: [R], constant. A ray whose far end is not behind the near one is a miss.
  ///   - values: gives the values [K, S] at distances [K, S] along the rays of rows int32 [K]; at
  ///     least 0 is inside.
  func callAsFunction(
    near: Tensor, far: Tensor, values: (_ distances: Tensor, _ rows: Tensor) -> Tensor
  ) -> Result {
    var statuses = [Status](repeating: .miss, count: near.count)
    let isOpen = (near .< far).scalars(as: Bool.self)
    let open = statuses.indices.filter { isOpen[$0] }.map { Int32($0) }
    var (rays, distances): ([Int32], [Tensor]) = ([], [])
    // A block's samples bound the memory.
    let block = max(1, (1 << 18) / samples)
    for start in stride(from: 0, to: open.count, by: block) {
      let rows = Tensor(Array(open[start..<min(start + block, open.count)]))
      let (status, hits, found) = search(rows, near.gather(rows), far.gather(rows), values)
      for (place, row) in rows.scalars(as: Int32.self).enumerated() {
        statuses[Int(row)] = status[place]
      }
      rays += hits.scalars(as: Int32.self)
      distances.append(found)
    }
    let none = Tensor.zeros([0], dtype: near.dtype)
    return Result(
      statuses: statuses, rays: Tensor(rays), distances: .concatenate(distances + [none]))
  }

  /// Evenly spaced distances, [R, samples].
  func proposals(near: Tensor, far: Tensor) -> Tensor {
    let share = Tensor.linspace(0, 1, samples, dtype: near.dtype).expandingDims(at: 0)
    return near.expandingDims(at: 1) + (far - near).expandingDims(at: 1) * share
  }

  /// Per ray: the first sample whose side is not that of the next one; -1 if there is none.
  ///
  /// - Parameter values: [R, samples].
  static func firstChange(_ values: Tensor) -> [Int] {
    let (count, samples) = (values.shape[0], values.shape[1])
    let isInside = (values .>= 0).scalars(as: Bool.self)
    return (0..<count).map { ray in
      let row = isInside[ray * samples..<(ray + 1) * samples]
      guard let first = row.firstIndex(of: !row.first!) else { return -1 }
      return first - row.startIndex - 1
    }
  }

  private func search(
    _ rows: Tensor, _ near: Tensor, _ far: Tensor, _ values: (Tensor, Tensor) -> Tensor
  ) -> (statuses: [Status], rays: Tensor, distances: Tensor) {
    let places = proposals(near: near, far: far)
    let found = values(places, rows)
    let begin = found.slice(axis: 1, from: 0, to: 1)
    let startsInside = (begin .>= 0).scalars(as: Bool.self)
    let first = Self.firstChange(found)
    let statuses = first.indices.map { ray -> Status in
      startsInside[ray] ? .inside : first[ray] >= 0 ? .hit : .miss
    }
    let hits = statuses.indices.filter { statuses[$0] == .hit }
    guard !hits.isEmpty else {
      return (statuses, Tensor([Int32]()), .zeros([0], dtype: near.dtype))
    }
    let at = Tensor(hits.map { Int32($0) })
    func end(_ all: Tensor, _ step: Int) -> Tensor {
      let columns = Tensor(hits.map { Int32(first[$0] + step) }).expandingDims(at: 1)
      return all.gather(at).takeAlong(columns, axis: 1).squeezed(axis: 1)
    }
    let bracket = Bracket(
      low: end(places, 0), high: end(places, 1), lowValue: end(found, 0),
      highValue: end(found, 1))
    let rays = rows.gather(at)
    return (
      statuses, rays,
      refine(bracket) { values($0.expandingDims(at: 1), rays).squeezed(axis: 1) }
    )
  }

  /// Where values change from below 0 to at least 0, [H] each.
  struct Bracket {
    var low: Tensor
    var high: Tensor
    var lowValue: Tensor
    var highValue: Tensor

    var middle: Tensor { low + (high - low) * 0.5 }

    /// The zero of the line between both ends; the middle where values are not finite.
    var chord: Tensor {
      let zero = low - lowValue * (high - low) / (highValue - lowValue)
      return Tensor.where(zero.isFinite(), zero, middle)
    }

    mutating func split(at distance: Tensor, value: Tensor) {
      let isOutside = value .< 0
      low = Tensor.where(isOutside, distance, low)
      lowValue = Tensor.where(isOutside, value, lowValue)
      high = Tensor.where(isOutside, high, distance)
      highValue = Tensor.where(isOutside, highValue, value)
    }
  }

  private func refine(_ start: Bracket, _ values: (Tensor) -> Tensor) -> Tensor {
    var bracket = start
    switch refinement {
    case .secant(let iterations):
      for _ in 0..<iterations {
        let next = bracket.chord
        bracket.split(at: next, value: values(next))
      }
      return bracket.chord
    case .bisection(let iterations):
      for _ in 0..<iterations {
        let next = bracket.middle
        bracket.split(at: next, value: values(next))
      }
      return bracket.middle
    }
  }
}
