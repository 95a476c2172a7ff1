import CLumiKernels
import LumiRendering
import LumiTensor

/// For every pixel the points that cover it, nearest first, as one list after the other.
///
/// A *fragment* is one entry: a point at a pixel. Values per point become values per fragment with
/// ``gather(_:)``, derivatives included; what depends on where the pixel is comes from
/// ``squaredDistances``. A ``PointCompositor`` turns weights per fragment into an image.
public struct PointFragments: Sendable {
  /// The points that were rasterised.
  public let source: ScreenPoints
  /// int64 [height · width + 1]: the fragments of the row-major pixel p are
  /// `pixelOffsets[p]..<pixelOffsets[p + 1]`.
  public let pixelOffsets: Tensor
  /// int32 [F]: each fragment's point.
  public let points: Tensor
  /// int32 [F]: each fragment's pixel, row-major, ascending.
  public let pixels: Tensor
  /// [F]: from the pixel's centre to the point, in squared screen units; of ellipses the value of
  /// their form, from 0 at the centre to the cutoff. Differentiable once in the points' positions,
  /// and in the ellipses' forms.
  public let squaredDistances: Tensor

  init(_ lists: lumi_point_fragments, of points: ScreenPoints) {
    source = points
    let count = Int(lists.count)
    let pixelCount = points.screen.height * points.screen.width
    func copy<Scalar: TensorScalar>(_ values: UnsafePointer<Scalar>, _ count: Int) -> Tensor {
      .build([count], Scalar.self) { $0.update(from: values, count: count) }
    }
    pixelOffsets = copy(lists.pixel_offsets, pixelCount + 1)
    self.points = copy(lists.point_index, count)
    pixels = copy(lists.pixel_index, count)
    squaredDistances = Self.forms(of: points, self.points, pixels)
  }

  public var count: Int { points.count }
  public var screen: ScreenSpace { source.screen }

  /// [F]: each fragment's depth. Differentiable in the points' depths.
  public var depths: Tensor { gather(source.depths) }

  /// Values per point [N, ...] as values per fragment [F, ...].
  public func gather(_ values: Tensor) -> Tensor { values.gather(points) }

  /// Values per fragment [F] as [height, width, K], nearest first, as PyTorch3D lays them out.
  ///
  /// - Parameters:
  ///   - values: [F].
  ///   - count: K; fragments beyond it are left out.
  ///   - fill: what stands where a pixel has fewer.
  public func padded(_ values: Tensor, to count: Int, fill: Double) -> Tensor {
    require(
      values.shape == [self.count] && count > 0,
      "padded: \(values.shape) to \(count) a pixel, expected [\(self.count)] to at least 1")
    let offsets = pixelOffsets.scalars(as: Int64.self)
    var places: [Int64] = []
    places.reserveCapacity((offsets.count - 1) * count)
    for pixel in 0..<offsets.count - 1 {
      let held = Int(offsets[pixel + 1] - offsets[pixel])
      for k in 0..<count {
        places.append(k < held ? offsets[pixel] + Int64(k) : Int64(self.count))
      }
    }
    let extended = Tensor.concatenate([values, Tensor([fill]).cast(to: values.dtype)])
    return extended.gather(Tensor(places, shape: [screen.height, screen.width, count]))
  }

  /// Values per fragment [F, ...] summed over each pixel: [height, width, ...].
  public func pixelSums(_ values: Tensor) -> Tensor {
    Tensor.scatterAdd(rows: values, at: pixels, count: screen.height * screen.width)
      .reshaped([screen.height, screen.width] + values.shape.dropFirst())
  }

  /// What ``squaredDistances`` is, made of tensor operations: has derivatives of any order.
  public func readableSquaredDistances() -> Tensor {
    let offsets =
      screen.centers(of: pixels.cast(to: .int64), dtype: source.dtype) - gather(source.positions)
    let x = offsets.slice(axis: 1, from: 0, to: 1).flattened()
    let y = offsets.slice(axis: 1, from: 1, to: 2).flattened()
    switch source.footprint {
    case .discs: return x * x + y * y
    case .ellipses(let forms, _):
      let form = gather(forms)
      let (a, b, c) = (form.column(0), form.column(1), form.column(2))
      return a * x * x + b * x * y + c * y * y
    }
  }

  private static func forms(
    of source: ScreenPoints, _ points: Tensor, _ pixels: Tensor
  ) -> Tensor {
    let result = Tensor.forKernel(points.shape, source.dtype)
    var frame = source.kernelFrame
    let (positions, shapes) = (source.positions, source.shapes)
    let isEllipse = source.cutoff != nil
    lumi_points_forms(
      &frame, positions.storage.pointer, shapes.storage.pointer, points.pointer(Int32.self),
      pixels.pointer(Int32.self), Int64(points.count), result.storage.pointer)
    return customOperation(
      "pointDistances", inputs: isEllipse ? [positions, shapes] : [positions], outputs: [result]
    ) { cotangents, needs in
      var frame = source.kernelFrame
      let byPositions = Tensor.forKernel(positions.shape, positions.dtype)
      let byShapes = isEllipse && needs[1] ? Tensor.forKernel(shapes.shape, shapes.dtype) : nil
      lumi_points_forms_backward(
        &frame, positions.storage.pointer, shapes.storage.pointer, points.pointer(Int32.self),
        pixels.pointer(Int32.self), Int64(points.count), cotangents[0]!.storage.pointer,
        byPositions.storage.pointer, byShapes?.storage.pointer)
      return isEllipse ? [byPositions, byShapes] : [byPositions]
    }[0]
  }
}

extension Tensor {
  /// Memory for a point kernel to fill.
  static func forKernel(_ shape: [Int], _ dtype: DType) -> Tensor {
    Tensor(
      storage: Storage(byteCount: shape.reduce(1, *) * dtype.byteCount), shape: shape,
      dtype: dtype)
  }

  /// Column `index` of [N, C] as [N].
  func column(_ index: Int) -> Tensor {
    slice(axis: 1, from: index, to: index + 1).flattened()
  }
}
