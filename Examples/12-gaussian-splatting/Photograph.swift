import ExampleSupport
import Foundation
import Lumigrad

/// A picture of the object over black, as stored (encoded for displays), with its camera.
struct Photograph: Sendable {
  let camera: Camera
  /// [h, w, 3].
  let image: Tensor
  /// [h, w]: how much of a pixel the object fills.
  let mask: Tensor

  /// Signal-to-noise ratio in dB of a rendering on the pixels that the object fills.
  func peakSignalToNoise(_ rendering: Tensor) -> Double {
    let inside = (mask .> 0.5).cast(to: .float32).expandingDims(at: 2)
    let squares = ((rendering - image).square() * inside).sum().value
    return -10 * log10(squares / (3 * inside.sum().value))
  }
}

/// What there is to reconstruct: pictures, and one that is kept back.
struct Capture: Sendable {
  let photographs: [Photograph]
  let heldOut: Photograph

  /// The temple's sixteen views at half of their size, one kept back.
  ///
  /// - Parameters:
  ///   - folder: with the par file, the pictures and the masks.
  ///   - heldOut: which view is kept back, from 0.
  static func temple(_ folder: String, heldOut: Int) throws -> Capture {
    let views = try MiddleburyFile.views(folder)
    let photographs = try views.map { view in
      let stem = (view.imageName as NSString).deletingPathExtension
      // As stored: the error, and what viewers show of splats, are about encoded values.
      let image = try ImageFile.read("\(folder)/\(view.imageName)", encoding: .linear).color
      let mask = try ImageFile.read("\(folder)/masks/\(stem)_mask.png", encoding: .linear).color
        .slice(axis: 2, from: 0, to: 1)
      var camera = try Camera(view, width: image.shape[1], height: image.shape[0])
      camera.width /= 2
      camera.height /= 2
      camera.focalLength = camera.focalLength / 2
      camera.principalPoint = camera.principalPoint / 2
      camera.skew = camera.skew / 2
      return Photograph(
        camera: camera, image: (image * mask).averagePooled(by: 2),
        mask: mask.averagePooled(by: 2).squeezed(axis: 2))
    }
    return Capture(photographs, heldOut: heldOut).normalized()
  }

  /// A lit torus of many colours, photographed by the mesh renderer: what needs no data.
  static func torus(views: Int, size: Int) throws -> Capture {
    let mesh = Mesh.torus(
      majorRadius: 0.35, minorRadius: 0.16, majorSegments: 64, minorSegments: 32)
    var colored = mesh
    let waves = (mesh.vertices * Tensor([9, 7, 8] as [Float])).sin() * 0.35 + 0.5
    colored.appearance = .vertexColors(waves)
    let scene = Scene(
      colored,
      lights: [
        .ambient(intensity: .full([3], 0.5)),
        .directional(direction: Tensor([0.4, 0.8, 0.3] as [Float]), intensity: .full([3], 0.5)),
      ])
    let renderer = AntialiasedRasterizer(shader: .gouraud, channels: [.color, .alpha])
    let photographs = try (0..<views + 1).map { index in
      let azimuth = 2 * Double.pi * Double(index) / Double(views + 1)
      let camera = Camera.perspective(
        from: [1.6 * sin(azimuth), 1.1, 1.6 * cos(azimuth)],
        verticalFieldOfView: radians(degrees: 36), width: size, height: size)
      let output = try renderer.render(scene, from: camera)
      return Photograph(camera: camera, image: try output[.color], mask: try output[.alpha])
    }
    return Capture(photographs, heldOut: 0)
  }

  private init(_ all: [Photograph], heldOut: Int) {
    photographs = all.indices.filter { $0 != heldOut }.map { all[$0] }
    self.heldOut = all[heldOut]
  }

  /// The radius of the cameras' places around their mean, times 1.1: the scene's extent, by which
  /// the published method scales steps and sizes.
  var extent: Double {
    let places = Tensor.stack(photographs.map(\.camera.centre))
    let distances = (places - places.mean(axis: 0)).norm(axis: 1)
    return 1.1 * distances.max().value
  }

