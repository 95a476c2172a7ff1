import Foundation
import LumiScene
import LumiTensor
import Testing

private func points(_ camera: Camera, count: Int = 12) -> Tensor {
  // In front of the camera and within its field of view.
  var random = RandomGenerator(seed: 21)
  let scale = doubles([0.7, 0.5, 1.5])
  let offset = doubles([0, 0, 3.5])
  let local = random.uniform([count, 3], low: -1, high: 1, dtype: .float64) * scale + offset
  return camera.pose.cast(to: .float64).inverse.applied(to: local).cast(to: camera.dtype)
}

extension RigidTransform {
  fileprivate func cast(to dtype: DType) -> Self { mapParameters { $1.cast(to: dtype) } }
}

/// Each model's formula in plain numbers, from camera coordinates to image coordinates.
private func imagePoint(_ camera: Camera, _ p: [Double]) -> (Double, Double) {
  let k = camera.distortion?.scalars(as: Double.self) ?? []
  let (a, b) = (p[0] / p[2], p[1] / p[2])
  let r2 = a * a + b * b
  switch camera.model {
  case .perspective, .thinLens: return (a, b)
  case .orthographic: return (p[0], p[1])
  case .weakPerspective: return (p[0] / camera.meanDepth!.value, p[1] / camera.meanDepth!.value)
  case .quadratic: return (a * (1 + k[0] * r2), b * (1 + k[0] * r2))
  case .brown:
    let radial = 1 + k[0] * r2 + k[1] * r2 * r2 + k[4] * r2 * r2 * r2
    return (
      a * radial + 2 * k[2] * a * b + k[3] * (r2 + 2 * a * a),
      b * radial + k[2] * (r2 + 2 * b * b) + 2 * k[3] * a * b
    )
  case .fisheye:
    let radius = (p[0] * p[0] + p[1] * p[1]).squareRoot()
    let angle = atan2(radius, p[2])
    var bent = angle
    for i in 0..<4 { bent += k[i] * pow(angle, Double(2 * i + 3)) }
    return (p[0] / radius * bent, p[1] / radius * bent)
  }
}

@Test(arguments: Camera.Model.allCases)
func projectionFollowsTheFormula(model: Camera.Model) {
  let camera = exampleCamera(model)
  let world = points(camera)
  let (pixels, depth) = camera.project(world)
  let local = camera.cameraPoints(world)
  for i in 0..<world.shape[0] {
    let p = local[.index(i)].scalars(as: Double.self)
    let (x, y) = imagePoint(camera, p)
    let expected = doubles([90 * x + 1.5 * y + 37, 80 * y + 22])
    let flat = doubles([24 * x + 1.5 * y + 37, 21 * y + 22])
    #expect(
      difference(pixels[.index(i)], model == .orthographic ? flat : expected) < 1e-12)
    #expect(depth[.index(i)].value == p[2])
  }
}

@Test(arguments: Camera.Model.allCases)
func unprojectionInvertsProjection(model: Camera.Model) {
  let camera = exampleCamera(model)
  let world = points(camera)
  let (pixels, depth) = camera.project(world)
  #expect(difference(camera.unproject(pixels: pixels, depth: depth), world) < 1e-12)
  // And from pixels, corners of the image included.
  let grid = camera.pixelCentres()
  let depths = Tensor.full([50, 70], 2.5, dtype: .float64)
  let again = camera.project(camera.unproject(pixels: grid, depth: depths))
  #expect(difference(again.pixels, grid) < 1e-11)
  #expect(difference(again.depth, depths) < 1e-12)
  let single = camera.cast(to: .float32)
  let rough = single.project(
    single.unproject(pixels: grid.cast(to: .float32), depth: depths.cast(to: .float32)))
  #expect(difference(rough.pixels, grid) < 1e-3)
}

