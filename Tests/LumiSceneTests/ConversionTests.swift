import Foundation
import LumiScene
import LumiTensor
import Testing

private let world = doubles(
  [0.3, -0.2, 0.1, -0.5, 0.4, 0.2, 0.1, 0.6, -0.3, -0.2, -0.4, 0.5], [4, 3])

/// Whether two cameras put every point at the same pixel and depth.
private func agree(_ a: Camera, _ b: Camera, _ tolerance: Double = 1e-10) -> Bool {
  let (p, q) = (a.project(world), b.project(world))
  return difference(p.pixels, q.pixels) < tolerance && difference(p.depth, q.depth) < tolerance
    && difference(a.rotation, b.rotation) < tolerance && a.width == b.width && a.height == b.height
}

// MARK: OpenGL and Blender

@Test func openGLCameraLooksAlongMinusZ() throws {
  let pose = try RigidTransform(openGLCameraToWorld: .eye(4, dtype: .float64))
  let seen = pose.applied(to: doubles([1, 2, -5]))
  #expect(difference(seen, doubles([1, -2, 5])) == 0)
}

@Test func openGLRoundTrip() throws {
  var camera = exampleCamera(.perspective)
  camera.near = 0.5
  camera.far = 40
  let matrix = camera.pose.openGLCameraToWorld
  // Camera-to-world: the last column is the eye.
  #expect(difference(matrix[.range(0..<3), 3], camera.centre) < 1e-14)
  let again = try Camera(
    openGLCameraToWorld: matrix, projection: camera.openGLProjection, width: 70, height: 50)
  #expect(agree(camera, again))
  #expect(difference(camera.skew, again.skew) < 1e-12)
  #expect(abs(again.near - 0.5) < 1e-12 && abs(again.far - 40) < 1e-9)
}

@Test func openGLClipCoordinatesMatchPixels() throws {
  var camera = exampleCamera(.perspective)
  camera.near = 0.5
  camera.far = 40
  let toCamera = try camera.pose.openGLCameraToWorld.inverse()
  let one = Tensor.ones([4, 1], dtype: .float64)
  let clip = Tensor.concatenate([world, one], axis: 1)
    .matmul(toCamera.transposed()).matmul(camera.openGLProjection.transposed())
  let normalised = clip / clip[.all, .range(3..<4)]
  let (pixels, depth) = camera.project(world)
  #expect(difference((normalised[.all, 0] + 1) * 35, pixels[.all, 0]) < 1e-12)
  #expect(difference((1 - normalised[.all, 1]) * 25, pixels[.all, 1]) < 1e-12)
  // Depth d has z = (f + n - 2 f n / d)/(f - n).
  #expect(difference(normalised[.all, 2], (40.5 - 40 / depth) / 39.5) < 1e-12)
}

// MARK: PyTorch3D

