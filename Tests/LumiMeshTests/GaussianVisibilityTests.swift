import Foundation
import LumiRendering
import LumiScene
import LumiTensor
import Testing

@testable import LumiMesh

struct GaussianVisibilityTests {
  static func renderer(_ sampling: BlobSampling = .published) -> GaussianVisibilityRenderer {
    var renderer = GaussianVisibilityRenderer()
    renderer.sampling = sampling
    renderer.cutoff = 8
    return renderer
  }

  /// Rays along z through points of the plane z = 0.
  static func rays(_ points: [[Double]]) -> CameraRays {
    CameraRays(
      origins: Tensor(points.map { $0 + [0] }),
      directions: Tensor(points.map { _ in [0.0, 0, 1] }))
  }

  static let cloud = GaussianBlobs(
    centers: Tensor([[0.0, 0, 3], [0.2, 0.1, 4], [-0.3, 0, 2.5]]),
    sigmas: Tensor([0.4, 0.5, 0.3]), densities: Tensor([2.0, 3, 1]),
    colors: Tensor([[1.0, 0, 0], [0.0, 1, 0], [0.0, 0, 1]]))

  // MARK: Values

  /// Light comes from some blob or passes all of them.
  @Test func visibilitiesAndTheRestAddUpToOne() {
    let rays = Self.rays([[0, 0], [0.3, -0.2], [1, 1], [-0.4, 0.1]])
    let seen = Self.cloud.visibility(rays, sampling: .integral(places: 96), cutoff: 20)
    let image = Self.cloud.trace(
      rays, background: Tensor([0.0, 0, 0]), sampling: .integral(places: 96), cutoff: 20)
    let alpha = image.slice(axis: 1, from: 3, to: 4).squeezed(axis: 1)
    #expect((seen.sum(axis: 1) - alpha).largest < 1e-9)
    // The five places lose what is behind the middles.
    let short = Self.cloud.visibility(rays, sampling: .published, cutoff: 20)
    #expect((short.sum(axis: 1) - alpha).largest > 0.01)
  }

  @Test func oneBlobHasAClosedForm() {
    let blob = GaussianBlobs(
      centers: Tensor([[0.0, 0, 9]]), sigmas: Tensor([0.7]), densities: Tensor([1.3]),
      colors: Tensor([[1.0]]))
    for distance in [0.0, 0.4, 1.1] {
      let image = blob.trace(
        Self.rays([[distance, 0]]), background: Tensor([0.0]), sampling: .integral(), cutoff: 20)
      let depth =
        1.3 * 0.7 * (2 * Double.pi).squareRoot() * exp(-distance * distance / (2 * 0.49))
      for value in image.scalars(as: Double.self) {
        #expect(abs(value - (1 - exp(-depth))) < 1e-9)
      }
    }
  }

  /// The error function of the kernel through a case that is nothing else.
  @Test(arguments: [-3.0, -0.7, -0.01, 0, 0.3, 1.7, 4.9])
  func startOfTheRayCutsTheBlob(_ z: Double) {
    let blob = GaussianBlobs(
      centers: Tensor([[0.0, 0, z]]), sigmas: Tensor([1.0]), densities: Tensor([1.0]),
      colors: Tensor([[1.0]]))
    let image = blob.trace(
      Self.rays([[0, 0]]), background: Tensor([0.0]), sampling: .published, cutoff: 20)
    let depth = (Double.pi / 2).squareRoot() * (1 + erf(z / 2.0.squareRoot()))
    #expect(abs(image.scalars(as: Double.self)[1] - (1 - exp(-depth))) < 1e-11)
  }

  /// Neither larger nor smaller than the sphere, and opaque: blobs lie below the surface.
  @Test func sphereIsWhereItIs() throws {
    let sphere = Scene(Mesh.icosphere(subdivisions: 2, dtype: .float64))
    let camera = Scenes.camera(width: 40, height: 30)
    let hard = try HardRasterizer().render(sphere, from: camera)[.alpha]
    func compare(_ renderer: GaussianVisibilityRenderer) throws -> (
      overlap: Double, area: Double, inside: Double
    ) {
      let soft = try renderer.render(sphere, from: camera)[.alpha]
      let both = (soft * hard).sum().value
      return (
        both / (soft + hard - soft * hard).sum().value, soft.sum().value / hard.sum().value,
        both / hard.sum().value
      )
    }
    let found = try compare(GaussianVisibilityRenderer())
    #expect(found.overlap > 0.9, "\(found)")
    #expect(abs(found.area - 1) < 0.05, "\(found)")
    #expect(found.inside > 0.95, "\(found)")
    var onSurface = GaussianVisibilityRenderer()
    onSurface.inset = 0
    #expect(try compare(onSurface).area > 1.3)
  }