@Test(arguments: Camera.Model.allCases)
func raysPassThroughWhatIsSeen(model: Camera.Model) {
  let camera = exampleCamera(model)
  let world = points(camera)
  let rays = camera.rays(through: camera.project(world).pixels)
  #expect(difference(rays.directions.norm(axis: -1), .ones([12], dtype: .float64)) < 1e-14)
  let away = Tensor.cross(world - rays.origins, rays.directions)
  #expect(difference(away, .zeros([12, 3], dtype: .float64)) < 1e-11)
  let ahead = (world - rays.origins).dot(rays.directions)
  #expect(ahead.min().value > 0)
  if model != .orthographic && model != .weakPerspective {
    #expect(difference(rays.origins[0], camera.centre) < 1e-15)
  }
}

@Test(arguments: Camera.Model.allCases)
func projectionDerivatives(model: Camera.Model) throws {
  let camera = exampleCamera(model)
  let world = points(camera, count: 3)
  let names = camera.parameters.map(\.path).filter { $0 != "aperture" && $0 != "focusDistance" }
  let values = try names.map { try camera.parameter($0) }
  func rebuilt(_ x: [Tensor]) -> Camera {
    try! camera.replacing(Dictionary(uniqueKeysWithValues: zip(names, x)))
  }
  try checkGradients(at: values + [world], names: names + ["points"]) { x in
    let (pixels, depth) = rebuilt(x).project(x.last!)
    return Tensor.concatenate([pixels, depth.expandingDims(at: -1)], axis: -1)
  }
  let (pixels, depth) = camera.project(world)
  try checkGradients(
    at: values + [pixels, depth], names: names + ["pixels", "depth"], tolerance: 2e-6
  ) { x in
    rebuilt(x).unproject(pixels: x[names.count], depth: x[names.count + 1])
  }
}

@Test(arguments: [Camera.Model.quadratic, .brown, .fisheye])
func undistortionHasSecondDerivatives(model: Camera.Model) throws {
  let camera = exampleCamera(model)
  let pixels = doubles([12, 40, 61, 9], [2, 2])
  let depth = doubles([2, 3])
  let distortion = camera.distortion!
  try checkGradients(at: [pixels, distortion], tolerance: 1e-5) { x in
    let slopes = gradient(at: x) { y in
      let moved = try! camera.replacing(["distortion": y[1]])
      return (moved.unproject(pixels: y[0], depth: depth) * doubles([1, 2, 3])).sum()
    }
    return Tensor.concatenate(slopes.map { $0.flattened() })
  }
}

@Test func fisheyeSeesMoreThanAHalfSpace() {
  var camera = exampleCamera(.fisheye)
  camera.distortion = .zeros([4], dtype: .float64)
  let angles = [0, 1e-9, 1e-5, 0.1, 0.8, 1.5, 1.6, 2.4, 3]
  for angle in angles {
    let local = doubles([sin(angle) * 0.6, sin(angle) * 0.8, cos(angle)]) * 2
    let pixel = camera.pixels(ofCameraPoints: local)
    let expected = doubles([90 * 0.6 * angle + 1.5 * 0.8 * angle + 37, 80 * 0.8 * angle + 22])
    #expect(difference(pixel, expected) < 1e-12)
    let ray = camera.rays(through: pixel)
    #expect(difference(ray.directions, camera.pose.inverse.rotation.matmul(local / 2)) < 1e-12)
  }
}

@Test func fisheyeDerivativesOnTheAxis() throws {
  let camera = exampleCamera(.fisheye)
  let axis = doubles([0, 0, 2, 1e-6, 0, 3, 0.3, 0.2, -1, 0.9, 0.5, 0.7], [4, 3])
  try checkGradients(at: [axis]) { camera.pixels(ofCameraPoints: $0[0]) }
  let centre = camera.pixels(ofCameraPoints: doubles([0, 0, 1]))
  #expect(difference(centre, camera.principalPoint) == 0)
  try checkGradients(at: [centre]) { camera.rays(through: $0[0]).directions }
}