@Test func pyTorch3DReference() throws {
  let file = try reference("mesh/cameras-pytorch3d.json")
  let inputs = try #require(file["inputs"] as? [String: Any])
  let expected = try #require(file["expected"] as? [String: Any])
  func number(_ key: String) throws -> Double { try #require(inputs[key] as? Double) }
  let pose = RigidTransform.pyTorch3DLookAt(
    distance: try number("distance"), elevation: radians(degrees: try number("elevation")),
    azimuth: radians(degrees: try number("azimuth")), dtype: .float64)
  let (rotation, translation) = pose.pyTorch3D
  #expect(difference(rotation, try tensor(expected["R"])) < 1e-10)
  #expect(difference(translation, try tensor(expected["T"])) < 1e-10)
  let (near, far) = (try number("znear"), try number("zfar"))
  let camera = try Camera(
    pose: pose, pyTorch3DFieldOfView: radians(degrees: try number("fov_degrees")), width: 64,
    height: 64, near: near, far: far)
  #expect(difference(camera.centre, try tensor(expected["camera_center"])) < 1e-10)
  let (pixels, depth) = camera.project(try tensor(inputs["points"]))
  let (view, ndc) = (try tensor(expected["view"]), try tensor(expected["ndc"]))
  #expect(difference(depth, view[.all, 2]) < 1e-10)
  #expect(difference(1 - pixels / 32, ndc[.all, .range(0..<2)]) < 1e-10)
  #expect(difference((far - far * near / depth) / (far - near), ndc[.all, 2]) < 1e-10)
  // Row vectors.
  #expect(difference(try tensor(inputs["points"]).matmul(rotation) + translation, view) < 1e-10)
}

@Test func pyTorch3DRoundTrips() throws {
  var camera = exampleCamera(.perspective)
  camera.skew = Tensor(0, dtype: .float64)
  let (rotation, translation) = camera.pose.pyTorch3D
  let pose = try RigidTransform(pyTorch3DRotation: rotation, translation: translation)
  #expect(difference(pose.matrix, camera.pose.matrix) < 1e-15)
  let (focal, principal) = camera.pyTorch3DIntrinsics
  let again = try Camera(
    pose: pose, pyTorch3DFocalLength: focal, principalPoint: principal, width: 70, height: 50)
  #expect(agree(camera, again))
  let screen = try Camera(
    pose: pose, pyTorch3DScreenFocalLength: camera.focalLength,
    principalPoint: camera.principalPoint, width: 70, height: 50)
  #expect(agree(camera, screen))
  // Its projection: x to the left, units of half the shorter side, image centre at 0.
  let view = world.matmul(rotation) + translation
  let ndc = view[.all, .range(0..<2)] / view[.all, .range(2..<3)] * focal + principal
  let pixels = doubles([35, 25]) - ndc * 25
  #expect(difference(pixels, camera.project(world).pixels) < 1e-12)
}

@Test func pyTorch3DFieldOfViewSpansTheShorterSide() throws {
  let pose = RigidTransform.pyTorch3DLookAt(distance: 2, elevation: 0, azimuth: 0, dtype: .float64)
  let angle = radians(degrees: 50)
  let wide = try Camera(pose: pose, pyTorch3DFieldOfView: angle, width: 200, height: 80)
  let top = wide.project(doubles([0, 2 * tan(angle / 2), 0])).pixels
  #expect(difference(top, doubles([100, 0])) < 1e-12)
  let stretched = try Camera(
    pose: pose, pyTorch3DFieldOfView: angle, aspectRatio: 1.6, width: 80, height: 200)
  let back = try stretched.pyTorch3DFieldOfView()
  #expect(abs(back.angle - angle) < 1e-14 && abs(back.aspectRatio - 1.6) < 1e-14)
  #expect(throws: SceneError.self) { try exampleCamera(.perspective).pyTorch3DFieldOfView() }
}

// MARK: COLMAP

@Test(arguments: ColmapModel.allCases)
func colmapRoundTrip(model: ColmapModel) throws {
  let all = [
    ColmapModel.simplePinhole: [80, 33, 24], .pinhole: [80, 85, 33, 24],
    .simpleRadial: [80, 33, 24, 0.1], .radial: [80, 33, 24, 0.1, -0.02],
    .openCV: [80, 85, 33, 24, 0.1, -0.02, 0.003, 0.004],
    .openCVFisheye: [80, 85, 33, 24, 0.1, -0.02, 0.003, 0.004],
  ]
  let parameters = try #require(all[model])
  let pose = RigidTransform.exponential(doubles([0.1, -0.2, 3.5, 0.4, -0.3, 0.2]))
  let quaternion = Rotation.quaternion(matrix: pose.rotation).scalars(as: Double.self)
  let camera = try Camera(
    colmapModel: model, parameters: parameters, quaternion: quaternion.map { $0 * -2 },
    translation: [0.1, -0.2, 3.5], width: 70, height: 50, dtype: .float64)
  let back = try camera.colmap()
  // Two radial coefficients have no model of their own here: the general one holds them.
  #expect(back.model == (model == .radial ? .openCV : model))
  #expect(
    back.parameters == (model == .radial ? [80, 80, 33, 24, 0.1, -0.02, 0, 0] : parameters))
  #expect(difference(doubles(back.quaternion), doubles(quaternion)) < 1e-14)
  let again = try Camera(
    colmapModel: back.model, parameters: back.parameters, quaternion: back.quaternion,
    translation: back.translation, width: 70, height: 50, dtype: .float64)
  #expect(agree(camera, again))
}

@Test func colmapSimpleRadialFollowsTheFormula() throws {
  let camera = try Camera(
    colmapModel: .simpleRadial, parameters: [80, 33, 24, 0.1], quaternion: [1, 0, 0, 0],
    translation: [0, 0, 0], width: 70, height: 50, dtype: .float64)
  let pixel = camera.project(doubles([0.6, -0.4, 2])).pixels
  let bend = 1 + 0.1 * (0.09 + 0.04)
  #expect(difference(pixel, doubles([33 + 80 * 0.3 * bend, 24 - 80 * 0.2 * bend])) < 1e-13)
}

// MARK: Projection matrices: IDR and Middlebury

