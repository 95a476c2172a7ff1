import LumiTensor

// Losses of self-supervised depth. Disparities and depths are images [H, W].

extension Loss {
  /// How much a disparity changes where the image does not: mean |∂x d|·exp(-mean_c |∂x I|) plus the
  /// same along y, with differences between neighbours; [].
  ///
  /// C. Godard, O. Mac Aodha, G. Brostow, CVPR 2017, equation 3.
  ///
  /// - Parameters:
  ///   - disparity: [H, W], at least 2×2.
  ///   - image: [H, W, C].
  public static func edgeAwareSmoothness(of disparity: Tensor, image: Tensor) -> Tensor {
    require(
      disparity.rank == 2 && image.rank == 3 && Array(image.shape.prefix(2)) == disparity.shape
        && disparity.shape.allSatisfy { $0 >= 2 },
      "edgeAwareSmoothness: disparity \(disparity.shape), image \(image.shape)")
    return (0..<2).reduce(Tensor(0, dtype: disparity.dtype)) { sum, axis in
      let edges = difference(image, axis: axis).abs().mean(axis: 2)
      return sum + (difference(disparity, axis: axis).abs() * (-edges).exp()).mean()
    }
  }

  /// How much a disparity bends: the sum of the mean absolute second differences xx, xy, yx and yy;
  /// [].
  ///
  /// T. Zhou, M. Brown, N. Snavely, D. Lowe, CVPR 2017.
  ///
  /// - Parameter disparity: [H, W], at least 3×3.
  public static func secondOrderSmoothness(of disparity: Tensor) -> Tensor {
    require(
      disparity.rank == 2 && disparity.shape.allSatisfy { $0 >= 3 },
      "secondOrderSmoothness: shape \(disparity.shape), expected at least [3, 3]")
    return (0..<4).reduce(Tensor(0, dtype: disparity.dtype)) { sum, pair in
      sum + difference(difference(disparity, axis: pair / 2), axis: pair % 2).abs().mean()
    }
  }

  /// The photometric error of the best of several estimates, mean over the pixels where that is below
  /// what the sources give unmoved (auto-masking: pixels that do not change as the camera moves, such
  /// as an object that moves along, tell nothing); [], 0 if there is no such pixel.
  ///
  /// C. Godard, O. Mac Aodha, M. Firman, G. Brostow, ICCV 2019, equations 4 and 5; they break ties by
  /// noise, here a pixel that is no better than unmoved does not count.
  ///
  /// - Parameters:
  ///   - errors: one map [H, W] for each source, such as ``photometricError(_:_:share:)``.
  ///   - visible: for each source, 1 where its look-up is inside of the picture and 0 elsewhere.
  ///   - unmoved: the error of each source as it is; empty to count all visible pixels.
  public static func minimumReprojection(
    _ errors: [Tensor], visible: [Tensor], unmoved: [Tensor] = []
  ) -> Tensor {
    require(
      !errors.isEmpty && errors.count == visible.count
        && (errors + visible + unmoved).allSatisfy { $0.shape == errors[0].shape },
      "minimumReprojection: errors \(errors.map(\.shape)), visible \(visible.map(\.shape)), "
        + "unmoved \(unmoved.map(\.shape))")
    let never = Tensor(1e6, dtype: errors[0].dtype)
    func best(_ maps: [Tensor]) -> Tensor { Tensor.stack(maps).min(axis: 0) }
    let least = best(zip(errors, visible).map { Tensor.where($1 .> 0, $0, never) })
    var counts = least.stoppingGradient() .< never
    if !unmoved.isEmpty { counts = counts .&& (least.stoppingGradient() .< best(unmoved)) }
    let number = counts.cast(to: least.dtype).sum().clamped(min: 1)
    return Tensor.where(counts, least, 0).sum() / number
  }

  /// The next pixel minus this one along an axis.
  private static func difference(_ image: Tensor, axis: Int) -> Tensor {
    let count = image.shape[axis]
    return image.slice(axis: axis, from: 1, to: count)
      - image.slice(axis: axis, from: 0, to: count - 1)
  }
}
