import Foundation
import Lumigrad

/// The views to fit and the sphere to start from.
struct Views {
  /// [views, 64, 64]: what to fit. 1 where the files' alpha is above the threshold, else 0.
  let silhouettes: Tensor
  /// [views, 64, 64]: the files' alpha itself, which fades over about a pixel.
  let coverage: Tensor
  let cameras: [Camera]
  /// A sphere of 642 vertices and radius ½.
  let sphere: Mesh

  var count: Int { cameras.count }

  /// Half of the field of view of the cameras, which the files do not tell.
  static let halfViewingAngleDegrees = 15.0

  /// Reads source.npy, camera.npy and sphere_642.obj. Errors name the file.
  init(folder: String, flip: Flip? = nil, threshold: Double? = 0) throws {
    let folder = URL(fileURLWithPath: folder).path
    let pictures = "\(folder)/source.npy"
    let images = try NPYFile.read(pictures).tensor
    guard images.rank == 4, images.shape[1] == 4, images.shape[2] == images.shape[3] else {
      throw ExampleError("\(pictures): shape \(images.shape), expected [views, 4, size, size]")
    }
    let alpha = images.slice(axis: 1, from: 3, to: 4).squeezed(axis: 1)
    coverage = alpha.cast(to: .float32) / 255
    // Against a fractional target no mesh could reach more than 0.839, not even the true one.
    silhouettes = threshold.map { [coverage] in (coverage .> $0).cast(to: .float32) } ?? coverage

    let orbits = try OrbitView.read("\(folder)/camera.npy")
    guard orbits.count == images.shape[0] else {
      throw ExampleError(
        "\(folder)/camera.npy: \(orbits.count) views for \(images.shape[0]) images")
    }
    cameras = try orbits.map { try Views.camera($0, size: images.shape[2], flip) }
    var mesh = try Mesh(contentsOf: "\(folder)/sphere_642.obj")
    mesh.vertices = mesh.vertices * 0.5
    sphere = mesh
  }

  private static func camera(_ view: OrbitView, size: Int, _ flip: Flip?) throws -> Camera {
    var view = view
    if flip == .azimuth { view.azimuthDegrees.negate() }
    if flip == .elevation { view.elevationDegrees.negate() }
    var camera = try Camera(view, halfViewingAngleDegrees: halfViewingAngleDegrees, size: size)
    if flip == .mirror { camera.focalLength *= Tensor([Float(-1), 1]) }
    if flip == .upsideDown { camera.focalLength *= Tensor([Float(1), -1]) }
    return camera
  }

  /// The silhouettes and the cameras of some views.
  func choose(_ indices: [Int]) -> (silhouettes: Tensor, cameras: [Camera]) {
    (silhouettes.gather(Tensor(indices.map { Int64($0) })), indices.map { cameras[$0] })
  }
}

struct ExampleError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
