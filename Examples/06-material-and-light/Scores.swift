import Foundation
import Lumigrad

/// How far a found look is from the true one.
struct Scores: Sendable {
  /// dB on pictures from views between the photographs', in the same light.
  let newView: Double
  /// dB on the same views in lamps that no photograph shows.
  let newLight: Double
  /// dB of the albedo, as a picture without light.
  let albedo: Double
  /// The angle between the directions to the distant lamp, in degrees.
  let sunAngle: Double
  /// The angle between the directions from the origin to the near lamp, in degrees.
  let bulbAngle: Double
  /// The distance between the places of the near lamp over its distance from the origin.
  let bulbDistance: Double

  /// - Parameters:
  ///   - look: calibrated, see ``Look/calibrated(to:shape:shot:)``.
  ///   - subject: with the truth.
  ///   - size: of the pictures to compare.
  init(_ look: Look, _ subject: Subject, size: Int) throws {
    let shots = Capture.heldOut(size: size)
    let truth = subject.truth
    newView = try Self.compare(look, truth, subject.shape, shots)
    newLight = try Self.compare(subject.relit(look), subject.relit(truth), subject.shape, shots)
    albedo = try Self.compareAlbedo(look, truth, subject.shape, shots)
    sunAngle = Self.angle(look.sunDirection, truth.sunDirection)
    bulbAngle = Self.angle(look.bulbPosition, truth.bulbPosition)
    bulbDistance =
      (look.bulbPosition - truth.bulbPosition).norm().value / truth.bulbPosition.norm().value
  }

  /// Against pictures of the true look that are taken as the photographs were, without noise.
  private static func compare(
    _ look: Look, _ truth: Look, _ shape: Mesh, _ shots: [Capture.Shot]
  ) throws -> Double {
    let real = try Photograph.take(truth, of: shape, shots, noise: 0, seed: 0)
    let renderer = HardRasterizer(shader: .phong, channels: [.color])
    return try peakRatio(real) { shot in
      try renderer.render(look.scene(shape, turn: shot.turn), from: shot.camera)[.color]
    }
  }

  private static func compareAlbedo(
    _ look: Look, _ truth: Look, _ shape: Mesh, _ shots: [Capture.Shot]
  ) throws -> Double {
    let renderer = HardRasterizer(channels: [.color])
    func draw(_ look: Look, _ shot: Capture.Shot) throws -> Tensor {
      try renderer.render(look.unlitScene(shape, turn: shot.turn), from: shot.camera)[.color]
    }
    let masks = try Photograph.take(truth, of: shape, shots, noise: 0, seed: 0)
    let real = try masks.map {
      Photograph(shot: $0.shot, image: try draw(truth, $0.shot), mask: $0.mask)
    }
    return try peakRatio(real) { try draw(look, $0) }
  }

  /// dB over the pixels that the object fills.
  private static func peakRatio(
    _ real: [Photograph], _ draw: (Capture.Shot) throws -> Tensor
  ) throws -> Double {
    var (error, count) = (0.0, 0.0)
    for photograph in real {
      let difference = try draw(photograph.shot) - photograph.image
      error += (difference.square() * photograph.mask).sum().value
      count += 3 * photograph.mask.sum().value
    }
    return decibels(meanSquare: error / count)
  }

  private static func angle(_ a: Tensor, _ b: Tensor) -> Double {
    let cosine = a.normalized().dot(b.normalized()).value
    return acos(min(max(cosine, -1), 1)) * 180 / .pi
  }
}

extension Look {
  /// The one among the looks with the same pictures whose albedo agrees with a reading.
  ///
  /// A colorimeter is held to the middle of what one shot sees and reads the true albedo there,
  /// three numbers. They settle the factors of ``scaled(by:)``, and nothing else.
  func calibrated(to truth: Look, shape: Mesh, shot: Capture.Shot) throws -> Look {
    func reading(_ look: Look) throws -> Tensor {
      let picture = try HardRasterizer(channels: [.color])
        .render(look.unlitScene(shape, turn: shot.turn), from: shot.camera)[.color]
      let (row, column) = (shot.camera.height / 2, shot.camera.width / 2)
      return picture[row - 3..<row + 3, column - 3..<column + 3].mean(axes: [0, 1])
    }
    return scaled(by: try reading(truth) / reading(self))
  }
}
