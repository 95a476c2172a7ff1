import Foundation
import Lumigrad

/// The sixteen photographs of a plaster temple with their masks (Middlebury multi-view set, Seitz
/// et al. 2006).
struct Photographs {
  /// Full size.
  var cameras: [Camera]
  /// [480, 640, 3], linear.
  var images: [Tensor]
  /// [480, 640], 0 or 1.
  var masks: [Tensor]

  /// The tight box of the data's README with a margin of 4 mm, in metres.
  static let lower = SIMD3(-0.073568, 0.021728, -0.012445) - SIMD3(repeating: 0.004)
  static let upper = SIMD3(0.028855, 0.181892, 0.062736) + SIMD3(repeating: 0.004)

  /// - Parameter folder: of the data set; nil is returned where it is missing.
  init?(folder: String) throws {
    guard FileManager.default.fileExists(atPath: folder + "/templeSR_par.txt") else { return nil }
    (cameras, images, masks) = ([], [], [])
    for view in try CalibratedView.read(folder + "/templeSR_par.txt") {
      let image = try ImageFile.read(folder + "/" + view.imageName).color
      let name = (view.imageName as NSString).deletingPathExtension
      let mask = try ImageFile.read(folder + "/masks/\(name)_mask.png", encoding: .linear).pixels
      let (height, width) = (image.shape[0], image.shape[1])
      cameras.append(try Camera(view, width: width, height: height))
      images.append(image)
      masks.append((mask[.all, .all, 0] .> 0.5).cast(to: .float32))
    }
  }

  private init(cameras: [Camera], images: [Tensor], masks: [Tensor]) {
    (self.cameras, self.images, self.masks) = (cameras, images, masks)
  }

  var count: Int { cameras.count }

  func choosing(_ isChosen: (Int) -> Bool) -> Photographs {
    func chosen<Value>(_ values: [Value]) -> [Value] {
      values.indices.filter(isChosen).map { values[$0] }
    }
    return Photographs(cameras: chosen(cameras), images: chosen(images), masks: chosen(masks))
  }

  /// Pixels averaged over squares: masks become coverage.
  func shrunk(by factor: Int) -> Photographs {
    Photographs(
      cameras: cameras.map { $0.shrunk(by: factor) },
      images: images.map { Self.shrink($0, factor) }, masks: masks.map { Self.shrink($0, factor) })
  }

  private static func shrink(_ image: Tensor, _ factor: Int) -> Tensor {
    let (height, width) = (image.shape[0] / factor, image.shape[1] / factor)
    let rest = Array(image.shape.dropFirst(2))
    return image.reshaped([height, factor, width, factor] + rest).mean(axes: [1, 3])
  }
}

extension Camera {
  /// The same view on fewer pixels.
  func shrunk(by factor: Int) -> Camera {
    var result = self
    result.focalLength = focalLength / Double(factor)
    result.principalPoint = principalPoint / Double(factor)
    result.skew = skew / Double(factor)
    (result.width, result.height) = (width / factor, height / factor)
    return result
  }
}

/// Rays of all photographs that pass the box, with what they saw.
struct SeenRays {
  let rays: CameraRays
  /// [R]: how much of the pixel the object covers.
  let coverage: Tensor
  /// int32: rays of pixels that are near an outline.
  let nearOutlines: Tensor

  /// - Parameters:
  ///   - photographs: of the size that is wanted.
  ///   - grid: whose box counts.
  init(_ photographs: Photographs, through grid: VoxelGrid) {
    var (origins, directions, coverages, blurred): ([Tensor], [Tensor], [Tensor], [Tensor]) =
      ([], [], [], [])
    for (camera, mask) in zip(photographs.cameras, photographs.masks) {
      let rays = PixelRays(of: camera).rays
      let hit = RayInterval(of: rays, inBoxFrom: grid.bounds.lower, to: grid.bounds.upper).isHit
      let rows = Self.positions(of: hit)
      origins.append(rays.origins.gather(rows))
      directions.append(rays.directions.gather(rows))
      coverages.append(mask.flattened().gather(rows))
      blurred.append(Self.blurred(mask).flattened().gather(rows))
    }
    rays = CameraRays(
      origins: .concatenate(origins, axis: 0), directions: .concatenate(directions, axis: 0))
    coverage = .concatenate(coverages, axis: 0)
    let share = Tensor.concatenate(blurred, axis: 0)
    nearOutlines = Self.positions(of: (share .> 0.001) .&& (share .< 0.999))
  }

  private init(rays: CameraRays, coverage: Tensor) {
    (self.rays, self.coverage) = (rays, coverage)
    nearOutlines = Tensor([Int32]())
  }

  var count: Int { coverage.count }

  /// int32: half of `count` rays from anywhere, half near outlines.
  func someRows(_ count: Int, _ random: inout RandomGenerator) -> Tensor {
    let anywhere = random.integers([count / 2], below: self.count)
    let near = nearOutlines.gather(
      random.integers([count - count / 2], below: nearOutlines.count))
    return .concatenate([anywhere, near], axis: 0)
  }

  func choosing(_ rows: Tensor) -> SeenRays {
    SeenRays(
      rays: CameraRays(
        origins: rays.origins.gather(rows), directions: rays.directions.gather(rows)),
      coverage: coverage.gather(rows))
  }

  private static func positions(of isChosen: Tensor) -> Tensor {
    let flags = isChosen.cast(to: .int32).scalars(as: Int32.self)
    return Tensor(flags.indices.filter { flags[$0] != 0 }.map(Int32.init))
  }

  /// Means over 9 × 9 pixels.
  private static func blurred(_ mask: Tensor) -> Tensor {
    var result = mask
    for axis in 0..<2 {
      let longer = result.padded(axis: axis, before: 4, after: 4)
      var sum = Tensor.zeros(like: result)
      for shift in 0..<9 {
        sum = sum + longer.slice(axis: axis, from: shift, to: shift + mask.shape[axis])
      }
      result = sum / 9
    }
    return result
  }
}
