import LumiTensor

/// A field that is moved, turned and scaled.
///
/// Distances are scaled along; other quantities are not. What a colour is told of gradients is their
/// world direction, in the size of the field's own.
///
/// Parameter paths: "transform.…" and the field's, after "field.".
public struct TransformedField: ImplicitField {
  public var field: any ImplicitField
  /// From the field's own space to the world; its scale above 0.
  public var transform: SimilarityTransform

  public init(_ field: any ImplicitField, by transform: SimilarityTransform) {
    self.field = field
    self.transform = transform
  }

  public var quantity: FieldQuantity { field.quantity }
  public var dtype: DType { field.dtype }

  public func values(at points: Tensor) -> Tensor {
    scaled(field.values(at: transform.inverse.applied(to: points)))
  }

  public func samples(at points: Tensor, withGradients: Bool) -> FieldSamples {
    var result = field.samples(
      at: transform.inverse.applied(to: points), withGradients: withGradients)
    result.values = scaled(result.values)
    // d(s·f(Rᵀ(x - t)/s))/dx = R·∇f; other quantities keep the 1/s.
    if let own = result.gradients {
      let turned = own.transformed(by: transform.rotation)
      result.gradients = quantity == .signedDistance ? turned : turned / transform.scale
    }
    return result
  }

  private func scaled(_ values: Tensor) -> Tensor {
    quantity == .signedDistance ? values * transform.scale : values
  }

  public var colorChannels: Int { field.colorChannels }
  public var colorsNeedGradients: Bool { field.colorsNeedGradients }

  public func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    let back = transform.rotation.transposed()
    var own = samples
    if quantity == .signedDistance {
      own.values = samples.values / transform.scale
      own.gradients = samples.gradients?.transformed(by: back)
    } else {
      own.gradients = samples.gradients.map { $0.transformed(by: back) * transform.scale }
    }
    return field.colors(
      at: transform.inverse.applied(to: points), samples: own,
      directions: directions.transformed(by: back))
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> TransformedField {
    TransformedField(
      try field.mapParameters(under: "field", transform),
      by: try self.transform.mapParameters(under: "transform", transform))
  }
}

/// A field with a colour: the same everywhere, or a function of where.
///
/// Parameter paths: the field's, after "field.", and "color" if it is the same everywhere.
public struct ColoredField: ImplicitField {
  public enum Color: Sendable {
    /// [C].
    case uniform(Tensor)
    /// From points [N, 3] to colours [N, C], made of tensor operations. What it captures is no
    /// parameter.
    case function(channels: Int, @Sendable (_ points: Tensor) -> Tensor)
  }

  public var field: any ImplicitField
  public var color: Color

  public init(_ field: any ImplicitField, color: Color) {
    self.field = field
    self.color = color
  }

  public init(_ field: any ImplicitField, color: SIMD3<Double>) {
    self.init(field, color: .uniform(Tensor(color, dtype: field.dtype)))
  }

  public var quantity: FieldQuantity { field.quantity }
  public var dtype: DType { field.dtype }

  public func values(at points: Tensor) -> Tensor { field.values(at: points) }

  public func samples(at points: Tensor, withGradients: Bool) -> FieldSamples {
    field.samples(at: points, withGradients: withGradients)
  }

  public var colorChannels: Int {
    switch color {
    case .uniform(let color): color.count
    case .function(let channels, _): channels
    }
  }

  public func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    switch color {
    case .uniform(let color): color.broadcast(to: [points.shape[0], color.count])
    case .function(_, let function): function(points)
    }
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ColoredField {
    var result = self
    result.field = try field.mapParameters(under: "field", transform)
    if case .uniform(let color) = color {
      result.color = .uniform(try transform("color", color))
    }
    return result
  }
}
