import LumiTensor

/// Two shapes as one, by their signed distances.
///
/// The zero set is right. Values elsewhere are bounds: outside a union they are the distance, and
/// everything else is never larger in magnitude than the distance, so that sphere tracing does not
/// overstep, but may be smaller. Where both shapes count the same, derivatives are shared by halves.
///
/// Colours are those of the shape whose value counts; with a smooth union they are mixed as the
/// values are. A shape without colours is white.
///
/// Parameter paths are the shapes', after "first." and "second.", and "width" of a smooth union.
public struct CombinedField: ImplicitField {
  public enum Operation: Sendable {
    /// What is in one of the shapes.
    case union
    /// What is in both.
    case intersection
    /// What is in the first and not in the second.
    case difference
    /// A union whose seam is filled: I. Quilez's quadratic polynomial minimum,
    /// min(a, b) - max(w - |a - b|, 0)²/(4w). It adds at most w/4, where both are as near. Below a
    /// `width` [] of 1e-12 it is the plain union.
    case smoothUnion(width: Tensor)
  }

  public var operation: Operation
  public var first: any ImplicitField
  public var second: any ImplicitField

  /// - Parameters:
  ///   - operation: how they are combined.
  ///   - first: a field of signed distances.
  ///   - second: one of the same dtype, whose colours have as many channels if both have any.
  public init(
    _ operation: Operation, _ first: any ImplicitField, _ second: any ImplicitField
  ) {
    let channels = [first.colorChannels, second.colorChannels].filter { $0 > 0 }
    require(
      first.quantity == .signedDistance && second.quantity == .signedDistance
        && first.dtype == second.dtype && Set(channels).count <= 1,
      """
      CombinedField: \(first.quantity) and \(second.quantity), \(first.dtype) and \(second.dtype), \
      colour channels \(channels); expected signed distances of the same kind
      """)
    self.operation = operation
    self.first = first
    self.second = second
  }

  public var quantity: FieldQuantity { .signedDistance }
  public var dtype: DType { first.dtype }

  public func values(at points: Tensor) -> Tensor {
    combined(first.values(at: points), second.values(at: points))
  }

  private func combined(_ a: Tensor, _ b: Tensor) -> Tensor {
    switch operation {
    case .union: return .minimum(a, b)
    case .intersection: return .maximum(a, b)
    case .difference: return .maximum(a, -b)
    case .smoothUnion(let width):
      let width = width.clamped(min: 1e-12)
      return .minimum(a, b) - (width - (a - b).abs()).relu().square() / (width * 4)
    }
  }

  public var colorChannels: Int { max(first.colorChannels, second.colorChannels) }
  public var colorsNeedGradients: Bool { first.colorsNeedGradients || second.colorsNeedGradients }

  public func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    func part(_ field: any ImplicitField) -> (values: Tensor, colors: Tensor) {
      let own = field.samples(at: points, withGradients: field.colorsNeedGradients)
      guard field.colorChannels > 0 else {
        return (own.values, .ones([points.shape[0], colorChannels], dtype: dtype))
      }
      return (own.values, field.colors(at: points, samples: own, directions: directions))
    }
    let (a, b) = (part(first), part(second))
    return b.colors + shareOfFirst(a.values, b.values).expandingDims(at: 1) * (a.colors - b.colors)
  }

  /// [N]: how much the first shape's value counts.
  private func shareOfFirst(_ a: Tensor, _ b: Tensor) -> Tensor {
    func chosen(_ isFirst: Tensor) -> Tensor { isFirst.cast(to: dtype) }
    let (x, y) = (a.stoppingGradient(), b.stoppingGradient())
    switch operation {
    case .union: return chosen(x .<= y)
    case .intersection: return chosen(x .>= y)
    case .difference: return chosen(x .>= -y)
    case .smoothUnion(let width):
      return (0.5 + (b - a) / (width.clamped(min: 1e-12) * 2)).clamped(min: 0, max: 1)
    }
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> CombinedField {
    var result = self
    result.first = try first.mapParameters(under: "first", transform)
    result.second = try second.mapParameters(under: "second", transform)
    if case .smoothUnion(let width) = operation {
      result.operation = .smoothUnion(width: try transform("width", width))
    }
    return result
  }
}
