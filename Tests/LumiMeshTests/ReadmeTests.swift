import Lumigrad
import Testing

/// The example in README.md.
@Test func areaGrowsWithTheSquareOfTheSize() throws {
  let mesh = Mesh.icosphere(subdivisions: 3)
  let camera = Camera.perspective(
    from: [0, 0, 4], verticalFieldOfView: radians(degrees: 40), width: 128, height: 128)
  let renderer = SoftRasterizer.silhouettes

  // How does the covered area grow when the sphere does?
  let size = Tensor(1, dtype: .float32)
  let (area, slope) = try valueAndGradient(at: size) { size in
    var scaled = mesh
    scaled.vertices = mesh.vertices * size
    return try renderer.render(Scene(scaled), from: camera)[.alpha].sum()
  }

  // A sphere of radius s at distance 4 covers π s²/(16 - s²), so d log(area)/ds = 2 + 2/15 at 1.
  // The border is narrower than a pixel, so the sum over pixel centres wavers around that.
  #expect(abs(slope.value / area.value - (2 + 2.0 / 15)) < 0.2)
}
