import Foundation
import LumiIO
import LumiTensor
import Testing

/// Damaged files: every one is read or refused with a ``FileError``. A crash or a hang ends the
/// run. LUMIGRAD_MUTATIONS sets the number a format, 250 by default.
@Suite(.timeLimit(.minutes(5)))
struct HostileInputTests {
  static let mutations =
    ProcessInfo.processInfo.environment["LUMIGRAD_MUTATIONS"].flatMap { Int($0) } ?? 250

  struct Target: Sendable, CustomTestStringConvertible {
    var name: String
    var seeds: [String]
    var read: @Sendable ([UInt8], String) throws -> Void
    var testDescription: String { name }

    init(
      _ name: String, _ seeds: [String],
      _ read: @escaping @Sendable ([UInt8], String) throws -> Void
    ) {
      self.name = name
      self.seeds = seeds
      self.read = read
    }

    init(_ format: MeshFile.Format, _ name: String, _ seeds: [String]) {
      self.init(name, seeds) { bytes, file in
        let mesh = try MeshFile.decode(bytes, format: format, file: file)
        try checkWhole(mesh)
      }
    }
  }

  private static func points(
    _ format: PointFile.Format, _ name: String, _ seeds: [String]
  ) -> Target {
    Target(name, seeds) { bytes, file in
      try checkWhole(try PointFile.decode(bytes, format: format, file: file))
    }
  }

  static let targets: [Target] = [
    points(
      .ply, "PLY points", ["mixed-ascii.ply", "mixed-little.ply", "mixed-big.ply", "cube.ply"]),
    points(.pcd, "PCD", ["grid-ascii.pcd", "grid-binary.pcd", "grid-compressed.pcd"]),
    points(.xyz, "XYZ", ["points.xyz"]),
    Target("PNG", ["rgba8.png", "grey16.png", "palette-transparent.png", "grey1.png"]) {
      bytes, file in
      let image = try ImageFile.decode(bytes, file: file)
      #expect(image.pixels.scalars(as: Float.self).allSatisfy { $0 >= 0 && $0 <= 1 })
    },
    Target(.ply, "PLY ascii", ["cube-ascii.ply"]), Target(.ply, "PLY binary", ["cube.ply"]),
    Target(.off, "OFF", ["cube.off"]), Target(.stl, "STL ascii", ["cube-ascii.stl"]),
    Target(.stl, "STL binary", ["cube.stl"]), Target(.glb, "GLB", ["cube.glb", "moved.glb"]),
    Target(.gltf, "glTF", ["moved.gltf"]),
    Target("NPY", ["f4.npy", "f8-big.npy", "f2.npy", "i4-fortran.npy", "b1.npy", "u8.npy"]) {
      _ = try NPYFile.decode($0, file: $1)
    },
    Target("NPZ", ["stored.npz", "deflated.npz"]) { _ = try NPZFile.decode($0, file: $1) },
    Target("safetensors", ["all-types.safetensors", "bfloat16.safetensors"]) { bytes, file in
      for (_, tensor) in try SafetensorsFile.decode(bytes, file: file).tensors {
        _ = tensor.scalars(as: Double.self)
      }
    },
    Target("binvox", ["cells.binvox", "half.binvox"]) { bytes, file in
      let grid = try BinvoxFile.decode(bytes, file: file)
      #expect(grid.filled.count > 0 && grid.scale > 0 && grid.translate.x.isFinite)
    },
    Target("raw", ["f4.npy"]) { bytes, file in
      let layout = RawFile.Layout(.float32, shape: [2, 3, 4], offset: 128)
      let numbers = try RawFile.decode(bytes, layout, file: file)
      #expect(numbers.count == 24)
    },
    Target("Middlebury par", ["views_par.txt"]) { bytes, file in
      for view in try CalibratedView.parse(bytes, file: file) {
        #expect((view.intrinsics + view.rotation + view.translation).allSatisfy { $0.isFinite })
      }
    },
    Target("SoftRas camera", ["camera.npy"]) {
      for view in try OrbitView.views(NPYFile.decode($0, file: $1), file: $1) {
        #expect(view.distance > 0 && view.elevationDegrees.isFinite)
      }
    },
    Target("JSON vector", ["vector.json"]) { bytes, file in
      let vector = try ReferenceVector(JSONValue.parse(bytes, file: file), file: file)
      for key in vector.inputs.keys { _ = try? vector.inputs.tensor(key) }
      for key in vector.expected.keys { _ = try vector.expected.tensor(key) }
    },
  ]