  /// A body of eight vertices is more than a lump.
  @Test func coarseMeshesAreRefined() throws {
    var cube = Mesh.cube(dtype: .float64)
    cube.appearance = .vertexColors(
      RandomGenerator.colors(cube.vertexCount))
    let fine = try cube.refined(untilVertices: 60)
    #expect(fine.vertexCount == 98)
    #expect(MeshTopology(fine).isWatertight)
    #expect(abs(fine.faceAreas().sum().value - 6) < 1e-12)
    let renderer = HardRasterizer(channels: [.color])
    let camera = Scenes.camera()
    let (a, b) = (
      try renderer.render(Scene(cube), from: camera)[.color],
      try renderer.render(Scene(fine), from: camera)[.color]
    )
    #expect(a.distance(to: b) < 1e-9)
    #expect(try cube.refined(untilVertices: 8).vertexCount == 8)
    let nothing = Mesh(
      vertices: .zeros([0, 3], dtype: .float64), faces: .zeros([0, 3], dtype: .int32))
    #expect(try nothing.refined(untilVertices: 60).vertexCount == 0)
  }

  /// A sheet has no inside that its blobs could be in.
  @Test func openMeshesKeepTheirBlobsOnTheSurface() {
    let plane = Mesh.plane(columns: 3, rows: 3, dtype: .float64)
    let blobs = GaussianBlobs(
      vertices: plane, colors: .ones([plane.vertexCount, 3], dtype: .float64), scale: 0.4,
      inset: 2, transmittance: 0.05)
    #expect((blobs.centers - plane.vertices).largest == 0)
  }

  /// Where a blob leaves the cutoff or one of its places passes the eye, the picture has no step.
  @Test(arguments: [[3.0, 0, 5], [0, 0, 4], [0, 0, 3], [0, 0, -1]])
  func nothingJumps(_ place: [Double]) {
    func image(_ shift: Double) -> Tensor {
      GaussianBlobs(
        centers: Tensor([place.map { $0 * (1 + shift) }]), sigmas: Tensor([1.0]),
        densities: Tensor([1.3]), colors: Tensor([[1.0]])
      ).trace(Self.rays([[0, 0]]), background: Tensor([0.2]), sampling: .published, cutoff: 3)
    }
    #expect((image(1e-9) - image(-1e-9)).largest < 1e-8)
  }

  @Test(arguments: Scenes.Look.allCases)
  func everyAppearanceGivesItsColours(_ look: Scenes.Look) throws {
    let view = Scenes.view(look)
    let image = try Self.renderer().render(view)[.color]
    #expect(image.isAllFinite)
    // Less than what it is made of: the five places lose some light.
    #expect(image.largest < 2)
    try Self.renderer().check(view, ["mesh.vertices", "background"])
  }

  // MARK: Gradients

  @Test(arguments: [BlobSampling.published, .integral(places: 12)])
  func everyInputOfTheTrace(_ sampling: BlobSampling) throws {
    let rays = Self.rays([[0, 0], [0.3, -0.2], [0.9, 0.7], [-0.4, 0.1]])
    var random = RandomGenerator(seed: 2)
    let weights = random.uniform([4, 4], low: -1, dtype: .float64)
    let inputs = [
      rays.origins, rays.directions, Self.cloud.centers, Self.cloud.sigmas, Self.cloud.densities,
      Self.cloud.colors, Tensor([0.2, 0.5, 0.7]),
    ]
    let names = [
      "origins", "directions", "centers", "sigmas", "densities", "colors", "background",
    ]
    try checkGradients(at: inputs, names: names) { x in
      let blobs = GaussianBlobs(centers: x[2], sigmas: x[3], densities: x[4], colors: x[5])
      // The kernel takes unit directions; their length has no meaning.
      let straight = CameraRays(origins: x[0], directions: x[1].normalized())
      let image = blobs.trace(straight, background: x[6], sampling: sampling, cutoff: 20)
      return (image * weights).sum()
    }
  }

  @Test(arguments: Scenes.cameras)
  func everyCamera(_ camera: (name: String, camera: Camera)) throws {
    let view = Scenes.view(camera: camera.camera)
    try Self.renderer().check(
      view, ["mesh.vertices", "mesh.vertexColors", "camera.rotation", "camera.translation"])
  }

