import LumiScene
import LumiTensor

/// Two fields of one scene: a coarse one that only tells where samples are worth taking, and a fine
/// one that is the shape.
///
/// Methods that know no two passes draw the fine one. Parameter paths: "coarse.…", "fine.…".
public struct CoarseToFineField: ImplicitField {
  public var coarse: any ImplicitField
  public var fine: any ImplicitField

  /// - Parameters:
  ///   - coarse: of the same quantity, dtype and channels as `fine`; others stop the program.
  ///   - fine: the shape.
  public init(coarse: any ImplicitField, fine: any ImplicitField) {
    require(
      coarse.quantity == fine.quantity && coarse.dtype == fine.dtype
        && coarse.colorChannels == fine.colorChannels,
      "CoarseToFineField: coarse \(coarse.quantity), \(coarse.dtype), \(coarse.colorChannels) "
        + "channels; fine \(fine.quantity), \(fine.dtype), \(fine.colorChannels) channels")
    self.coarse = coarse
    self.fine = fine
  }

  public var quantity: FieldQuantity { fine.quantity }
  public var dtype: DType { fine.dtype }
  public var colorChannels: Int { fine.colorChannels }
  public var colorsNeedGradients: Bool { fine.colorsNeedGradients }

  public func values(at points: Tensor) -> Tensor { fine.values(at: points) }

  public func samples(at points: Tensor, withGradients: Bool) -> FieldSamples {
    fine.samples(at: points, withGradients: withGradients)
  }

  public func colors(at points: Tensor, samples: FieldSamples, directions: Tensor) -> Tensor {
    fine.colors(at: points, samples: samples, directions: directions)
  }

  public func mapParameters(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> CoarseToFineField {
    CoarseToFineField(
      coarse: try coarse.mapParameters { try transform("coarse.\($0)", $1) },
      fine: try fine.mapParameters { try transform("fine.\($0)", $1) })
  }
}