  @Test(arguments: targets)
  func mutatedFilesAreReadOrRefused(_ target: Target) throws {
    let seeds = try target.seeds.map(fixtureBytes)
    var refused = 0
    for index in 0..<Self.mutations {
      var mutator = Mutator(seed: UInt64(index + 1) &* 7919)
      let bytes = mutator.damage(seeds[index % seeds.count])
      // The fixtures' folder, so that external buffers are found.
      let file = fixture("damaged-\(index)")
      do {
        try target.read(bytes, file)
      } catch let error as FileError {
        refused += 1
        #expect(error.file.hasPrefix(file) && !error.message.isEmpty)
      }
    }
    #expect(refused > Self.mutations / 10, "the damage must be noticed")
  }

  /// OBJ and MTL lie in a folder together; both are damaged.
  @Test func mutatedMaterialsAreReadOrRefused() throws {
    try withFolder { folder in
      let path = "\(folder)/square.obj"
      try MeshFile.write(seamedSquare(), to: path)
      let originals = try ["square.obj", "square.mtl", "square_1.png"].map { name in
        (name, Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))))
      }
      var refused = 0
      for index in 0..<Self.mutations {
        var mutator = Mutator(seed: UInt64(index) &* 104_729 &+ 5)
        let chosen = index % 3
        for (number, (name, bytes)) in originals.enumerated() {
          let content = number == chosen ? mutator.damage(bytes) : bytes
          try Data(content).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        do {
          try checkWhole(try MeshFile.read(path))
        } catch let error as FileError {
          refused += 1
          #expect(error.file.hasPrefix(folder))
        }
      }
      #expect(refused > Self.mutations / 10)
    }
  }

  @Test(arguments: targets)
  func everyTruncationEndsInAnAnswer(_ target: Target) throws {
    for seed in target.seeds {
      let bytes = try fixtureBytes(seed)
      for count in 0..<bytes.count {
        do {
          try target.read(Array(bytes[..<count]), fixture("truncated"))
        } catch is FileError {
          continue
        }
      }
    }
  }

  @Test(arguments: targets)
  func emptyFilesAreRefused(_ target: Target) {
    #expect(throws: FileError.self) { try target.read([], "empty") }
  }
}

/// Whatever was read must be safe to use without another look.
func checkWhole(_ mesh: MeshData) throws {
  let vertices = mesh.vertices.scalars(as: Float.self)
  #expect(vertices.allSatisfy { $0.isFinite })
  let indices = mesh.faces.scalars(as: Int32.self)
  #expect(indices.allSatisfy { $0 >= 0 && Int($0) < mesh.vertexCount })
  if let corners = mesh.faceTexcoords?.scalars(as: Int32.self) {
    let count = mesh.texcoords?.shape[0] ?? 0
    #expect(corners.allSatisfy { $0 >= -1 && Int($0) < count })
  }
  if let materials = mesh.faceMaterials?.scalars(as: Int32.self) {
    #expect(materials.count == mesh.faceCount)
    #expect(materials.allSatisfy { $0 >= -1 && Int($0) < mesh.materials.count })
  }
}

func checkWhole(_ points: PointData) throws {
  for column in points.columns {
    #expect(column.rowCount == points.count)
    let numbers = column.lists.map { $0.sizes.reduce(0) { $0 + Int($1) } }
    #expect(column.values.count == numbers ?? points.count * (column.width ?? 0))
  }
  #expect(points.count % points.gridHeight == 0)
  _ = (points.positions(), points.normals(), points.colors(), points.alpha())
  _ = points.keepingFinitePositions()
}
