import LumiScene
import LumiTensor
import Testing

struct VoxelGridTests {
  static func grid(
    _ placement: VoxelGrid.Placement = .cells, _ quantity: VoxelGrid.Quantity = .occupancy
  ) -> VoxelGrid {
    VoxelGrid(
      values: .full([2, 3, 4], 0.5, dtype: .float64), quantity: quantity, placement: placement,
      lower: [0, -3, 10], upper: [4, 3, 14])
  }

  static func scalars(_ tensor: Tensor) -> [Double] { tensor.scalars(as: Double.self) }

  @Test func cellsHaveTheirValuesInTheMiddle() {
    let grid = Self.grid()
    #expect(grid.spacing == [2, 2, 1])
    let positions = grid.valuePositions()
    #expect(positions.shape == [2, 3, 4, 3])
    #expect(Self.scalars(positions[0, 0, 0]) == [1, -2, 10.5])
    #expect(Self.scalars(positions[1, 2, 3]) == [3, 2, 13.5])
  }

  @Test func nodesReachTheBox() {
    let grid = Self.grid(.nodes)
    #expect(grid.spacing == [4, 3, 4.0 / 3])
    let positions = grid.valuePositions()
    #expect(Self.scalars(positions[0, 0, 0]) == [0, -3, 10])
    #expect(Self.scalars(positions[1, 2, 3]) == [4, 3, 14])
  }

  @Test(arguments: VoxelGrid.Placement.allCases)
  func coordinatesGoThereAndBack(_ placement: VoxelGrid.Placement) {
    let grid = Self.grid(placement)
    let places = grid.gridPoints(grid.valuePositions())
    #expect(Self.scalars(places[1, 0, 2]).elementsEqual([1, 0, 2]) { abs($0 - $1) < 1e-14 })
    let points = Tensor([0.3, 1.7, 12, -5, 9, 0], shape: [2, 3])
    let back = grid.worldPoints(grid.gridPoints(points))
    for (a, b) in zip(Self.scalars(back), Self.scalars(points)) { #expect(abs(a - b) < 1e-13) }
  }

  @Test func parametersHaveNames() throws {
    var grid = Self.grid()
    #expect(Scene(grid).parameters.map(\.path) == ["voxels.values", "voxels.color", "background"])
    grid.appearance = .colors(.zeros([2, 3, 4, 3], dtype: .float64))
    grid.warp = .zeros([2, 2, 2, 3], dtype: .float64)
    #expect(grid.parameters.map(\.path) == ["values", "colors", "warp"])
    grid.appearance = .sphericalHarmonics(.zeros([2, 3, 4, 3, 9], dtype: .float64))
    #expect(grid.parameters.map(\.path) == ["values", "sphericalHarmonics", "warp"])
    #expect(grid.appearance.channels == 3)
    let changed = try grid.replacing(["values": .ones([2, 3, 4], dtype: .float64)])
    #expect(changed.values.sum().value == 24)
  }

  @Test func goodGridsPass() throws {
    for placement in VoxelGrid.Placement.allCases {
      for quantity in VoxelGrid.Quantity.allCases {
        _ = try Self.grid(placement, quantity).validated()
      }
    }
  }

  /// What is wrong, and the field that the error names.
  static let bad: [(field: String, index: Int?, change: @Sendable (inout VoxelGrid) -> Void)] = [
    ("voxels.values", nil, { $0.values = .zeros([2, 3], dtype: .float64) }),
    ("voxels.values", nil, { $0.values = .zeros([2, 0, 3], dtype: .float64) }),
    ("voxels.values", nil, { $0.values = .zeros([2, 3, 4], dtype: .int32) }),
    (
      "voxels.values", nil,
      {
        $0.values = .zeros([2, 1, 4], dtype: .float64)
        $0.placement = .nodes
      }
    ),
    ("voxels.values", 0, { $0.values = .full([2, 3, 4], .nan, dtype: .float64) }),
    ("voxels.values", 0, { $0.values = .full([2, 3, 4], 1.5, dtype: .float64) }),
    (
      "voxels.values", 0,
      {
        $0.values = .full([2, 3, 4], -1, dtype: .float64)
        $0.quantity = .density
      }
    ),
    ("voxels.upper", 1, { $0.upper.y = -3 }),
    ("voxels.upper", 2, { $0.upper.z = .infinity }),
    ("voxels.upper", 0, { $0.lower.x = .nan }),
    ("voxels.color", nil, { $0.appearance = .uniform(.ones([3])) }),
    ("voxels.appearance", nil, { $0.appearance = .uniform(.ones([0], dtype: .float64)) }),
    ("voxels.colors", nil, { $0.appearance = .colors(.ones([2, 3, 3, 3], dtype: .float64)) }),
    (
      "voxels.sphericalHarmonics", nil,
      { $0.appearance = .sphericalHarmonics(.ones([2, 3, 4, 3, 4], dtype: .float64)) }
    ),
    ("voxels.warp", nil, { $0.warp = .ones([2, 2, 2, 2], dtype: .float64) }),
    ("voxels.warp", nil, { $0.warp = .ones([2, 0, 2, 3], dtype: .float64) }),
    ("voxels.warp", 0, { $0.warp = .full([2, 2, 2, 3], .infinity, dtype: .float64) }),
  ]

  @Test(arguments: bad.indices)
  func badGridsThrowTheirField(_ position: Int) {
    var grid = Self.grid()
    Self.bad[position].change(&grid)
    let error = #expect(throws: SceneError.self) { try grid.validated() }
    #expect(error?.field == Self.bad[position].field)
    #expect(error?.index == Self.bad[position].index)
  }

  @Test func signedDistancesMayBeAnything() throws {
    var grid = Self.grid(.nodes, .signedDistance)
    grid.values = grid.values * -9
    _ = try grid.validated()
  }
}