@Test(arguments: [1, -3.7])
func idrRoundTrip(factor: Double) throws {
  let camera = exampleCamera(.perspective)
  let scale = doubles([2.5, 0, 0, 0.3, 0, 2.5, 0, -0.7, 0, 0, 2.5, 1.1, 0, 0, 0, 1], [4, 4])
  let matrix = try camera.idrWorldMatrix(scaleMatrix: scale)
  // A point of the normalised world, through both matrices, at integer pixel centres.
  let point = doubles([0.2, -0.1, 0.3, 1])
  let image = matrix.matmul(scale).matmul(point)
  let pixel = image[.range(0..<2)] / image[2]
  #expect(difference(pixel + 0.5, camera.project(doubles([0.2, -0.1, 0.3])).pixels) < 1e-11)
  let again = try Camera(
    idrWorldMatrix: matrix * factor, scaleMatrix: scale, width: 70, height: 50, dtype: .float64)
  #expect(agree(camera, again))
  #expect(difference(camera.skew, again.skew) < 1e-11)
  #expect(difference(camera.focalLength, again.focalLength) < 1e-11)
}

@Test func projectionMatrixRoundTrip() throws {
  let camera = exampleCamera(.perspective)
  let again = try Camera(
    projectionMatrix: camera.projectionMatrix * 0.02, width: 70, height: 50, dtype: .float64)
  #expect(agree(camera, again))
}

@Test func middleburyRoundTrip() throws {
  let k = doubles([1520.4, 0.3, 302.32, 0, 1525.9, 246.87, 0, 0, 1], [3, 3])
  let pose = RigidTransform.exponential(doubles([0.02, -0.03, 1.6, 2.1, -1.2, 0.4]))
  let camera = try Camera(
    middleburyCalibration: k, rotation: pose.rotation, translation: pose.translation, width: 640,
    height: 480)
  let image = k.matmul(pose.applied(to: world).transposed()).transposed()
  let pixels = image[.all, .range(0..<2)] / image[.all, .range(2..<3)]
  #expect(difference(camera.project(world).pixels, pixels + 0.5) < 1e-9)
  let back = camera.middlebury
  #expect(difference(back.calibration, k) < 1e-12)
  #expect(difference(back.rotation, pose.rotation) == 0)
  #expect(difference(back.translation, pose.translation) == 0)
}

// MARK: transforms.json

@Test func transformsRoundTrip() throws {
  let pose = RigidTransform.exponential(doubles([0.1, -0.2, 3.5, 0.4, -0.3, 0.2]))
  let camera = try Camera(
    cameraAngleX: 0.7, transformMatrix: pose.openGLCameraToWorld, width: 80, height: 50)
  #expect(difference(camera.pose.matrix, pose.matrix) < 1e-14)
  let edge = camera.unproject(pixels: doubles([80, 25]), depth: Tensor(1, dtype: .float64))
  let local = camera.cameraPoints(edge)
  #expect(difference(local, doubles([tan(0.35), 0, 1])) < 1e-14)
  let back = try camera.transforms()
  #expect(abs(back.cameraAngleX - 0.7) < 1e-14)
  #expect(difference(back.transformMatrix, pose.openGLCameraToWorld) < 1e-14)
  #expect(throws: SceneError.self) { try exampleCamera(.perspective).transforms() }
}

// MARK: Soft Rasterizer

/// The note's formulas in plain numbers: normalised image coordinates and depth.
private func softRas(_ eye: SIMD3<Double>, _ point: SIMD3<Double>, _ half: Double) -> [Double] {
  func unit(_ v: SIMD3<Double>) -> SIMD3<Double> { v / (v * v).sum().squareRoot() }
  func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
    [a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x]
  }
  let z = unit(-eye)
  let x = unit(cross([0, 1, 0], z))
  let y = unit(cross(z, x))
  let p = point - eye
  let depth = (p * z).sum()
  return [(p * x).sum() / (depth * tan(half)), (p * y).sum() / (depth * tan(half)), depth]
}

