import Foundation
import LumiIO
import LumiTensor

/// The repository's folder.
let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path

func fixture(_ name: String) -> String { "\(packageRoot)/Fixtures/io/\(name)" }

func fixtureBytes(_ name: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: fixture(name))))
}

/// A folder of the shared data, which is not in the repository: LUMIGRAD_DATA, or ../shared/data
/// beside the package or its parent.
let dataFolder: String? = {
  let named = ProcessInfo.processInfo.environment["LUMIGRAD_DATA"]
  let places = [named, "\(packageRoot)/../shared/data", "\(packageRoot)/../../shared/data"]
  return places.compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0) }
}()

/// A path for one test's files, removed afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = NSTemporaryDirectory() + "lumi-io-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}

/// SplitMix64: one seed, one sequence.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// Damages files as transmission, editors and attackers do. The same seed gives the same damage.
struct Mutator {
  private var random: SeededGenerator
  init(seed: UInt64) { random = SeededGenerator(state: seed) }

  private static let words = [
    "-1", "99999999999", "nan", "inf", "1e999", "0", "-", "4294967295", "-2147483648", " ", "\n",
    "/", "{", "]", "\"",
  ]

  mutating func damage(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 1...5, using: &random) {
      guard bytes.count > 1 else { return bytes }
      damageOnce(&bytes)
    }
    return bytes
  }

  private mutating func damageOnce(_ bytes: inout [UInt8]) {
    let at = Int.random(in: 0..<bytes.count, using: &random)
    let length = min(Int.random(in: 1...24, using: &random), bytes.count - at)
    switch Int.random(in: 0..<9, using: &random) {
    case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 2: bytes.removeSubrange(at..<at + length)
    case 3: bytes.removeSubrange(at...)
    case 4: bytes.insert(contentsOf: Self.words.randomElement(using: &random)!.utf8, at: at)
    case 5:
      bytes.replaceSubrange(at..<at + length, with: Self.words.randomElement(using: &random)!.utf8)
    case 6:
      bytes.insert(
        contentsOf: bytes[at..<at + length], at: Int.random(in: 0..<bytes.count, using: &random))
    case 7: for index in at..<at + min(length, 4) { bytes[index] = 0xff }
    default: for index in at..<at + min(length, 8) { bytes[index] = 0 }
    }
  }
}

/// A square of two triangles with a seam: two materials, one of them textured, normals, colours.
func seamedSquare() -> MeshData {
  let texture = Tensor(
    (0..<48).map { Float(ColorEncoding.sRGB.decode(Double($0 * 5) / 255)) }, shape: [4, 4, 3])
  let image = Image(pixels: texture)
  return MeshData(
    vertices: Tensor([0, 0, 0, 1, 0, 0.1, 1, 1, 1e-7, 0, 1.5, -3] as [Float], shape: [4, 3]),
    faces: Tensor([0, 1, 2, 0, 2, 3] as [Int32], shape: [2, 3]),
    normals: Tensor([0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, -1] as [Float], shape: [4, 3]),
    colors: Tensor([0, 0.2, 1, 1, 1, 1, 0.4, 0.6, 0.8, 0, 0, 0] as [Float], shape: [4, 3]),
    texcoords: Tensor([0, 0, 1, 0, 1, 1, 0.25, 0.5, 0.75, 0.125] as [Float], shape: [5, 2]),
    faceTexcoords: Tensor([0, 1, 2, 3, 2, 4] as [Int32], shape: [2, 3]),
    materials: [
      MeshMaterial(name: "plain", diffuse: [0.25, 0.5, 0.75], specular: [1, 1, 1], shininess: 8),
      MeshMaterial(name: "painted", emission: [0, 0.5, 0], opacity: 0.5, texture: image),
    ], faceMaterials: Tensor([0, 1] as [Int32], shape: [2]))
}
