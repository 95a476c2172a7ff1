import Foundation
import LumiRendering
import LumiScene
import LumiTensor

extension ImplicitShape: BenchmarkShape {
  /// Bodies as one field of signed distances in closed form, with colours.
  ///
  /// Several bodies are their union: the smallest distance counts, which inside of two bodies is a
  /// bound. Colours are the bodies', weighted by how near they are, so that seams move with the
  /// bodies. A square becomes a plate of a tenth of a unit behind its face. A deformed body has no closed
  /// form: the way to its triangles from every sample of every ray would cost minutes a picture's check.
  ///
  /// The bounds are the smallest of a row of balls, each a quarter larger than the one before, that
  /// holds the bodies: they do not follow them.
  ///
  /// - Parameters:
  ///   - bodies: at least one.
  ///   - material: matt white. A field has a colour and nothing else.
  ///   - detail: makes no difference.
  /// - Throws: ``UnsupportedScene`` for another material and for deformed bodies.
  public static func representing(
    _ bodies: [Body], material: Material, detail: Int
  ) throws -> ImplicitShape {
    guard material.isMatt else {
      throw UnsupportedScene("a field has a colour, but no material")
    }
    guard bodies.allSatisfy({ $0.deformation == nil }) else {
      throw UnsupportedScene("a deformed body has no distance in closed form")
    }
    let farthest = bodies.map { body in
      body.placed(body.surface(detail: 1).vertices).stoppingGradient().norm(axis: 1).max().value
    }.max()!
    let growths = (log((farthest + 0.05) / VoxelGrid.smallestReach) / log(1.25)).rounded(.up)
    let radius =
      VoxelGrid.smallestReach * (growths > 0 && growths < 1000 ? pow(1.25, growths) : 1)
    return ImplicitShape(BodyField(bodies: bodies), bounds: .ball(radius: radius))
  }

  public var primitiveCount: Int { (field as? BodyField)?.bodies.count ?? 1 }
}

/// The union of bodies as a field of signed distances.
struct BodyField: ImplicitField {
  var bodies: [Body]

  /// Half the thickness of a square's plate, and how far colours go on beyond a body.
  private static let interval = 0.05
  /// How far apart in distance two bodies mix their colours.
  private static let seam = 0.05

  var quantity: FieldQuantity { .signedDistance }
  var dtype: DType { bodies[0].scale.dtype }
  var colorChannels: Int { 3 }

  func values(at points: Tensor) -> Tensor {
    let each = distances(at: points)
    return each.shape[1] == 1 ? each.squeezed(axis: 1) : each.min(axis: 1)
  }

  /// [N, bodies].
  private func distances(at points: Tensor) -> Tensor {
    .stack(
      bodies.map { $0.distances(at: points, interval: Self.interval) }, axis: 1)
  }

  func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    let each = bodies.map { $0.colors(at: points, interval: Self.interval) }
    guard each.count > 1 else { return each[0] }
    let shares = (distances(at: points) * (-2 / Self.seam)).softmax(axis: 1)
    return (shares.expandingDims(at: 2) * .stack(each, axis: 1)).sum(axis: 1)
  }

  func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> BodyField {
    var result = self
    for index in bodies.indices {
      result.bodies[index] = try bodies[index].mapParameters {
        try transform("\(index).\($0)", $1)
      }
    }
    return result
  }
}

extension Body: Parameterized {
  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> Body {
    var result = self
    switch colors {
    case .uniform(let color): result.colors = .uniform(try transform("color", color))
    case .corners(let colors): result.colors = .corners(try transform("colors", colors))
    case .texture(let image): result.colors = .texture(try transform("texture", image))
    }
    result.scale = try transform("scale", scale)
    result.rotation = try transform("rotation", rotation)
    result.translation = try transform("translation", translation)
    return result
  }
}
