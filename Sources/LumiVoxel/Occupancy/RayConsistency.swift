import LumiRendering
import LumiScene
import LumiTensor

/// Differentiable Ray Consistency (survey 2.2, occupancy; Table 2: along rays, event probability).
///
/// Computes: for every ray the probability that it stops in each of the cells that it passes, or in
/// none, from the cells' probabilities to be empty; a picture is what is expected over these events.
/// Cells are met by exact traversal. To train from observations without a picture, ``EventCost``
/// gives every event a cost and ``RayConsistency/losses(emptiness:cells:cost:)`` what is expected of
/// it. The derivative is the plain one, without a division, so that it is right where cells are
/// empty or filled for certain.
///
/// Cannot: tell how far within a cell a ray stops; pictures are made of flat cells. The colour and
/// coverage of a ray do not change until it meets another cell, so the camera gets no useful
/// gradient from them (only from the depth). A ray that meets no cell costs nothing, whatever was
/// observed.
///
/// S. Tulsiani, T. Zhou, A. Efros, J. Malik, "Multi-view Supervision for Single-view Reconstruction
/// via Differentiable Ray Consistency", CVPR 2017.
public struct RayConsistency: Renderer {
  public static let method = MethodDescription(
    id: "voxel/drc", name: "Differentiable Ray Consistency", representation: .voxel,
    type: "occupancy",
    strengths: "a probability for every event of a ray; any observation becomes a cost",
    limits: "flat cells; no gradient of the camera from colour or coverage",
    citation: "Tulsiani, Zhou, Efros, Malik, CVPR 2017",
    claims: [.shape: .exact, .material: .exact])

  /// The depth that counts where a ray escapes, in world units. Published 10.
  public var backgroundDepth: Double
  /// The images to make: colour, alpha, depth.
  public var channels: Set<RenderChannel>

  /// - Parameters:
  ///   - backgroundDepth: 10 by default.
  ///   - channels: colour and alpha by default.
  public init(
    backgroundDepth: Double = 10, channels: Set<RenderChannel> = [.color, .alpha]
  ) {
    self.backgroundDepth = backgroundDepth
    self.channels = channels
  }

  public func render(_ scene: Scene<VoxelGrid>, from camera: Camera) throws -> RenderOutput {
    let id = Self.method.id
    try scene.checkGrid(
      for: camera, method: id, quantities: [.emptiness, .occupancy], placements: [.cells])
    guard backgroundDepth.isFinite else {
      throw RenderError.invalid(
        method: id, parameter: "backgroundDepth", expected: "a finite number",
        actual: "\(backgroundDepth)")
    }
    let counts = scene.shape.counts
    return try scene.output(
      from: camera, wanted: channels, method: id, samplesPerRay: counts.x + counts.y + counts.z
    ) { scene, rays, _, _ in
      let grid = scene.shape
      let cells = GridTraversal.exact.cells(
        of: rays.rays, in: CellLattice(grid), within: rays.visible)
      let events = Self.events(emptiness: 1 - grid.filled.flattened(), cells: cells)
      return RayPicture(
        events, colors: grid.colors(of: cells, seenAlong: rays.rays.directions),
        depths: cells.entries * rays.depthPerDistance.expandingDims(at: 1),
        background: scene.background, backgroundDepth: backgroundDepth)
    }
  }

  /// The probability that each ray stops in each of its cells, and that it escapes.
  ///
  /// - Parameters:
  ///   - emptiness: [cells], in [0, 1].
  ///   - cells: what the rays pass.
  public static func events(emptiness: Tensor, cells: RayCells) -> RayWeights {
    let occupancy = 1 - cells.gather(emptiness, padding: 1)
    return TerminationAggregation().weights(
      of: occupancy, lengths: .ones(like: occupancy.stoppingGradient()))
  }

