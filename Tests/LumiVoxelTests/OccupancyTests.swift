import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import LumiVoxel
import Testing

/// Columns of a grid, looked at along z by an orthographic camera with a pixel a column.
enum Columns {
  static let shape = [4, 4, 4]

  static func view(_ quantity: VoxelGrid.Quantity, _ values: Tensor) -> View {
    let grid = VoxelGrid(
      values: values, quantity: quantity,
      appearance: .colors(Scenes.random(shape + [3], 8)))
    let camera = Camera.orthographic(
      from: [0, 0, 5], visibleHeight: 2, width: 4, height: 4, dtype: .float64)
    return Scenes.view(grid, camera: camera)
  }

  /// What a pixel sees, from the eye on: values [4] and colours [4, 3]. Columns go with x, rows
  /// from the top, y = 3 first; the eye is beyond the last z.
  static func column(_ view: View, row: Int, column: Int) -> (values: [Double], colors: [[Double]])
  {
    let grid = view.scene.shape
    guard case .colors(let colors) = grid.appearance else { return ([], []) }
    let places = (0..<4).reversed()
    return (
      places.map { grid.values[column, 3 - row, $0].value },
      places.map { colors[column, 3 - row, $0].scalars(as: Double.self) }
    )
  }

  /// Compares every pixel's alpha and colour with a function of its column.
  static func expect(
    _ output: RenderOutput, _ view: View, tolerance: Double = 1e-12,
    _ draw: (_ values: [Double], _ colors: [[Double]]) -> (alpha: Double, color: [Double])
  ) throws {
    let background = Scenes.background.scalars(as: Double.self)
    for row in 0..<4 {
      for place in 0..<4 {
        let (values, colors) = column(view, row: row, column: place)
        let (alpha, color) = draw(values, colors)
        #expect(abs(try output[.alpha][row, place].value - alpha) < tolerance)
        for c in 0..<3 {
          let exact = color[c] + (1 - alpha) * background[c]
          #expect(abs(try output[.color][row, place, c].value - exact) < tolerance)
        }
      }
    }
  }

  /// Σ weight·colour.
  static func mixed(_ weights: [Double], _ colors: [[Double]]) -> [Double] {
    (0..<3).map { c in zip(weights, colors).reduce(0) { $0 + $1.0 * $1.1[c] } }
  }
}

struct PerspectiveTransformerTests {
  /// Planes through the middles of voxels: a pixel is the largest of its column.
  @Test func pixelsAreTheLargestOfTheirColumns() throws {
    let view = Columns.view(.occupancy, Scenes.random(Columns.shape, 7))
    // A single plane at a time, through the middle of each layer.
    for layer in 0..<4 {
      let depth = 5 - (-0.75 + 0.5 * Double(layer))
      let output = try PerspectiveTransformer(planes: 1, depths: depth...depth).render(view)
      try Columns.expect(output, view) { values, colors in
        let value = values[3 - layer]
        return (value, colors[3 - layer].map { $0 * value })
      }
    }
    let output = try PerspectiveTransformer(planes: 400).render(view)
    try Columns.expect(output, view, tolerance: 0.02) { values, colors in
      let place = values.indices.max { values[$0] < values[$1] }!
      return (values[place], colors[place].map { $0 * values[place] })
    }
  }

