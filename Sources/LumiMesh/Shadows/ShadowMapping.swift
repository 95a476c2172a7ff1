import Foundation
import LumiRendering
import LumiScene
import LumiTensor

/// Soft shadow maps, whose derivative moves shadows (the open problem of survey 2.7).
///
/// Computes: for every directional, point and spot light a picture of the mesh from the light that
/// holds the depth and its square, with outlines antialiased (``AntialiasedRasterizer``), blurred,
/// and looked up where the light arrives. From the two moments μ and σ² of the depths around the place where a
/// point at depth d is seen, Chebyshev's inequality bounds the share that is not nearer than d:
///
///     p = 1 for d ≤ μ,   σ²/(σ² + (d - μ)²) beyond,   then max(0, (p - b)/(1 - b)).
///
/// For one flat caster over a flat receiver that bound is exact: p is the filtered share of the
/// caster's silhouette that is missing. Casters' outlines move by the blend's derivative; light and
/// receivers move by those of the light's camera and of the look-up. All of it is the derivative of
/// the picture, fitting the camera to the mesh included.
///
/// Cannot: give a lamp's true penumbra, which widens with the distance from the caster; this one is
/// as wide as the filter. Light leaks where several casters lie behind each other at different
/// depths, which `bleedingReduction` trades for darker and larger shadows. Shadows finer than a
/// texel have no gradient, and outlines whose triangles are about a texel large lose a third of
/// theirs, as antialiasing does: cut the map finer than the mesh. Shadows off the target's by more
/// than the filter and a pixel of the picture have no gradient that leads there. A lamp sees what
/// is in front of it, up to `largestSlope` to the sides; surfaces beside and behind it are lit
/// without shadow. A lamp very far away loses its map's depths to rounding: use a directional
/// light. Every picture draws its maps anew. No second derivative.
///
/// W. Donnelly, A. Lauritzen, "Variance Shadow Maps", I3D 2006; M. Worchel, M. Alexa,
/// "Differentiable Shadow Mapping for Efficient Inverse Graphics", CVPR 2023.
public struct ShadowMapping: LightVisibility {
  static let name = "shadow mapping"

  /// How a point is compared with the map.
  public enum Comparison: Sendable, Equatable {
    /// By Chebyshev's inequality.
    case variance
    /// 0 or 1, by the depth of the nearest texel plus `bias` halves of the depth range; not blurred
    /// and without any derivative (L. Williams, "Casting Curved Shadows on Curved Surfaces",
    /// SIGGRAPH 1978). What ordinary shadow maps do, and what gradients are compared against.
    case depth(bias: Double)
  }

  /// Texels of the map's sides.
  public let resolution: Int
  /// Texels that the blur reaches, a Gaussian of half that deviation.
  public let filterRadius: Int
  /// The least σ², in squares of half of the depth range.
  public let minimumVariance: Double
  /// b above.
  public let bleedingReduction: Double
  /// The least depth in front of a lamp that the map holds, in world units.
  public let near: Double
  /// The largest |x/z| and |y/z| that a lamp's map holds.
  public let largestSlope: Double
  /// Whether outlines on the map are antialiased.
  public let isAntialiased: Bool
  public let comparison: Comparison