  /// The expected cost of every ray, [R]: Σ probability·cost over its events. Published: the mean
  /// over rays, those of the background weighted 0.2 where depth is observed.
  ///
  /// - Parameters:
  ///   - emptiness: [cells], in [0, 1].
  ///   - cells: what the rays pass.
  ///   - cost: of every event.
  public static func losses(emptiness: Tensor, cells: RayCells, cost: EventCost) -> Tensor {
    let events = events(emptiness: emptiness, cells: cells)
    let expected = (events.samples * cost.stopping).sum(axis: 1) + events.remainder * cost.escape
    return Tensor.where(cells.isHit, expected, 0)
  }
}

/// What it costs that a ray stops in a cell, or escapes.
public struct EventCost: Sendable {
  /// [R, N], for every cell of a ray.
  public let stopping: Tensor
  /// [R].
  public let escape: Tensor

  public init(stopping: Tensor, escape: Tensor) {
    self.stopping = stopping
    self.escape = escape
  }

  /// Silhouettes: 1 for what contradicts them.
  ///
  /// - Parameters:
  ///   - isBackground: [R], 1 where the background was seen, 0 on the object.
  ///   - cells: what the rays pass.
  public static func mask(isBackground: Tensor, cells: RayCells) -> EventCost {
    EventCost(
      stopping: isBackground.expandingDims(at: 1).broadcast(to: cells.cells.shape),
      escape: 1 - isBackground)
  }

  /// Depth images: |distance - observed|.
  ///
  /// - Parameters:
  ///   - observed: [R], distances along the rays (not camera z) in units of their directions.
  ///   - background: the distance that an escaping ray has; published 10.
  ///   - cells: what the rays pass.
  public static func depth(
    observed: Tensor, background: Double = 10, cells: RayCells
  ) -> EventCost {
    EventCost(
      stopping: (cells.entries - observed.expandingDims(at: 1)).abs(),
      escape: (background - observed).abs())
  }

  /// Colour images: ½|colour - observed|².
  ///
  /// - Parameters:
  ///   - observed: [R, C].
  ///   - colors: of all cells, [cells, C].
  ///   - background: [C].
  ///   - cells: what the rays pass.
  public static func color(
    observed: Tensor, colors: Tensor, background: Tensor, cells: RayCells
  ) -> EventCost {
    let error = cells.gather(colors) - observed.expandingDims(at: 1)
    return EventCost(
      stopping: error.square().sum(axis: 2) * 0.5,
      escape: (background - observed).square().sum(axis: 1) * 0.5)
  }

  /// Disparity and class: min(2, |1/distance - 1/observed|) - 0.1·log(probability of the class).
  ///
  /// - Parameters:
  ///   - observed: [R], distances above 0.
  ///   - classes: int32 [R].
  ///   - probabilities: of the classes in all cells, [cells, K], above 0.
  ///   - backgroundProbabilities: [K], above 0.
  ///   - background: the distance that an escaping ray has.
  ///   - cells: what the rays pass.
  public static func semantic(
    observed: Tensor, classes: Tensor, probabilities: Tensor, backgroundProbabilities: Tensor,
    background: Double, cells: RayCells
  ) -> EventCost {
    let (rays, width) = (cells.cells.shape[0], cells.cells.shape[1])
    let disparity = observed.reciprocal()
    // A cell that the ray starts in has no disparity: it costs the most.
    let starts = cells.entries.stoppingGradient() .<= 0
    let entries = Tensor.where(starts, 1e-30, cells.entries)
    let off = (entries.reciprocal() - disparity.expandingDims(at: 1)).abs().clamped(max: 2)
    let place = classes.cast(to: .int64).reshaped([rays, 1, 1]).broadcast(to: [rays, width, 1])
    let found = cells.gather(probabilities).takeAlong(place, axis: 2).squeezed(axis: 2)
    return EventCost(
      stopping: off - found.log() * 0.1,
      escape: (1 / background - disparity).abs().clamped(max: 2)
        - backgroundProbabilities.gather(classes).log() * 0.1)
  }
}
