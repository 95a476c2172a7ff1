import LumiRendering
import LumiScene
import LumiTensor

/// What the methods of approximated gradients (survey 2.1.2) share: an ordinary picture whose
/// derivative with respect to the projected corners is made up from the picture itself.
enum ImageGradient {
  /// The same image, with a method's own derivative with respect to the corners.
  ///
  /// - Parameters:
  ///   - image: [height, width, C], drawn from corners that are held constant, so that what it is
  ///     attached to are its colours only. They get their derivatives unchanged.
  ///   - corners: [faces, 3, 3] on the screen; x, y and depth.
  ///   - name: of the operation, for error messages.
  ///   - gradient: from the image's cotangent, of its shape, to the corners' [faces, 3, 3]. No
  ///     second derivative.
  static func attach(
    _ image: Tensor, to corners: Tensor, name: String, gradient: @escaping (Tensor) -> Tensor
  ) -> Tensor {
    customOperation(name, inputs: [image, corners], outputs: [image.stoppingGradient()]) {
      cotangents, needs in
      let cotangent = cotangents[0]!
      return [cotangent, needs[1] ? gradient(cotangent) : nil]
    }[0]
  }

  /// A gradient of what pixels show with respect to its place on the screen, handed to the corners
  /// of the face that each pixel shows: [faces, 3, 3], nothing for depth.
  ///
  /// - Parameters:
  ///   - gradient: x and y of every pixel, row by row; [2 · pixels].
  ///   - fragments: what pixels show; at most one a pixel.
  ///   - weights: the corners' shares [fragments, 3].
  ///   - faceCount: how many faces there are.
  static func spread(
    _ gradient: [Double], over fragments: Fragments, weights: Tensor, faceCount: Int
  ) -> Tensor {
    let byPixel = Tensor(gradient, shape: [fragments.pixelCount, 2]).cast(to: weights.dtype)
    let own = byPixel.gather(fragments.pixels).expandingDims(at: 1)
    let rows = weights.expandingDims(at: 2) * own
    let flat = Tensor.zeros([fragments.count, 3, 1], dtype: weights.dtype)
    return Tensor.scatterAdd(
      rows: .concatenate([rows, flat], axis: 2), at: fragments.faces, count: faceCount)
  }
}
