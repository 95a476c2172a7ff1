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
}
