import CLumiKernels
import LumiTensor

typealias Floats = UnsafeMutablePointer<Float>
typealias ConstantFloats = UnsafePointer<Float>

/// Activations on float32 memory. What is `saved` of one is its output, or its input if
/// ``derivativeNeedsInput``.
extension Activation {
  /// Replaces z [rows, columns] by f(z + bias); writes what derivatives need to `input` if that is
  /// not nil.
  func apply(
    rows: Int, columns: Int, bias: ConstantFloats?, to z: Floats, keepingInput input: Floats? = nil
  ) {
    guard let input else {
      return lumi_bias_activation_f32(kernel, rows, columns, bias, kernelParameter, z)
    }
    lumi_bias_activation_f32(Int32(LUMI_ACTIVATION_NONE), rows, columns, bias, 0, z)
    input.update(from: z, count: rows * columns)
    lumi_bias_activation_f32(kernel, rows, columns, nil, kernelParameter, z)
  }

  /// result = cotangent ⊙ f'.
  func multiplyBySlope(
    _ count: Int, saved: ConstantFloats, cotangent: ConstantFloats, into result: Floats
  ) {
    if derivativeNeedsInput {
      lumi_sine_gradient_f32(count, saved, cotangent, kernelParameter, result)
    } else {
      lumi_activation_gradient_f32(kernel, count, saved, cotangent, kernelParameter, result)
    }
  }

  /// sum += cotangent ⊙ f'.
  func addTimesSlope(
    _ count: Int, saved: ConstantFloats, cotangent: ConstantFloats, to sum: Floats
  ) {
    lumi_add_activation_gradient_f32(kernel, count, saved, cotangent, kernelParameter, sum)
  }

  /// Pulls a cotangent of u = g ⊙ f'(z) back in place to g's, and writes u and z's cotangent.
  func pullBackSlope(
    _ count: Int, saved: ConstantFloats, g: ConstantFloats, cotangent: Floats, u: Floats,
    zCotangent: Floats
  ) {
    lumi_activation_second_f32(
      kernel, count, saved, g, cotangent, kernelParameter, u, cotangent, zCotangent)
  }
}
