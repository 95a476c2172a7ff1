import LumiRendering
import LumiScene
import LumiTensor

/// A cloud of Gaussians as one camera sees it: stage one of splatting.
///
/// Made of tensor operations on the cloud and the camera, so that derivatives of any order exist;
/// which Gaussians are seen, and their order, are choices without a derivative.
public struct ProjectedGaussians: Sendable {
  /// [N, 2]: where the middles are seen, in pixels.
  public let places: Tensor
  /// [N, 3]: xx, xy and yy of the covariances on the image, in squared pixels, the low-pass filter
  /// included.
  public let covariances: Tensor
  /// [N]: camera z of the middles.
  public let depths: Tensor
  /// [M] int32: the Gaussians between the nearest and the farthest depth, front to back; equal
  /// depths keep the cloud's order.
  public let order: Tensor

  /// The inverse covariances [N, 3]; zero, which is never drawn, where there is no inverse.
  func conics() -> Tensor {
    let (xx, xy, yy) = (
      covariances.columnVector(0), covariances.columnVector(1), covariances.columnVector(2)
    )
    let determinant = xx * yy - xy * xy
    let isFlat = (determinant.stoppingGradient() .> 1e-20).not()
    let divisor = Tensor.where(isFlat, 1, determinant)
    let inverse = Tensor.concatenate([yy, -xy, xx], axis: 1) / divisor
    return Tensor.where(isFlat, 0, inverse)
  }

  /// How far each Gaussian reaches on the image, in pixels: three standard deviations along its
  /// longest axis, rounded up, as published; 0 where it is not in `order` or its square around the
  /// middle misses the image.
  ///
  /// - Parameters:
  ///   - width: columns of the image.
  ///   - height: rows of the image.
  public func radii(width: Int, height: Int) -> [Double] {
    let place = places.scalars(as: Double.self)
    let covariance = covariances.scalars(as: Double.self)
    var radii = [Double](repeating: 0, count: depths.count)
    for index in order.scalars(as: Int32.self).map(Int.init) {
      let (xx, xy, yy) = (
        covariance[3 * index], covariance[3 * index + 1], covariance[3 * index + 2]
      )
      let middle = (xx + yy) / 2
      let spread = max(middle * middle - (xx * yy - xy * xy), 0).squareRoot()
      let radius = (3 * max(middle + spread, 0).squareRoot()).rounded(.up)
      let (x, y) = (place[2 * index], place[2 * index + 1])
      if x + radius > 0, x - radius < Double(width), y + radius > 0, y - radius < Double(height) {
        radii[index] = radius
      }
    }
    return radii
  }
}

/// Gaussians in camera coordinates: what both kinds of splats begin with.
struct GaussiansInView {
  /// [N, 3].
  let points: Tensor
  /// [N, 1] each; z is 1 for Gaussians that are not in view, so that nothing divides by 0.
  let x, y, z: Tensor
  /// [N, A]: x, y and z of the A scaled axes.
  let axisX, axisY, axisZ: Tensor
  /// [M] int32, front to back.
  let order: Tensor

  /// - Parameter depths: between which Gaussians are in view.
  init(_ cloud: GaussianCloud, _ camera: Camera, depths: ClosedRange<Double>) {
    let count = cloud.count
    points = camera.cameraPoints(cloud.positions)
    (order, inView) = points.columnVector(2).frontToBack(within: depths)
    x = points.columnVector(0)
    y = points.columnVector(1)
    z = Tensor.where(inView, points.columnVector(2), 1)
    let scales = cloud.logScales.exp()
    let axes = scales.shape[1]
    // Row k of an axis' matrix is axis k; turned to the camera, they stand in rows as well.
    let turned = Rotation.matrix(quaternion: cloud.rotations).swappedAxes(1, 2)
      .slice(axis: 1, from: 0, to: axes).reshaped([count * axes, 3])
      .matmul(camera.rotation, transposingRight: true)
    func component(_ k: Int) -> Tensor { turned.columnVector(k).reshaped([count, axes]) * scales }
    axisX = component(0)
    axisY = component(1)
    axisZ = component(2)
  }

  /// [N, 1].
  private let inView: Tensor
}

extension Tensor {
  /// Column k of a matrix [N, K], as [N, 1].
  func columnVector(_ k: Int) -> Tensor { slice(axis: 1, from: k, to: k + 1) }

  /// The rows of depths [N, 1] within a range, front to back, int32 [M]; and which they are, bool
  /// [N, 1].
  fileprivate func frontToBack(within range: ClosedRange<Double>) -> (order: Tensor, isIn: Tensor) {
    let depths = stoppingGradient()
    let isIn = (depths .> range.lowerBound) .&& (depths .<= range.upperBound)
    let listed = isIn.scalars(as: Bool.self)
    let sorted = Tensor.where(isIn, depths, Double.infinity).reshaped([count]).argsort()
    let order = sorted.scalars(as: Int64.self).prefix(listed.count { $0 }).map { Int32($0) }
    return (Tensor(order, shape: [order.count]), isIn)
  }
}
