import Foundation
import Lumigrad
import Testing

struct GridFileTests {
  func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "lumi-voxel-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  static func same(_ a: VoxelGrid, _ b: VoxelGrid) -> Bool {
    a.quantity == b.quantity && a.placement == b.placement && a.lower == b.lower
      && a.upper == b.upper && a.parameters.map(\.path) == b.parameters.map(\.path)
      && zip(a.parameters, b.parameters).allSatisfy {
        $0.value.shape == $1.value.shape && $0.value.dtype == $1.value.dtype
          && $0.value.scalars(as: Double.self) == $1.value.scalars(as: Double.self)
      }
  }

  @Test func npzKeepsEverything() throws {
    try withFolder { folder in
      let path = "\(folder)/grid.npz"
      for quantity in VoxelGrid.Quantity.allCases {
        for placement in VoxelGrid.Placement.allCases {
          var grid = Scenes.grid(quantity, placement)
          let appearances: [VoxelAppearance] = [
            grid.appearance, .uniform(Scenes.random([2], 4)),
            .sphericalHarmonics(Scenes.random([4, 3, 5, 2, 9], 5)),
          ]
          for (number, appearance) in appearances.enumerated() {
            grid.appearance = appearance
            grid.warp = number == 1 ? Scenes.random([2, 3, 2, 3], 6) : nil
            try grid.write(npz: path)
            #expect(Self.same(try VoxelGrid(npz: path, dtype: .float64), grid))
            #expect(try VoxelGrid(npz: path).values.dtype == .float32)
          }
        }
      }
    }
  }

  @Test func npyAndRawKeepValues() throws {
    try withFolder { folder in
      let grid = Scenes.grid(.density, .nodes)
      try grid.write(npy: "\(folder)/grid.npy")
      let read = try VoxelGrid(
        npy: "\(folder)/grid.npy", quantity: .density, placement: .nodes, lower: grid.lower,
        upper: grid.upper, dtype: .float64)
      #expect(
        read.values.scalars(as: Double.self) == grid.values.scalars(as: Double.self)
          && read.lower == grid.lower && read.placement == .nodes)
      let layout = try RawFile.write(
        grid.values, to: "\(folder)/grid.raw", order: .firstAxisFastest, bigEndian: true)
      let raw = try VoxelGrid(
        raw: "\(folder)/grid.raw", layout, quantity: .density, dtype: .float64)
      #expect(raw.values.scalars(as: Double.self) == grid.values.scalars(as: Double.self))
      // A whole number is a density too; but not every density is a probability.
      try NPYFile.write(Tensor.full([2, 2, 2], 3, dtype: .int32), to: "\(folder)/whole.npy")
      #expect(
        try VoxelGrid(npy: "\(folder)/whole.npy", quantity: .density).values.sum().value == 24)
      #expect(throws: SceneError.self) {
        try VoxelGrid(npy: "\(folder)/whole.npy", quantity: .occupancy)
      }
      try NPYFile.write(Tensor.ones([4, 4]), to: "\(folder)/flat.npy")
      #expect(throws: SceneError.self) {
        try VoxelGrid(npy: "\(folder)/flat.npy", quantity: .density)
      }
    }
  }

  @Test func binvoxKeepsCellsAndBox() throws {
    var grid = VoxelGrid(
      values: (Scenes.random([4, 6, 5], 3) .> 0.5).cast(to: .float32), quantity: .occupancy,
      lower: [1, 2, 3], upper: [3, 5, 5.5])
    try withFolder { folder in
      let path = "\(folder)/grid.binvox"
      try grid.write(binvox: path)
      #expect(Self.same(try VoxelGrid(binvox: path), grid))
      grid.quantity = .emptiness
      try grid.write(binvox: path)
      let turned = try VoxelGrid(binvox: path)
      #expect((turned.values + grid.values - 1).abs().max().value == 0)
      grid.upper.x = 3.1
      var error = #expect(throws: SceneError.self) { try grid.write(binvox: path) }
      #expect(error?.field == "voxels.upper")
      grid.placement = .nodes
      error = #expect(throws: SceneError.self) { try grid.write(binvox: path) }
      #expect(error?.field == "voxels.placement")
    }
  }

  /// What an archive lacks or gets wrong is named.
  @Test func brokenArchivesAreRefused() throws {
    let good: [String: Tensor] = [
      "values": .full([2, 2, 2], 0.5), "quantity": Tensor("occupancy".utf8.map { Int32($0) }),
      "placement": Tensor("cells".utf8.map { Int32($0) }), "lower": Tensor([0.0, 0, 0]),
      "upper": Tensor([1.0, 1, 1]),
    ]
    try withFolder { folder in
      let path = "\(folder)/grid.npz"
      try NPZFile.write(good, to: path)
      #expect(try VoxelGrid(npz: path).values.sum().value == 4)
      for key in good.keys {
        var less = good
        less[key] = nil
        try NPZFile.write(less, to: path)
        let error = #expect(throws: FileError.self) { try VoxelGrid(npz: path) }
        #expect(error?.cause == .missing && error?.place == .part("array \(key)"))
      }
      let wrong: [(String, Tensor)] = [
        ("quantity", Tensor("occupanc".utf8.map { Int32($0) })),
        ("quantity", Tensor.full([9], -1e9, dtype: .int32)), ("quantity", .zeros([1000])),
        ("placement", Tensor([.nan, .infinity] as [Float])), ("lower", .zeros([2])),
        ("upper", .zeros([3, 1])), ("values", .full([2, 2, 2], 7)), ("values", .zeros([2, 2])),
        ("values", .full([2, 2, 2], .nan)), ("upper", .zeros([3])), ("lower", .full([3], .nan)),
        ("colors", .zeros([2, 2, 3, 3])), ("color", .zeros([0])), ("warp", .zeros([2, 2, 2])),
        ("sphericalHarmonics", .zeros([2, 2, 2, 3, 4])),
      ]
      for (key, value) in wrong {
        var broken = good
        broken[key] = value
        try NPZFile.write(broken, to: path)
        #expect(throws: (any Error).self, "\(key)") { try VoxelGrid(npz: path) }
      }
      var twice = good
      (twice["color"], twice["colors"]) = (.ones([3]), .ones([2, 2, 2, 3]))
      try NPZFile.write(twice, to: path)
      #expect(throws: FileError.self) { try VoxelGrid(npz: path) }
    }
  }
}
