import Foundation
import Lumigrad

/// A car in the world: its shape and where it stands.
struct Truth: Sendable {
  let car: Car
  let pose: ObjectPose

  /// On the road y = 0 with any heading; tilted too, if asked for.
  static func random(_ car: Car, isTilted: Bool, using random: inout RandomGenerator) -> Truth {
    func number(_ low: Double, _ high: Double) -> Double {
      .random(in: low...high, using: &random)
    }
    var turn = Rotation.exponential(Tensor([0, number(-.pi, .pi), 0]).cast(to: .float32))
    if isTilted {
      let tilt = Tensor([number(-0.35, 0.35), 0, number(-0.35, 0.35)]).cast(to: .float32)
      turn = Rotation.exponential(tilt).matmul(turn)
    }
    let scale = number(2.2, 2.8)
    return Truth(
      car: car,
      pose: ObjectPose(
        rotation: Rotation.quaternion(matrix: turn),
        translation: Tensor([number(-1.2, 1.2), 0.28 * scale, number(-1, 1)]).cast(to: .float32),
        scale: Tensor(scalar: Float(scale))))
  }
}

/// What the sensor says: one depth image, and which pixels are the car's.
struct Observation: Sendable {
  let camera: Camera
  /// [H, W], camera z, 0 where nothing was measured.
  let depth: Tensor
  /// [H, W], 0 or 1.
  let mask: Tensor
  /// [N, 3]: the measured points in the world.
  let points: Tensor
  /// [N, 3]: object coordinates from -1 to 1 at the measured points, as a network would predict them.
  let coordinates: Tensor
  /// [H, W, 1]: how many pixels away the mask is, 0 inside.
  let distanceToMask: Tensor

  /// - Parameters:
  ///   - truth: what is seen.
  ///   - camera: from where.
  ///   - depthNoise: standard deviation in world units.
  ///   - coordinateNoise: standard deviation of object coordinates in units of the object.
  ///   - seed: of the noise.
  init(
    of truth: Truth, from camera: Camera, depthNoise: Double, coordinateNoise: Double, seed: UInt64
  ) throws {
    self.camera = camera
    let (seen, distances) = Self.traced(truth, camera)
    var random = RandomGenerator(seed: seed)
    let shape = [camera.height, camera.width]
    mask = seen.reshaped(shape)
    let along = PixelRays(of: camera).depthPerDistance
    let noise = random.normal([seen.count], deviation: depthNoise)
    depth = ((distances * along + noise) * seen).reshaped(shape)
    points = try DepthImage(depth: depth, camera: camera).pointCloud().points
    let exact = PixelRays(of: camera).rays
    let hits = exact.origins + exact.directions * distances.expandingDims(at: 1)
    let flags = seen.scalars(as: Float.self)
    let rows = Tensor(flags.indices.filter { flags[$0] > 0 }.map(Int64.init))
    let own = truth.pose.inverse(of: hits.gather(rows))
    coordinates = own + random.normal(own.shape, deviation: coordinateNoise)
    distanceToMask = Self.distances(to: mask)
  }

  /// Every pixel's ray, followed through the closed form: 1 where it meets the car, and how far away.
  private static func traced(_ truth: Truth, _ camera: Camera) -> (seen: Tensor, distances: Tensor)
  {
    let rays = PixelRays(of: camera).rays
    let scale = truth.pose.scale
    var travelled = Tensor.zeros([camera.height * camera.width]) + 4
    var value = travelled
    for _ in 0..<90 {
      let places = rays.origins + rays.directions * travelled.expandingDims(at: 1)
      value = truth.car.values(at: truth.pose.inverse(of: places)) * scale
      travelled = (travelled + value * 0.9).clamped(max: 40)
    }
    return ((value.abs() .< 0.01).cast(to: .float32), travelled)
  }

  private static func distances(to mask: Tensor) -> Tensor {
    let (height, width) = (mask.shape[0], mask.shape[1])
    let flags = mask.scalars(as: Float.self)
    let inside = flags.indices.filter { flags[$0] > 0 }
    var result = [Float](repeating: 0, count: flags.count)
    for pixel in flags.indices where flags[pixel] == 0 {
      var least = Float(height + width)
      for other in inside {
        let (dy, dx) = (Float(pixel / width - other / width), Float(pixel % width - other % width))
        least = min(least, (dx * dx + dy * dy).squareRoot())
      }
      result[pixel] = least
    }
    return Tensor(result, shape: [height, width, 1])
  }
}