@Test(arguments: [(0.0, 0.0), (20, 150), (-60, -15), (80, 200), (10, 359)])
func softRasProjection(elevation: Double, azimuth: Double) throws {
  let view = SoftRasView(
    distance: 2.732, elevationDegrees: elevation, azimuthDegrees: azimuth,
    halfViewingAngleDegrees: 15)
  let size = 64
  let camera = try Camera(softRas: view, size: size, dtype: .float64)
  #expect(abs(camera.rotation.determinant().value - 1) < 1e-14)
  #expect(camera.focalLength[0].value < 0)
  let (pixels, depth) = camera.project(world)
  for i in 0..<4 {
    let p = world[.index(i)].scalars(as: Double.self)
    let expected = softRas(view.eye, [p[0], p[1], p[2]], radians(degrees: 15))
    // Pixel centre c has x = (2c + 1 - S)/S and row r has y = (S - 1 - 2r)/S.
    let x = 2 * pixels[.index(i), 0].value / Double(size) - 1
    let y = 1 - 2 * pixels[.index(i), 1].value / Double(size)
    #expect(abs(x - expected[0]) < 1e-12 && abs(y - expected[1]) < 1e-12)
    #expect(abs(depth[.index(i)].value - expected[2]) < 1e-12)
  }
  let back = try camera.softRasView()
  #expect(abs(back.distance - 2.732) < 1e-12)
  #expect(abs(back.elevation - view.elevation) < 1e-12)
  #expect(abs(sin(back.azimuth) - sin(view.azimuth)) < 1e-12)
  #expect(abs(cos(back.azimuth) - cos(view.azimuth)) < 1e-12)
  #expect(abs(back.halfViewingAngle - view.halfViewingAngle) < 1e-12)
}

@Test func softRasOrthogonalScalesAxes() throws {
  let camera = try Camera(
    softRasOrthogonalEye: [0, 0, -2.7], scale: 0.8, size: 50, dtype: .float64)
  // From -z, SoftRas draws +x to the right.
  let pixel = camera.project(doubles([0.5, 0.25, 0.3])).pixels
  #expect(difference(pixel, doubles([25 + 25 * 0.4, 25 - 25 * 0.2])) < 1e-13)
  #expect(throws: SceneError.self) { try camera.softRasView() }
  #expect(throws: SceneError.self) { try exampleCamera(.perspective).softRasView() }
}

// MARK: Bad input

@Test func convertersRefuseWhatTheyCannotUse() {
  let eye = Tensor.eye(4, dtype: .float64)
  let nan = eye * .nan
  let mirror = eye * doubles([-1, 1, 1, 1])
  let singular = Tensor.zeros([4, 4], dtype: .float64)
  for bad in [nan, mirror, singular, .eye(3, dtype: .float64), eye.cast(to: .int32)] {
    #expect(throws: SceneError.self) { try RigidTransform(openGLCameraToWorld: bad) }
    #expect(throws: SceneError.self) {
      try Camera(cameraAngleX: 0.7, transformMatrix: bad, width: 8, height: 8)
    }
  }
  for bad in [nan, singular, .eye(3, dtype: .float64)] {
    #expect(throws: SceneError.self) {
      try Camera(idrWorldMatrix: bad, scaleMatrix: eye, width: 8, height: 8)
    }
  }
  #expect(throws: SingularMatrixError.self) {
    try exampleCamera(.perspective).idrWorldMatrix(scaleMatrix: singular)
  }
  for angle in [0, -1, Double.pi, .nan, .infinity] {
    #expect(throws: SceneError.self) {
      try Camera(cameraAngleX: angle, transformMatrix: eye, width: 8, height: 8)
    }
    #expect(throws: SceneError.self) {
      try Camera(softRasEye: [0, 0, -1], halfViewingAngle: angle, size: 8)
    }
  }
  #expect(throws: SceneError.self) {
    try Camera(cameraAngleX: 1, transformMatrix: eye, width: 0, height: -8)
  }
  for (parameters, quaternion) in [
    ([1.0, 2], [1.0, 0, 0, 0]), ([1, 2, .nan], [1, 0, 0, 0]), ([1, 2, 3], [0, 0, 0, 0]),
    ([1, 2, 3], [1, 0, 0]), ([], []),
  ] {
    #expect(throws: SceneError.self) {
      try Camera(
        colmapModel: .simplePinhole, parameters: parameters, quaternion: quaternion,
        translation: [0, 0, 0], width: 8, height: 8)
    }
  }
  let lower = doubles([1, 0, 0, 4, 1, 0, 0, 0, 1], [3, 3])
  #expect(throws: SceneError.self) {
    try Camera(
      middleburyCalibration: lower, rotation: .eye(3, dtype: .float64),
      translation: doubles([0, 0, 0]), width: 8, height: 8)
  }
  #expect(throws: SceneError.self) {
    try Camera(openGLCameraToWorld: eye, projection: eye, width: 8, height: 8)
  }
  #expect(throws: SceneError.self) {
    try RigidTransform(
      pyTorch3DRotation: .ones([3, 3], dtype: .float64), translation: doubles([0, 0, 0]))
  }
}
