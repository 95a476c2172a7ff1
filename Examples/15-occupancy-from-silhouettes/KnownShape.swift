import Foundation
import Lumigrad

/// What the silhouettes are of: a mesh, and cameras around it.
struct KnownShape {
  /// Around the origin, no point farther away than ½.
  let mesh: Mesh
  let side: Int
  let cameras: [Camera]
  /// [side, side] each, 0 or 1.
  let masks: [Tensor]
  let heldOut: [Camera]
  let heldOutMasks: [Tensor]

  /// Where the shape may be.
  static let bounds = FieldBounds.ball(radius: 0.6)

  init(_ mesh: Mesh, views: Int, heldOut: Int, side: Int) {
    let scaled = mesh.centredAndScaled(radius: 0.5)
    self.mesh = scaled
    self.side = side
    cameras = Self.around(views, turn: 0).map { Self.camera(from: $0, side: side) }
    self.heldOut = Self.around(heldOut, turn: 1).map { Self.camera(from: $0, side: side) }
    masks = cameras.map { Self.mask(of: scaled, from: $0) }
    heldOutMasks = self.heldOut.map { Self.mask(of: scaled, from: $0) }
  }

  static func camera(from direction: SIMD3<Double>, side: Int) -> Camera {
    .perspective(
      from: direction * 2.2, verticalFieldOfView: radians(degrees: 28), width: side, height: side)
  }

  /// Directions that are spread over the sphere along a spiral.
  static func around(_ count: Int, turn: Double) -> [SIMD3<Double>] {
    (0..<count).map { index in
      let height = 1 - 2 * (Double(index) + 0.5) / Double(count)
      let angle = Double(index) * .pi * (3 - 5.0.squareRoot()) + turn
      let radius = (1 - height * height).squareRoot()
      return SIMD3(radius * cos(angle), height, radius * sin(angle))
    }
  }

  /// 1 where a mesh is seen at the pixels' centres.
  static func mask(of mesh: Mesh, from camera: Camera) -> Tensor {
    let alpha = try! HardRasterizer(channels: [.alpha]).render(Scene(mesh), from: camera)[.alpha]
    return (alpha .> 0.5).cast(to: .float32)
  }
}