  /// Σ visibility · |difference|² by hand, and its gradient.
  @Test func photoConsistencyIsASumOverBlobs() throws {
    let view = Scenes.view(camera: Scenes.camera(width: 9, height: 7))
    var random = RandomGenerator(seed: 31)
    let photograph = random.uniform([7, 9, 3], dtype: .float64)
    let renderer = Self.renderer()
    let energy = try renderer.photoConsistency(view.scene, with: photograph, from: view.camera)
    let blobs = try renderer.blobs(of: view.scene, from: view.camera)
    let rays = view.camera.rays(through: view.camera.pixelCentres().reshaped([63, 2]))
    let seen = blobs.visibility(rays, sampling: .published, cutoff: 8)
    let alpha = try renderer.render(view)[.alpha].reshaped([63])
    let pixels = photograph.reshaped([63, 1, 3])
    let unlike = (blobs.colors.expandingDims(at: 0) - pixels).square().sum(axis: 2)
    let behind = (view.scene.background - photograph.reshaped([63, 3])).square().sum(axis: 1)
    let expected = ((seen * unlike).sum(axis: 1) + (1 - alpha) * behind).mean().value
    #expect(abs(energy.value - expected) < 1e-12)
    try checkGradients(at: [view.scene.shape.vertices, photograph]) { x in
      var scene = view.scene
      scene.shape.vertices = x[0]
      return try renderer.photoConsistency(scene, with: x[1], from: view.camera)
    }
    #expect(throws: RenderError.self) {
      try renderer.photoConsistency(
        view.scene, with: photograph.slice(axis: 1, from: 0, to: 4), from: view.camera)
    }
  }

  /// What hides something feels it: the reason for the method.
  @Test func occlusionHasAGradient() throws {
    var front = Mesh.icosphere(subdivisions: 1, dtype: .float64)
    front.vertices = front.vertices * 0.3 + Tensor([0.3, 0, 1])
    let back = Mesh.icosphere(subdivisions: 1, dtype: .float64)
    let count = front.vertexCount
    let mesh = Mesh(
      vertices: .concatenate([front.vertices, back.vertices]),
      faces: .concatenate([front.faces, back.faces + Tensor(Double(count), dtype: .int32)]),
      appearance: .vertexColors(
        .concatenate([
          .zeros([count, 3], dtype: .float64), .ones([back.vertexCount, 3], dtype: .float64),
        ])))
    let view = View(scene: Scene(mesh), camera: Scenes.camera(width: 20, height: 20))
    let left = Tensor((0..<20).map { $0 < 10 ? 1.0 : 0 }).reshaped([1, 20, 1])
    func pull(_ renderer: some Renderer<Mesh>) throws -> Double {
      try valueAndGradient(of: view, withRespectTo: ["mesh.vertices"]) {
        try (renderer.render($0)[.color] * left).sum()
      }.gradients["mesh.vertices"]!.slice(axis: 0, from: 0, to: count).largest
    }
    #expect(try pull(Self.renderer()) > 0.1)
    #expect(try pull(HardRasterizer()) == 0)
  }

  // MARK: Hostile input

  @Test func blobsThatAreNoneAreLeftOut() {
    let rays = Self.rays([[0, 0], [0.3, -0.2]])
    var odd = Self.cloud
    odd.centers = .concatenate([
      odd.centers, Tensor([[0.0, 0, .nan], [0.0, 0, 3], [0.0, 0, 3], [.infinity, 0, 0]]),
    ])
    odd.sigmas = .concatenate([odd.sigmas, Tensor([0.4, 0, -1, 0.4])])
    odd.densities = .concatenate([odd.densities, Tensor([1.0, 1, 1, 1])])
    odd.colors = .concatenate([odd.colors, .ones([4, 3], dtype: .float64)])
    func image(_ blobs: GaussianBlobs) -> Tensor {
      blobs.trace(rays, background: Tensor([0.1, 0.2, 0.3]), sampling: .published, cutoff: 5)
    }
    #expect(image(odd).bits == image(Self.cloud).bits)
  }

  @Test func parametersAreNamed() {
    let changes: [(inout GaussianVisibilityRenderer) -> Void] = [
      { $0.sigmaScale = 0 }, { $0.transmittance = 1 }, { $0.transmittance = .nan },
      { $0.cutoff = 0 }, { $0.sigmaScale = .infinity }, { $0.inset = -1 },
    ]
    for change in changes {
      var renderer = GaussianVisibilityRenderer()
      change(&renderer)
      #expect(throws: RenderError.self) { try renderer.render(Scenes.view()) }
    }
  }
}

extension RandomGenerator {
  /// [count, 3] between 0 and 1.
  fileprivate static func colors(_ count: Int) -> Tensor {
    var random = RandomGenerator(seed: 12)
    return random.uniform([count, 3], dtype: .float64)
  }
}
