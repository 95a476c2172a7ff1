import LumiRendering
import LumiScene
import LumiTensor
import Testing

struct ScreenTests {
  @Test func shorterSideSpansMinusOneToOne() {
    let wide = ScreenSpace(width: 8, height: 4)
    #expect(wide.unitsPerPixel == 0.5 && wide.halfWidth == 2 && wide.halfHeight == 1)
    let tall = ScreenSpace(width: 4, height: 6)
    #expect(tall.unitsPerPixel == 0.5 && tall.halfWidth == 1 && tall.halfHeight == 1.5)
  }

  @Test func centersRunFromTheUpperLeft() {
    let screen = ScreenSpace(width: 4, height: 2)
    let centers = screen.centers(of: Tensor([0, 3, 4, 7] as [Int64]), dtype: .float64)
    #expect(
      centers.scalars(as: Double.self) == [-1.5, 0.5, 1.5, 0.5, -1.5, -0.5, 1.5, -0.5])
  }

  /// A point seen in the middle of a pixel lies on the pixel's centre on the screen.
  @Test(arguments: [(5, 3), (3, 5), (4, 4), (1, 7)])
  func projectionMeetsPixelCentres(_ size: (Int, Int)) {
    let (width, height) = size
    var camera = Camera.perspective(
      from: [0, 0, 2], verticalFieldOfView: 1, width: width, height: height, dtype: .float64)
    camera.principalPoint = Tensor([1.3, 0.4])
    camera.rotation = .eye(3, dtype: .float64)
    camera.translation = .zeros([3], dtype: .float64)
    let focal = camera.focalLength.scalars(as: Double.self)
    for pixel in 0..<width * height {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
      let point = [
        (Double(column) + 0.5 - 1.3) / focal[0] * 2, (Double(row) + 0.5 - 0.4) / focal[1] * 2, 2,
      ]
      let mesh = Mesh(vertices: Tensor([point]), faces: Tensor([[0, 0, 0]] as [[Int32]]))
      let corner = ProjectedMesh(mesh, from: camera).corners.scalars(as: Double.self)
      let center = ScreenSpace(camera).centers(of: Tensor([Int64(pixel)]), dtype: .float64)
        .scalars(as: Double.self)
      #expect(abs(corner[0] - center[0]) < 1e-12 && abs(corner[1] - center[1]) < 1e-12)
      #expect(corner[2] == 2)
    }
  }

  // MARK: Fragments

  static let fragments = Fragments(
    pixels: Tensor([0, 0, 2] as [Int64]), faces: Tensor([0, 1, 1] as [Int32]),
    corners: Tensor(
      [-2.0, -2, 2, 2, -2, 4, 0, 2, 8, -3, -3, 1, 3, -3, 1, 0, 3, 1], shape: [2, 3, 3]),
    screen: ScreenSpace(width: 2, height: 2))

  @Test func barycentricsReproduceTheCentre() {
    let f = Self.fragments
    #expect((f.barycentrics.sum(axis: 1) - 1).abs().max().value < 1e-14)
    let xy = (f.corners.slice(axis: 2, from: 0, to: 2) * f.barycentrics.expandingDims(at: 2))
      .sum(axis: 1)
    #expect((xy - f.centers).abs().max().value < 1e-14)
  }

  @Test func depthsFollowClosedForms() {
    let f = Self.fragments
    let b = f.barycentrics.scalars(as: Double.self)
    let affine = f.depths(f.barycentrics, perspective: false).scalars(as: Double.self)
    let true3D = f.depths(f.barycentrics, perspective: true).scalars(as: Double.self)
    #expect(abs(affine[0] - (2 * b[0] + 4 * b[1] + 8 * b[2])) < 1e-14)
    #expect(abs(true3D[0] - 1 / (b[0] / 2 + b[1] / 4 + b[2] / 8)) < 1e-14)
    let weights = f.perspectiveWeights(f.barycentrics)
    #expect((weights.sum(axis: 1) - 1).abs().max().value < 1e-14)
    let depth = f.interpolate(
      Tensor([2.0, 4, 8, 1, 1, 1], shape: [2, 3, 1]), weights: weights)
    #expect(abs(depth.scalars(as: Double.self)[0] - true3D[0]) < 1e-13)
  }

  @Test func pixelReductions() {
    let f = Self.fragments
    let values = Tensor([1.0, 5, -7])
    #expect(f.sumPerPixel(values).scalars(as: Double.self) == [6, 0, -7, 0])
    #expect(f.maximumPerPixel(values, atLeast: -1).scalars(as: Double.self) == [5, -1, -1, -1])
    let slope = gradient(at: values) { f.maximumPerPixel($0, atLeast: -100).sum() }
    #expect(slope.scalars(as: Double.self) == [0, 1, 1])
  }

  // MARK: Blending

  @Test func unionOfProbabilitiesClosedForm() {
    let f = Self.fragments
    let alpha = Blending.unionOfProbabilities(logits: Tensor([0.0, 1, -800]), f)
      .scalars(as: Double.self)
    let d = 1 / (1 + 1 / 2.718281828459045)
    #expect(abs(alpha[0] - (1 - 0.5 * (1 - d))) < 1e-14)
    #expect(alpha[1] == 0 && alpha[2] == 0 && alpha[3] == 0)
    // A certain face saturates without overflow.
    let sure = Blending.unionOfProbabilities(logits: Tensor([1e5, 1e300, 3]), f)
    #expect(sure.scalars(as: Double.self)[0] == 1)
  }

  @Test func softmaxClosedForm() {
    let f = Self.fragments
    let colors = Tensor([[1.0], [2], [3]])
    let image = Blending.softmax(
      colors, exponents: Tensor([0.0, 1, 900]), f, background: Tensor([10.0]),
      backgroundExponent: Tensor(0.5, dtype: .float64)
    ).scalars(as: Double.self)
    let (e1, eh) = (2.718281828459045, 1.6487212707001282)
    #expect(abs(image[0] - (1 + e1 * 2 + eh * 10) / (1 + e1 + eh)) < 1e-13)
    #expect(image[1] == 10 && image[3] == 10)
    #expect(abs(image[2] - 3) < 1e-13)
  }

  @Test func hardBlendingFillsTheBackground() {
    let f = Fragments(selecting: Tensor([1, 2] as [Int64]), from: Self.fragments)
    let image = Blending.hard(Tensor([[1.0, 2], [3, 4]]), f, background: Tensor([8.0, 9]))
    #expect(image.scalars(as: Double.self) == [1, 2, 8, 9, 3, 4, 8, 9])
  }
}