  /// A single filled voxel is a tent around its middle, and alone gets the gradient of its pixel.
  @Test func aVoxelIsATent() throws {
    var values = [Double](repeating: 0, count: 64)
    values[(2 * 4 + 1) * 4 + 2] = 1
    let view = Columns.view(.occupancy, Tensor(values, shape: Columns.shape))
    var fine = view
    fine.camera = view.camera.enlarged(by: 4)
    let alpha = try PerspectiveTransformer(planes: 1, depths: 4.75...4.75).render(fine)[.alpha]
    let line = alpha[9].scalars(as: Double.self)
    let tent = (0..<16).map { column -> Double in
      let (x, y) = ((Double(column) + 0.5) / 4 - 0.5, 3 - (9.5 / 4 - 0.5))
      return max(0, 1 - abs(x - 2)) * max(0, 1 - abs(y - 1))
    }
    for (a, b) in zip(line, tent) { #expect(abs(a - b) < 1e-12) }
    let slope = try gradient(at: view.scene.shape.values) { values in
      var moved = view
      moved.scene.shape.values = values
      return try PerspectiveTransformer(planes: 4).render(moved)[.alpha][2, 2]
    }
    #expect(slope[2, 1, 2].value > 0.4)
    #expect(slope.sum().value <= 1 + 1e-12)
  }

  @Test func emptinessIsTheOtherSideOfOccupancy() throws {
    let values = Scenes.random(Columns.shape, 7)
    let a = try PerspectiveTransformer().render(Columns.view(.occupancy, values))
    let b = try PerspectiveTransformer().render(Columns.view(.emptiness, 1 - values))
    #expect(try (a[.color] - b[.color]).largest < 1e-15)
  }

  /// The published camera sees the volume's middle at depth f + ½.
  @Test func publishedMatrixLooksAtTheMiddle() {
    let focal = 3.0.squareRoot() / 2
    for (elevation, azimuth) in [(0.0, 0.0), (30, 45), (-20, 200)] {
      let matrix = PublishedLattice.matrix(
        elevationDegrees: Tensor(elevation, dtype: .float64),
        azimuthDegrees: Tensor(azimuth, dtype: .float64), focalLength: focal)
      let middle = matrix.matmul(Tensor([focal + 0.5, 0, 0, 1], shape: [4, 1]))
      #expect(middle[0..<3].largest < 1e-15)
    }
  }
}

struct RayConsistencyTests {
  @Test func pixelsAreExpectedOverEvents() throws {
    let view = Columns.view(.emptiness, Scenes.random(Columns.shape, 7))
    let output = try RayConsistency(channels: [.color, .alpha, .depth]).render(view)
    func weights(_ values: [Double]) -> [Double] {
      values.indices.map { i in values[..<i].reduce(1 - values[i], *) }
    }
    try Columns.expect(output, view) { values, colors in
      (1 - values.reduce(1, *), Columns.mixed(weights(values), colors))
    }
    let (values, _) = Columns.column(view, row: 1, column: 2)
    let depth = zip(weights(values), [4, 4.5, 5, 5.5]).reduce(0) { $0 + $1.0 * $1.1 }
    let escape = values.reduce(1, *)
    #expect(abs(try output[.depth][1, 2].value - (depth + 10 * escape)) < 1e-12)
  }

  /// Probabilities of 0 and 1 are ray casting: the first filled cell.
  @Test func certainCellsAreRayCasting() throws {
    let filled = Scenes.random(Columns.shape, 12).scalars(as: Double.self).map {
      $0 > 0.7 ? 1.0 : 0
    }
    let view = Columns.view(.occupancy, Tensor(filled, shape: Columns.shape))
    try Columns.expect(try RayConsistency().render(view), view) { values, colors in
      guard let first = values.firstIndex(of: 1) else { return (0, [0, 0, 0]) }
      return (1, colors[first])
    }
  }

  static let lattice = CellLattice(from: [-1, -1, -1], to: [1, 1, 1], counts: [5, 4, 6])

  static func rays(_ count: Int) -> CameraRays {
    let origins = Scenes.random([count, 3], 21, low: -3, high: 3)
    return CameraRays(
      origins: origins, directions: Scenes.random([count, 3], 22, low: -1, high: 1) - origins)
  }

  @Test func eventsAddUpAndEscapeEitherWay() {
    let some = Self.rays(100)
    let back = CameraRays(
      origins: some.origins + some.directions * 4, directions: -some.directions)
    let emptiness = Scenes.random([120], 23)
    let (there, again) = (some, back)
    let events = [there, again].map { rays in
      RayConsistency.events(
        emptiness: emptiness, cells: GridTraversal.exact.cells(of: rays, in: Self.lattice))
    }
    let total = events[0].samples.sum(axis: 1) + events[0].remainder
    #expect((total - 1).largest < 1e-14)
    // The origins are outside of the box, or the two would not pass the same cells.
    let outside = (some.origins.abs().max(axis: 1) .> 1).cast(to: .float64)
    #expect(outside.sum().value > 60)
    #expect(((events[0].remainder - events[1].remainder) * outside).largest < 1e-14)
  }

  /// Along an axis the cells of a homogeneous medium give the Beer-Lambert law.
  @Test func homogeneousCellsTransmitExponentially() {
    let sigma = 1.3
    let ray = CameraRays(
      origins: Tensor([-4, 0.1, 0.2], shape: [1, 3]),
      directions: Tensor([1.0, 0, 0], shape: [1, 3]))
    let cells = GridTraversal.exact.cells(of: ray, in: Self.lattice)
    let emptiness = Tensor.full([120], exp(-sigma * 0.4), dtype: .float64)
    let escape = RayConsistency.events(emptiness: emptiness, cells: cells).remainder.value
    #expect(abs(escape - exp(-sigma * 2)) < 1e-15)
  }

