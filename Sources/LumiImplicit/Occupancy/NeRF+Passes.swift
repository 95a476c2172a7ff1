import LumiRendering
import LumiScene
import LumiTensor

// The two passes along rays.

extension NeRF {
  /// One pass along rays.
  struct Pass {
    /// [R, S], from near to far.
    let distances: Tensor
    let weights: RayWeights
    /// [R, S, C].
    let colors: Tensor

    func picture(_ rays: PixelRays, _ background: Tensor, far: Double) -> RayPicture {
      RayPicture(
        weights, colors: colors, depths: distances * rays.depthPerDistance.expandingDims(at: 1),
        background: background, backgroundDepth: far)
    }
  }

  struct Passes {
    /// The first pass, where its picture is wanted.
    let coarse: Pass?
    /// Distances of the importance samples, [R, importanceSamples]; nil without.
    let added: Tensor?
    let fine: Pass
  }

  /// Draws rays; those that miss the bounds show the background.
  func picture(
    _ scene: Scene<ImplicitShape>, _ rays: PixelRays, seenAlong directions: Tensor,
    numbers: Numbers, drawsCoarse: Bool, far: Double
  ) -> RayPicture {
    let isHit = visiblePart(of: scene.shape, rays).isHit
    let count = isHit.count
    let flags = isHit.scalars(as: Bool.self)
    let hits = flags.indices.filter { flags[$0] }
    let columns = scene.background.count * (drawsCoarse ? 2 : 1)
    let background =
      drawsCoarse
      ? Tensor.concatenate([scene.background, scene.background], axis: 0) : scene.background
    let nothing = RayPicture(
      color: background.reshaped([1, columns]), alpha: .zeros([1], dtype: scene.dtype),
      depth: .full([1], far, dtype: scene.dtype))
    guard !hits.isEmpty else {
      return nothing.gathered(Tensor([Int64](repeating: 0, count: count)))
    }
    let isWhole = hits.count == count
    let rows = Tensor(hits.map(Int64.init))
    func some(_ tensor: Tensor) -> Tensor { isWhole ? tensor : tensor.gather(rows) }
    let chosen = isWhole ? rays : PixelRays(tensors: rays.tensors.map(some))
    let passes = passes(
      scene.shape, chosen, seenAlong: some(directions),
      numbers: Numbers(
        offsets: numbers.offsets.map(some), shares: numbers.shares.map(some),
        noise: numbers.noise.map { (some($0.coarse), some($0.fine)) }),
      drawsCoarse: drawsCoarse)
    var picture = passes.fine.picture(chosen, scene.background, far: far)
    if drawsCoarse {
      let coarse = passes.coarse!.picture(chosen, scene.background, far: far)
      picture = RayPicture(
        color: .concatenate([picture.color, coarse.color], axis: 1), alpha: picture.alpha,
        depth: picture.depth)
    }
    guard !isWhole else { return picture }
    var next: Int64 = 0
    let places = flags.map { isHit -> Int64 in
      guard isHit else { return Int64(hits.count) }
      defer { next += 1 }
      return next
    }
    return picture.followed(by: nothing).gathered(Tensor(places))
  }

  private func visiblePart(of shape: ImplicitShape, _ rays: PixelRays) -> RayInterval {
    RayInterval(of: rays.rays, in: shape.bounds).intersection(rays.visible)
  }

  /// Both passes along rays that all meet the bounds.
  func passes(
    _ shape: ImplicitShape, _ rays: PixelRays, seenAlong directions: Tensor, numbers: Numbers,
    drawsCoarse: Bool
  ) -> Passes {
    let part = Part(visiblePart(of: shape, rays))
    let regular = coarseDistances(part, offsets: numbers.offsets)
    let (coarseField, fineField) = fields(of: shape)
    guard importanceSamples > 0 else {
      let pass = pass(
        fineField, rays, seenAlong: directions, distances: regular, part,
        noise: numbers.noise?.coarse)
      return Passes(coarse: nil, added: nil, fine: pass)
    }
    var coarse: Pass?
    let placing: Tensor
    if drawsCoarse {
      let drawn = pass(
        coarseField, rays, seenAlong: directions, distances: regular, part,
        noise: numbers.noise?.coarse)
      (coarse, placing) = (drawn, drawn.weights.samples)
    } else {
      // Only placing samples: nothing to remember for a gradient.
      let constant = regular.stoppingGradient()
      let field = coarseField.mapParameters { $1.stoppingGradient() }
      let values = field.values(at: rays.constant.points(at: constant)).reshaped(constant.shape)
      placing =
        weights(
          of: rectified(values, noise: numbers.noise?.coarse),
          lengths: lengths(of: constant, part.constant)
        ).samples
    }
    let added = importanceDistances(part, regular, weights: placing, shares: numbers.shares)
    let fine = pass(
      fineField, rays, seenAlong: directions,
      distances: ImportanceSampling.merged(regular, added), part, noise: numbers.noise?.fine)
    return Passes(coarse: coarse, added: added, fine: fine)
  }

  private func fields(of shape: ImplicitShape) -> (any ImplicitField, any ImplicitField) {
    (shape.field as? CoarseToFineField).map { ($0.coarse, $0.fine) } ?? (shape.field, shape.field)
  }

  private func pass(
    _ field: any ImplicitField, _ rays: PixelRays, seenAlong directions: Tensor,
    distances: Tensor, _ part: Part, noise: Tensor?
  ) -> Pass {
    let shape = distances.shape
    let points = rays.points(at: distances)
    let found = field.samples(at: points, withGradients: field.colorsNeedGradients)
    let along = directions.expandingDims(at: 1).broadcast(to: shape + [3]).reshaped([-1, 3])
    let colors = ImplicitShape(field).colors(at: points, samples: found, directions: along)
    return Pass(
      distances: distances,
      weights: weights(
        of: rectified(found.values.reshaped(shape), noise: noise),
        lengths: lengths(of: distances, part)),
      colors: colors.reshaped(shape + [-1]))
  }

  /// Densities that count: at least 0, and no more than makes infinities, whose differences are not
  /// numbers.
  private func rectified(_ values: Tensor, noise: Tensor?) -> Tensor {
    (noise.map { values + $0 } ?? values).clamped(max: 1e12).relu()
  }
}

extension PixelRays {
  fileprivate var constant: PixelRays { PixelRays(tensors: tensors.map { $0.stoppingGradient() }) }

  /// [R·S, 3] at distances [R, S].
  fileprivate func points(at distances: Tensor) -> Tensor {
    RaySamples(along: rays, distances: distances, lengths: distances).positions.reshaped([-1, 3])
  }
}

extension RayPicture {
  private var tensors: [Tensor] { [color, alpha, depth] }

  private init(tensors: [Tensor]) {
    self.init(color: tensors[0], alpha: tensors[1], depth: tensors[2])
  }

  fileprivate func gathered(_ rows: Tensor) -> RayPicture {
    RayPicture(tensors: tensors.map { $0.gather(rows) })
  }

  fileprivate func followed(by other: RayPicture) -> RayPicture {
    RayPicture(tensors: zip(tensors, other.tensors).map { Tensor.concatenate([$0, $1]) })
  }
}