  /// The same in units in which cameras are about 2 away from what they look at, at the origin:
  /// where it is, is known from the masks only.
  private func normalized() -> Capture {
    let middle = focus
    let distances = photographs.map { ($0.camera.centre - middle).norm().value }
    let scale = distances.reduce(0, +) / Double(distances.count) / 2
    func moved(_ photograph: Photograph) -> Photograph {
      var camera = photograph.camera
      let centre = camera.cameraPoints(middle.expandingDims(at: 0)).squeezed(axis: 0)
      camera.translation = centre / scale
      return Photograph(camera: camera, image: photograph.image, mask: photograph.mask)
    }
    return Capture(photographs.map(moved) + [moved(heldOut)], heldOut: photographs.count)
  }

  /// The point nearest to all rays through the masks' centroids.
  private var focus: Tensor {
    var (matrix, sum) = (Tensor.zeros([3, 3]), Tensor.zeros([3, 1]))
    for photograph in photographs {
      let weight = photograph.mask.expandingDims(at: 2)
      let pixel = (photograph.camera.pixelCentres() * weight).sum(axes: [0, 1]) / weight.sum()
      let rays = photograph.camera.rays(through: pixel.expandingDims(at: 0))
      let across = Tensor.eye(3) - rays.directions.transposed().matmul(rays.directions)
      matrix = matrix + across
      sum = sum + across.matmul(rays.origins.transposed())
    }
    return (try? Tensor.solve(matrix, sum))?.reshaped([3]) ?? .zeros([3])
  }
}

extension Capture {
  /// Random points of the visual hull, [N, 3], with the mean of the colours that the pictures show
  /// there: where Gaussians start.
  func hullPoints(_ count: Int, random: inout RandomGenerator) -> (points: Tensor, colors: Tensor) {
    var (points, colors): ([Float], [Float]) = ([], [])
    // Cameras are about 2 away: the object is within the sphere that they all see.
    var attempts = 0
    while points.count < 3 * count && attempts < 400 {
      attempts += 1
      let candidates = random.uniform([20_000, 3], low: -0.8, high: 0.8)
      let seen = photographs.map { $0.look(at: candidates) }
      let cells = candidates.scalars(as: Float.self)
      for row in 0..<20_000 where points.count < 3 * count {
        guard seen.allSatisfy({ $0.mask[row] > 0.5 }) else { continue }
        points += cells[3 * row..<3 * row + 3]
        for channel in 0..<3 {
          let sum = seen.reduce(Float(0)) { $0 + $1.colors[3 * row + channel] }
          colors.append(sum / Float(seen.count))
        }
      }
    }
    return (
      Tensor(points, shape: [points.count / 3, 3]), Tensor(colors, shape: [colors.count / 3, 3])
    )
  }
}

extension Photograph {
  /// Mask and colours of the pixels where points are seen; 0 outside of the picture.
  fileprivate func look(at points: Tensor) -> (mask: [Float], colors: [Float]) {
    let pixels = camera.project(points).pixels.scalars(as: Float.self)
    let (masks, image) = (mask.scalars(as: Float.self), image.scalars(as: Float.self))
    var result = (
      mask: [Float](repeating: 0, count: points.shape[0]),
      colors: [Float](repeating: 0, count: 3 * points.shape[0])
    )
    for row in 0..<points.shape[0] {
      let (x, y) = (pixels[2 * row], pixels[2 * row + 1])
      guard x >= 0, y >= 0, x < Float(camera.width), y < Float(camera.height) else { continue }
      let pixel = Int(y) * camera.width + Int(x)
      result.mask[row] = masks[pixel]
      for channel in 0..<3 { result.colors[3 * row + channel] = image[3 * pixel + channel] }
    }
    return result
  }
}

/// The par file of a Middlebury set.
private enum MiddleburyFile {
  static func views(_ folder: String) throws -> [CalibratedView] {
    let name = try FileManager.default.contentsOfDirectory(atPath: folder)
      .first { $0.hasSuffix("_par.txt") }
    return try CalibratedView.read("\(folder)/\(name ?? "templeSR_par.txt")")
  }
}
