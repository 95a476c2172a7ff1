import ExampleSupport
import Foundation
import Lumigrad

extension VolumeFromViews {
  /// Held-out views, what the grid shows there, and the difference; its depths; a walk around; the
  /// curve.
  func writePictures(_ fit: Fit, _ heldOut: Capture, _ curve: Curve) throws {
    let drawn = try fit.draw(heldOut.cameras, [.color, .alpha, .depth])
    let colors = try drawn.map { try $0[.color] }
    let shown = 0..<min(4, colors.count)
    let factor = max(1, 160 / heldOut.cameras[0].width)
    func row(_ caption: String, _ images: [Tensor]) -> Canvas {
      Canvas.sheet(
        images.map { Canvas($0.clamped(min: 0, max: 1)).enlarged(factor) }, columns: images.count
      ).captioned(caption)
    }
    try Canvas.column([
      row("views not fitted to", shown.map { heldOut.images[$0] }),
      row("the grid", shown.map { colors[$0] }),
      row("4 x the difference + grey", shown.map { (colors[$0] - heldOut.images[$0]) * 4 + 0.5 }),
      row("depth, near is bright", try shown.map { try Self.shaded(drawn[$0]) }),
    ]).write(to: "\(out)/views.png")
    try walk(fit).write(to: "\(out)/highlight.png")
    let top = (curve.values("new views dB").max() ?? 1) * 1.15
    try curve.plot(
      [("batch dB", Palette.grid), ("new views dB", Palette.blue)], top: top
    ).captioned(String(format: "dB on new views (blue) and on batches, up to %.0f", top))
      .write(to: "\(out)/curve.png")
    print("the pictures are in \(out)")
  }

  /// The highlight moves over the surface as the camera does.
  private func walk(_ fit: Fit) throws -> Canvas {
    let cameras = (0..<5).map {
      Capture.camera(azimuth: 0.1 + 0.35 * Double($0), 0.55, 2 * (quick ? 40 : size))
    }
    let photographs = try Capture.take(cameras).images
    let drawn = try fit.draw(cameras).map { try $0[.color] }
    return Canvas.column([
      Canvas.sheet(photographs.map { Canvas($0) }, columns: 5).captioned("the object"),
      Canvas.sheet(drawn.map { Canvas($0.clamped(max: 1)) }, columns: 5).captioned("the grid"),
    ])
  }

  /// [H, W, 3]: depths of what covers a pixel, from white at 2.5 to dark at 4.7.
  private static func shaded(_ output: RenderOutput) throws -> Tensor {
    let alpha = try output[.alpha]
    // What is behind counts with the far depth of 1000.
    let own = (try output[.depth] - (1 - alpha) * 1000) / alpha.clamped(min: 1e-3)
    let grey = ((4.7 - own) / 2.2).clamped(min: 0, max: 1) * alpha
    return grey.expandingDims(at: 2).broadcast(to: grey.shape + [3])
  }

  /// The grid as arrays, and its surface as a mesh with the mean colours over all directions.
  func export(_ fit: Fit) throws {
    guard case .sparse(let grid) = fit.grid else { return }
    let box = Tensor(
      [grid.lower.x, grid.lower.y, grid.lower.z, grid.upper.x, grid.upper.y, grid.upper.z],
      shape: [2, 3])
    try NPZFile.write(
      [
        "densities": grid.densities, "harmonics": grid.coefficients, "rows": grid.rows, "box": box,
      ], to: "\(out)/grid.npz")
    var mesh = try grid.dense().surface(level: surfaceDensity, closed: true)
    if case .vertexColors(let colors) = mesh.appearance {
      mesh.appearance = .vertexColors((colors + 0.5).clamped(min: 0, max: 1))
    }
    try MeshFile.write(mesh.fileData, to: "\(out)/surface.ply")
    print("grid.npz and surface.ply with \(mesh.faceCount) faces are in \(out)")
  }

  /// Where light falls to a third within a tenth of the box.
  private var surfaceDensity: Double { 5 }
}