  static func cost(_ name: String, _ cells: RayCells, _ colors: Tensor) -> EventCost {
    let count = cells.cells.shape[0]
    let observed = Scenes.random([count], 24, low: 0.5, high: 3)
    switch name {
    case "mask":
      return .mask(isBackground: Scenes.random([count], 25), cells: cells)
    case "depth": return .depth(observed: observed, cells: cells)
    case "colour":
      return .color(
        observed: Scenes.random([count, 3], 26), colors: colors, background: Scenes.background,
        cells: cells)
    default:
      let classes = Tensor((0..<count).map { Int32($0 % 3) })
      return .semantic(
        observed: observed, classes: classes, probabilities: colors,
        backgroundProbabilities: Scenes.background, background: 10, cells: cells)
    }
  }

  @Test(arguments: ["mask", "depth", "colour", "semantic"])
  func lossesHaveTheirDerivatives(_ name: String) throws {
    let some = Self.rays(12)
    let cells = GridTraversal.exact.cells(of: some, in: Self.lattice)
    try checkGradients(at: [Scenes.random([120], 27), Scenes.random([120, 3], 28)]) { x in
      RayConsistency.losses(
        emptiness: x[0], cells: cells, cost: Self.cost(name, cells, x[1]))
    }
  }

  /// Depths move with the rays, and with them the loss: an addition to the paper.
  @Test func depthLossesMoveWithTheRays() throws {
    let some = Self.rays(12)
    let emptiness = Scenes.random([120], 27)
    try checkGradients(
      at: [some.origins, some.directions], steps: [1e-6, 1e-7], tolerance: 1e-5
    ) { x in
      let cells = GridTraversal.exact.cells(
        of: CameraRays(origins: x[0], directions: x[1]), in: Self.lattice)
      return RayConsistency.losses(
        emptiness: emptiness, cells: cells, cost: Self.cost("depth", cells, emptiness))
    }
  }

  @Test func raysThatMeetNothingCostNothing() {
    let ray = CameraRays(
      origins: Tensor([5.0, 5, 5], shape: [1, 3]), directions: Tensor([1.0, 0, 0], shape: [1, 3]))
    let cells = GridTraversal.exact.cells(of: ray, in: Self.lattice)
    let (loss, slope) = valueAndGradient(at: Tensor.full([120], 0.5, dtype: .float64)) { x in
      RayConsistency.losses(
        emptiness: x, cells: cells, cost: .mask(isBackground: Tensor([0.0]), cells: cells)
      ).sum()
    }
    #expect(loss.value == 0 && slope.largest == 0)
  }

  /// Silhouettes from three sides carve a ball: the loss does what it is for.
  @Test func masksCarveABall() throws {
    let side = 8
    var truth = VoxelGrid(
      values: .zeros([side, side, side], dtype: .float64), quantity: .occupancy)
    let inside = truth.valuePositions().norm(axis: 3) .< 0.7
    truth.values = inside.cast(to: .float64)
    let cameras = [[4.0, 0, 0], [0, 0, 4], [0.01, 4, 0]].map { eye in
      Camera.orthographic(
        from: SIMD3(eye), visibleHeight: 2, width: side, height: side, dtype: .float64)
    }
    let lattice = CellLattice(truth)
    let views = try cameras.map { camera -> (cells: RayCells, background: Tensor) in
      let mask = try RayConsistency().render(Scene(truth), from: camera)[.alpha]
      return (
        GridTraversal.exact.cells(of: PixelRays(of: camera).rays, in: lattice),
        1 - mask.flattened()
      )
    }
    var logits = Tensor.zeros([lattice.cellCount], dtype: .float64)
    func loss(_ logits: Tensor) -> Tensor {
      views.reduce(Tensor(0, dtype: .float64)) { sum, view in
        sum
          + RayConsistency.losses(
            emptiness: logits.sigmoid(), cells: view.cells,
            cost: .mask(isBackground: view.background, cells: view.cells)
          ).sum()
      }
    }
    let before = loss(logits).value
    for _ in 0..<60 { logits = logits - gradient(at: logits, of: loss) * 4 }
    #expect(loss(logits).value < before / 20)
    var carved = truth
    carved.values = 1 - logits.sigmoid().reshaped(truth.values.shape)
    for (camera, view) in zip(cameras, views) {
      let alpha = try RayConsistency().render(Scene(carved), from: camera)[.alpha].flattened()
      #expect((alpha - (1 - view.background)).abs().mean().value < 0.03)
    }
  }
}