  /// - Parameters:
  ///   - resolution: texels of the map's sides, up to 4096, more than twice the radius and 8.
  ///     Default 256: with a radius of 2 the blur is 1% of the scene's width.
  ///   - filterRadius: texels that the blur reaches, 0 to 64. Default 2. Gradients are best where
  ///     the blur is about as wide as a pixel of the picture; more reaches farther.
  ///   - minimumVariance: the least σ², above 0. Default 1e-6: depths closer than a thousandth of
  ///     half the depth range count as one, and float32 moments are good to 1e-7.
  ///   - bleedingReduction: in 0..<1. Default 0, which keeps the outlines of shadows in place; 0.2
  ///     and more hides leaks behind several casters.
  ///   - near: above 0. Default 0.01, a camera's.
  ///   - largestSlope: above 0. Default 4, 76° to each side. A wide view has coarse texels.
  ///   - isAntialiased: default true. Without, casters have no gradient.
  ///   - comparison: by variance if not given.
  /// - Throws: `RenderError.invalid` for a value out of its range.
  public init(
    resolution: Int = 256, filterRadius: Int = 2, minimumVariance: Double = 1e-6,
    bleedingReduction: Double = 0, near: Double = 0.01, largestSlope: Double = 4,
    isAntialiased: Bool = true, comparison: Comparison = .variance
  ) throws {
    func require(_ holds: Bool, _ parameter: String, _ expected: String, _ actual: Any) throws {
      guard holds else {
        throw RenderError.invalid(
          method: Self.name, parameter: parameter, expected: expected, actual: "\(actual)")
      }
    }
    try require((0...64).contains(filterRadius), "filterRadius", "0 to 64", filterRadius)
    let least = 2 * filterRadius + 9
    try require(
      (least...4096).contains(resolution), "resolution", "\(least) to 4096", resolution)
    try require(
      minimumVariance > 0 && minimumVariance.isFinite, "minimumVariance", "above 0",
      minimumVariance)
    try require(
      (0..<1).contains(bleedingReduction), "bleedingReduction", "in 0..<1", bleedingReduction)
    try require(near > 0 && near.isFinite, "near", "above 0", near)
    try require(largestSlope > 0 && largestSlope.isFinite, "largestSlope", "above 0", largestSlope)
    if case .depth(let bias) = comparison {
      try require(bias.isFinite, "bias", "a finite number", bias)
    }
    self.resolution = resolution
    self.filterRadius = filterRadius
    self.minimumVariance = minimumVariance
    self.bleedingReduction = bleedingReduction
    self.near = near
    self.largestSlope = largestSlope
    self.isAntialiased = isAntialiased
    self.comparison = comparison
  }

  /// The share of a directional, point or spot light that reaches points [N, 3]: [N, 1]. Nil for other
  /// lights, a light whose place is not finite, and a mesh of which the light sees nothing.
  public func visibility(of light: Light, past mesh: Mesh, at positions: Tensor) -> Tensor? {
    guard mesh.faceCount > 0, positions.shape[0] > 0,
      let view = LightCamera(
        light, viewing: mesh,
        LightCamera.Frame(
          resolution: resolution, margin: filterRadius + 2, near: near,
          largestSlope: largestSlope))
    else { return nil }
    do {
      return try Self.Map(view, mesh, self)?.visibility(at: positions)
    } catch {
      // What is left is a lack of memory, on which backward passes stop, too.
      fatalError("ShadowMapping: \(error)")
    }
  }
}

extension ShadowMapping {
  /// One light's map.
  struct Map {
    private let settings: ShadowMapping
    private let camera: Camera
    /// Depths are counted from the middle of their range in halves of it, so that their squares
    /// lose little to rounding.
    private let middle: Tensor
    private let half: Tensor
    /// [resolution, resolution, 2]: depth and its square, filtered.
    let moments: Tensor

    /// Nil if nothing is in front of the light.
    init?(_ view: LightCamera, _ mesh: Mesh, _ settings: ShadowMapping) throws {
      self.settings = settings
      camera = view.camera
      middle = (view.nearest + view.farthest) * 0.5
      half = Tensor.maximum((view.farthest - view.nearest) * 0.5, view.farthest * 1e-3)
      let projected = ProjectedMesh(mesh, from: camera)
      guard projected.faceCount > 0 else { return nil }
      let levels = (projected.corners.slice(axis: 2, from: 2, to: 3) - middle) / half
      // Where the light meets nothing it reaches as deep as the scene goes.
      let last = ((view.farthest - middle) / half).reshaped([1])
      let (depth, visibility) = try HardRaster.draw(levels, on: projected, background: last)
      let empty = Tensor.concatenate([last, last * last])
      var image = Tensor.concatenate([depth, depth * depth], axis: 2)
      if settings.isFiltered {
        if settings.isAntialiased {
          image = try Self.antialiased(image, visibility, projected, mesh)
        }
        image = (image - empty).blurred(settings.kernel) + empty
      }
      moments = image
    }

