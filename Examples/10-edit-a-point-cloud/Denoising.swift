import ExampleSupport
import Foundation
import Lumigrad

/// Noise removed through renderings.
///
/// A round draws the cloud from all sides, filters the pictures, and then moves the points so that
/// their pictures become the filtered ones. A pixel mixes the points of a layer as thick as the
/// noise. Its picture holds the means of their places, of the products of these, and of their
/// normals; so the mean squared distance of the mixed points to the pixel's filtered plane is a
/// function of the picture, and its gradient reaches every point that the picture shows.
struct Denoising {
  private(set) var shape: PointCloud
  private let deviation: Double
  private let views: Views

  /// - Parameters:
  ///   - points: [N, 3], with noise.
  ///   - deviation: the noise's standard deviation.
  ///   - views: where to look from.
  init(_ points: Tensor, deviation: Double, views: Views) throws {
    self.deviation = deviation
    self.views = views
    let normals = orientedNormals(
      of: points, neighbours: min(48, points.shape[0] / 12), reach: 2 * deviation,
      seenFrom: views.cameras)
    shape = PointCloud(points: points, normals: normals)
  }

  /// The splats of a cloud from one view. A pixel mixes a layer as thick as the noise. Splats
  /// are large enough for a pixel to mix several points.
  private func splats(_ cloud: PointCloud, _ camera: Camera) throws -> SurfaceSplats {
    var sized = cloud
    sized.radii = .full([cloud.count], 0.04, dtype: .float32)
    let renderer = SurfaceSplatting(
      nearest: nil, thickness: 5 * deviation, channels: [.alpha])
    return try renderer.splats(of: sized, from: camera)
  }

  /// What a view shows now, and what it should show.
  private func targets(_ camera: Camera) throws -> (now: PlaneImage, wanted: PlaneImage) {
    let splats = try splats(shape, camera)
    let now = PlaneImage(
      mask: splats.occupancy(), places: splats.mean(of: shape.points),
      normals: splats.mean(of: shape.normals!))
    let reach = deviation
    let pixels = reach * camera.focalLength.scalars(as: Double.self)[0] / 4
    let wanted = now.filtered(
      reach: Float(reach), turn: 0.5, radius: max(2, Int(2 * pixels)))
    return (now, wanted)
  }

  /// One round: filters the pictures of all views, then takes steps towards them.
  mutating func round(steps: Int) throws {
    let before = self
    let wanted = try concurrently(views.cameras) { Wanted(try before.targets($0).wanted, from: $0) }
    var adam = Adam(
      learningRate: .cosine(initial: 0.15 * deviation, final: 0.03 * deviation, steps: steps))
    var turning = Adam(learningRate: 0.02)
    for _ in 0..<steps {
      let terms = SurfaceRegularizers(points: shape.points, normals: shape.normals!.normalized())
      let scene = Scene(shape)
      let gradients = try gradients(of: scene, terms, wanted)
      var moving = scene
      try adam.update(&moving, gradients: gradients.filter { $0.key == "cloud.points" })
      try turning.update(&moving, gradients: gradients.filter { $0.key == "cloud.normals" })
      shape.points = moving.shape.points
      shape.normals = moving.shape.normals!.normalized()
    }
  }

  /// The gradient of all pictures' mean loss and of the regularisers.
  private func gradients(
    of scene: Scene<PointCloud>, _ terms: SurfaceRegularizers, _ wanted: [Wanted]
  ) throws -> [String: Tensor] {
    let names = ["cloud.points", "cloud.normals"]
    let pictures = try concurrently(Array(wanted.indices)) { index in
      try valueAndGradient(of: scene, withRespectTo: names) { scene in
        wanted[index].loss(
          scene.shape, try splats(scene.shape, views.cameras[index]), deviation)
      }.gradients
    }
    let regular = try valueAndGradient(of: scene, withRespectTo: ["cloud.points"]) { scene in
      terms.projection(of: scene.shape.points) * (0.1 / (deviation * deviation))
        + terms.repulsion(of: scene.shape.points) * 0.1
    }.gradients
    return Dictionary(
      uniqueKeysWithValues: names.map { name in
        let sum = pictures.dropFirst().reduce(pictures[0][name]!) { $0 + $1[name]! }
        let mean = sum / Double(pictures.count)
        return (name, regular[name].map { mean + $0 } ?? mean)
      })
  }

  /// A view's normals as they are and filtered.
  func images(view: Int) throws -> Canvas {
    let (now, wanted) = try targets(views.cameras[view])
    return Canvas.sheet(
      [now, wanted].map { Canvas($0.normalImage * 0.5 + 0.5).enlarged(2) }, columns: 2)
  }
}

/// A filtered picture as a target.
private struct Wanted {
  let mask, normal, place: Tensor
  /// n·P, [height, width].
  private let offset: Tensor
  /// n nᵀ without its mirror, [height, width, 6].
  private let products: Tensor
  private let count: Double

  init(_ image: PlaneImage, from camera: Camera) {
    (normal, place) = (image.normalImage, image.placeImage)
    // What is seen at a slant says little about its depth.
    let toEye = (camera.centre - place).normalized()
    let facing = (normal * toEye).sum(axis: 2).clamped(min: 0)
    mask = image.mask * facing.square()
    offset = (normal * place).sum(axis: 2)
    products = Self.products(normal, doubled: true)
    count = max(mask.sum().value, 1)
  }

  /// xx, yy, zz, xy, yz, zx along the last axis.
  private static func products(_ v: Tensor, doubled: Bool) -> Tensor {
    func part(_ k: Int) -> Tensor { v.slice(axis: -1, from: k, to: k + 1) }
    let mixed = doubled ? 2.0 : 1
    return .concatenate(
      [
        part(0) * part(0), part(1) * part(1), part(2) * part(2), part(0) * part(1) * mixed,
        part(1) * part(2) * mixed, part(2) * part(0) * mixed,
      ], axis: -1)
  }

  /// The mean squared distance of what a pixel mixes to the pixel's plane, in units of the noise,
  /// and how far its normal is from the plane's.
  func loss(_ cloud: PointCloud, _ splats: SurfaceSplats, _ deviation: Double) -> Tensor {
    let features = Tensor.concatenate(
      [cloud.points, Self.products(cloud.points, doubled: false), cloud.normals!.normalized()],
      axis: 1)
    let picture = splats.mean(of: features)
    func part(_ from: Int, _ to: Int) -> Tensor { picture.slice(axis: 2, from: from, to: to) }
    // n·(p - P), squared: n nᵀ : p pᵀ - 2 (n·P) n·p + (n·P)².
    let squares = (part(3, 9) * products).sum(axis: 2)
    let cross = (part(0, 3) * normal).sum(axis: 2) * offset * 2
    let covered = mask * (part(9, 12).square().sum(axis: 2) .> 0).cast(to: .float32)
    let distance = (squares - cross + offset.square()) * covered
    let bent = (part(9, 12) - normal).square().sum(axis: 2) * covered
    return (distance.sum() / (deviation * deviation) + bent.sum() * 0.5) / count
  }
}
