import Foundation
import LumiRendering
import LumiScene
import LumiTensor

extension SDFDiff {
  /// Answers the vectors "sdfdiff" with the published constants, and the closed form
  /// "truth-linear-field" with the look-ups that it uses.
  public static let reference = ReferenceAdapter(methods: ["sdfdiff", "truth-linear-field"]) {
    vector in
    if vector.method == "truth-linear-field" { return try linearField(vector) }
    return vector.tensors["grid"] != nil ? try normals(vector) : try image(vector)
  }

  private static func normals(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let step = try vector.number("h")
    let product = vectorJacobianProduct(at: [try vector.tensor("grid")]) { inputs in
      let counts = inputs[0].shape.map { Double($0 - 1) }
      let grid = VoxelGrid(
        values: inputs[0], quantity: .signedDistance, placement: .nodes, lower: .zero,
        upper: SIMD3(counts) * step)
      return [grid.nodeGradients()]
    }
    return [
      "normals": product.values[0],
      "grad": product.pullback([try vector.tensor("weights")])[0],
    ]
  }

  private static func image(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let (width, height) = (try vector.integer("W"), try vector.integer("H"))
    let isSingle = try vector.string("mode") == "single"
    let headlight = isSingle ? Headlight.singleView : .multiView
    let camera = Camera.perspective(
      from: SIMD3(try vector.tensor("eye").scalars(as: Double.self)),
      verticalFieldOfView: .pi / 3, width: width, height: height, near: 0, dtype: .float64)
    let sdf = try vector.tensor("sdf")
    let renderer = SDFDiff(headlight: headlight)
    func scene(_ values: Tensor) -> Scene<VoxelGrid> {
      let grid = VoxelGrid(
        values: values, quantity: .signedDistance, placement: .nodes, lower: [-2, -2, -2],
        upper: [2, 2, 2], appearance: .uniform(.ones([1], dtype: .float64)))
      return Scene(grid, background: .full([1], isSingle ? 1 : 0, dtype: .float64))
    }
    let product = try vectorJacobianProduct(at: [sdf]) { inputs in
      let scene = scene(inputs[0])
      return [
        try renderer.render(scene, from: camera)[.color].flattened(), scene.shape.eikonalLoss(),
        scene.shape.laplacianLoss(),
      ]
    }
    let (none, one) = (Tensor(0, dtype: .float64), Tensor(1, dtype: .float64))
    let image = product.values[0]
    let blank = Tensor.zeros(like: image)
    var result = try surface(renderer, scene(sdf).shape, camera)
    result["image"] = image
    result["image_l1"] = (image - (try vector.tensor("target"))).abs().sum()
    result["eikonal"] = product.values[1]
    result["laplacian"] = product.values[2]
    result["grad_sdf"] = product.pullback([try vector.tensor("weights"), none, none])[0]
    result["grad_eikonal"] = product.pullback([blank, one, none])[0]
    result["grad_laplacian"] = product.pullback([blank, none, one])[0]
    return result
  }

  /// What the tracing found, pixel by pixel: 0 and -1 steps for misses.
  private static func surface(
    _ renderer: SDFDiff, _ grid: VoxelGrid, _ camera: Camera
  ) throws -> [String: Tensor] {
    let rays = PixelRays(of: camera)
    let surface = renderer.surface(of: grid, from: camera)
    func spread(_ values: Tensor) -> Tensor {
      .scatterAdd(rows: values, at: surface.rays, count: rays.depthPerDistance.count)
    }
    let width = camera.focalLength[0].reciprocal()
    let steps = Tensor(surface.steps.map { Double($0 + 1) })
    return [
      "directions": rays.rays.directions,
      "threshold_per_depth": rays.depthPerDistance * width * renderer.headlight.tracing.pixelShare,
      "hit": spread(.ones([surface.steps.count], dtype: .float64)), "steps": spread(steps) - 1,
      "rough_position": spread(surface.roughPositions),
      "cell": spread(surface.cells.cast(to: .float64)),
      "sdf_at_rough": spread(surface.distances), "position": spread(surface.positions),
      "normal": spread(surface.normals),
    ]
  }

  private static func linearField(_ vector: ReferenceCase) throws -> [String: Tensor] {
    let count = try vector.integer("n")
    let slope = try vector.tensor("a").scalars(as: Double.self)
    let (b, c) = (try vector.number("b"), try vector.number("c"))
    let places = (0..<count).map { -1 + 2 * Double($0) / Double(count - 1) }
    var values: [Double] = []
    for x in places {
      for y in places {
        for z in places {
          values.append(slope[0] * x + slope[1] * y + slope[2] * z + b + c * x * y * z)
        }
      }
    }
    let grid = VoxelGrid(
      values: Tensor(values, shape: [count, count, count]), quantity: .signedDistance,
      placement: .nodes)
    let product = vectorJacobianProduct(at: [try vector.tensor("points")]) { inputs in
      [
        sampleTrilinear(grid.values.expandingDims(at: 3), at: grid.gridPoints(inputs[0]))
          .squeezed(axis: 1)
      ]
    }
    return [
      "values": product.values[0],
      "gradients": product.pullback([.ones(like: product.values[0])])[0],
    ]
  }
}