    /// Mixtures of a caster's moments and those behind it along its outline.
    private static func antialiased(
      _ image: Tensor, _ visibility: Tensor, _ projected: ProjectedMesh, _ mesh: Mesh
    ) throws -> Tensor {
      var rules = Antialiasing.Rules()
      // Depths agree where faces cross.
      rules.intersections = false
      rules.perspective = projected.camera.isPerspective
      let opposite = try Antialiasing.oppositeCorners(
        projected.cornerIdentities(of: mesh), method: name)
      let blends = try Antialiasing.blends(
        visibility, corners: projected.corners, opposite: opposite, rules: rules, method: name)
      return Antialiasing.apply(blends, to: image, corners: projected.corners, rules: rules)
    }

    /// [N, 1] for points [N, 3]; 1 outside of the map.
    func visibility(at positions: Tensor) -> Tensor {
      let (pixels, depths) = camera.project(positions)
      let inside = isInside(pixels, depths)
      // Far outside there may be numbers that no texel has.
      let coordinates = Tensor.where(inside, pixels, 1) / Double(settings.resolution)
      let column = coordinates.slice(axis: 1, from: 0, to: 1)
      let row = coordinates.slice(axis: 1, from: 1, to: 2)
      let depth = Tensor.where(inside, depths.expandingDims(at: 1), middle)
      let level = (depth - middle) / half
      let place = Tensor.concatenate([column, 1 - row], axis: 1)
      return Tensor.where(inside, share(at: place, level), 1)
    }

    private func isInside(_ pixels: Tensor, _ depths: Tensor) -> Tensor {
      let (plain, depth) = (pixels.stoppingGradient(), depths.stoppingGradient())
      let isOnMap = (plain .>= 0) .&& (plain .<= Double(settings.resolution))
      return isOnMap.all(axis: 1, keepDims: true)
        .&& (depth.expandingDims(at: 1) .>= settings.near)
    }

    /// What Chebyshev's inequality, or one depth, says about points at a level.
    private func share(at place: Tensor, _ level: Tensor) -> Tensor {
      if case .depth(let bias) = settings.comparison {
        let size = Double(settings.resolution)
        let centre = ((place.stoppingGradient() * size).floor() + 0.5) / size
        let nearest = sampleBilinear(moments.stoppingGradient(), at: centre)
        return (level.stoppingGradient() .<= nearest.slice(axis: 1, from: 0, to: 1) + bias)
          .cast(to: level.dtype)
      }
      let found = sampleBilinear(moments, at: place)
      let mean = found.slice(axis: 1, from: 0, to: 1)
      let square = found.slice(axis: 1, from: 1, to: 2)
      let variance = (square - mean * mean).clamped(min: settings.minimumVariance)
      let beyond = (level - mean).relu()
      let bound = variance / (variance + beyond * beyond)
      let least = settings.bleedingReduction
      return least > 0 ? ((bound - least) / (1 - least)).relu() : bound
    }
  }

  /// Whether the map holds mixtures of depths.
  private var isFiltered: Bool { comparison == .variance }

  /// The blur's weights from -radius to +radius; they add up to 1.
  private var kernel: [Double] {
    guard filterRadius > 0 else { return [1] }
    let deviation = Double(filterRadius) / 2
    let weights = (-filterRadius...filterRadius).map { offset in
      exp(-0.5 * (Double(offset) / deviation) * (Double(offset) / deviation))
    }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }
}

extension Tensor {
  /// An image [height, width, C] under a symmetric kernel of odd length along both axes; zero
  /// outside of it.
  fileprivate func blurred(_ kernel: [Double]) -> Tensor {
    kernel.count == 1 ? self : blurred(kernel, axis: 0).blurred(kernel, axis: 1)
  }

  private func blurred(_ kernel: [Double], axis: Int) -> Tensor {
    let reach = kernel.count / 2
    let wide = padded(axis: axis, before: reach, after: reach)
    let parts = kernel.enumerated().map { offset, weight in
      wide.slice(axis: axis, from: offset, to: offset + shape[axis]) * weight
    }
    return parts.dropFirst().reduce(parts[0], +)
  }
}