@Test(arguments: Camera.Model.allCases, [DType.float32, .float64])
func pointsBehindTheCameraStayFinite(model: Camera.Model, dtype: DType) {
  let camera = exampleCamera(model, dtype: dtype)
  let local = Tensor([
    [0.0, 0, 0], [0, 0, -1], [1, 2, 0], [1, 2, -3], [1e-20, 0, 1e-20], [3, 1, 1e-12],
  ]).cast(to: dtype)
  let (value, slope) = valueAndGradient(at: local) {
    camera.pixels(ofCameraPoints: $0).sum()
  }
  #expect(allFinite(value) && allFinite(slope))
  let far = Tensor([[1e6, -1e6], [0, 0], [37, 22]]).cast(to: dtype)
  let (rays, change) = valueAndGradient(at: far) { pixels -> Tensor in
    let rays = camera.rays(through: pixels)
    let world = camera.unproject(pixels: pixels, depth: Tensor.ones([3], dtype: dtype))
    return (rays.directions + rays.origins * 2 + world).sum()
  }
  #expect(allFinite(rays) && allFinite(change))
}

@Test func thinLensRaysMeetInTheFocalPlane() {
  let camera = exampleCamera(.thinLens)
  let pixel = doubles([20, 31])
  let lens = doubles([0, 0, 1, 0, 0, -1, -0.6, 0.5], [4, 2])
  let rays = camera.rays(through: pixel.broadcast(to: [4, 2]), lens: lens)
  let start = camera.cameraPoints(rays.origins)
  #expect(
    difference(start, Tensor.concatenate([lens * 0.15, .zeros([4, 1], dtype: .float64)], axis: 1))
      < 1e-14)
  let direction = rays.directions.matmul(camera.rotation.transposed())
  let reach = (2.8 - start[.all, 2]) / direction[.all, 2]
  let focus = camera.project(rays.origins + rays.directions * reach.expandingDims(at: 1))
  #expect(difference(focus.pixels, pixel.broadcast(to: [4, 2])) < 1e-11)
  let pinhole = exampleCamera(.perspective).rays(through: pixel)
  #expect(difference(rays.directions[0], pinhole.directions) < 1e-15)
  #expect(difference(camera.rays(through: pixel).directions, pinhole.directions) < 1e-15)
}

@Test func fieldOfViewReachesTheEdges() {
  let camera = Camera.perspective(
    from: [0, 0, 4], verticalFieldOfView: radians(degrees: 60), width: 90, height: 60,
    dtype: .float64)
  let edge = 4 * tan(Double.pi / 6)
  let world = doubles([0, edge, 0, 0, -edge, 0, edge, 0, 0, 0, 0, 0], [4, 3])
  let (pixels, depth) = camera.project(world)
  #expect(difference(pixels, doubles([45, 0, 45, 60, 75, 30, 45, 30], [4, 2])) < 1e-12)
  #expect(difference(depth, doubles([4, 4, 4, 4])) < 1e-14)
  #expect(difference(camera.centre, doubles([0, 0, 4])) < 1e-14)
  let flat = Camera.orthographic(
    from: [0, 0, 4], visibleHeight: 3, width: 90, height: 60, dtype: .float64)
  let flatPixels = flat.project(doubles([0, 1.5, -7, 1, 0, 2], [2, 3])).pixels
  #expect(difference(flatPixels, doubles([45, 0, 65, 30], [2, 2])) < 1e-12)
  #expect(camera.near == 0.01 && camera.far == 1000)
  #expect(camera.pixelCentres()[59, 89].scalars(as: Double.self) == [89.5, 59.5])
}

@Test func weakPerspectiveAgreesAtItsDepth() {
  let weak = exampleCamera(.weakPerspective)
  let exact = exampleCamera(.perspective)
  let local = doubles([0.4, -0.3, 3.2])
  #expect(
    difference(weak.pixels(ofCameraPoints: local), exact.pixels(ofCameraPoints: local)) < 1e-12)
}
