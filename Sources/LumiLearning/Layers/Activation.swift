import CLumiKernels
import LumiTensor

/// The elementwise function at the end of a layer.
public enum Activation: Sendable, Hashable, Codable {
  case none
  /// max(z, 0), with derivative 0 at 0.
  case relu
  /// log(1 + exp(βz))/β, a smooth ReLU; the larger the (positive) β, the sharper.
  case softplus(beta: Double)
  case sigmoid
  case tanh
  /// sin(ωz). V. Sitzmann et al., "Implicit Neural Representations with Periodic Activation
  /// Functions", NeurIPS 2020.
  case sine(omega: Double)

  /// Applies the function to every element.
  public func callAsFunction(_ z: Tensor) -> Tensor {
    switch self {
    case .none: z
    case .relu: z.relu()
    case .softplus(let beta): z.softplus(beta: beta)
    case .sigmoid: z.sigmoid()
    case .tanh: z.tanh()
    case .sine(let omega): (z * omega).sin()
    }
  }

  /// The number of the function in lumi_elementwise.h.
  var kernel: Int32 {
    switch self {
    case .none: Int32(LUMI_ACTIVATION_NONE)
    case .relu: Int32(LUMI_ACTIVATION_RELU)
    case .softplus: Int32(LUMI_ACTIVATION_SOFTPLUS)
    case .sigmoid: Int32(LUMI_ACTIVATION_SIGMOID)
    case .tanh: Int32(LUMI_ACTIVATION_TANH)
    case .sine: Int32(LUMI_ACTIVATION_SINE)
    }
  }

  /// β or ω; 0 for functions without a parameter.
  var kernelParameter: Float {
    switch self {
    case .softplus(let beta): Float(beta)
    case .sine(let omega): Float(omega)
    case .none, .relu, .sigmoid, .tanh: 0
    }
  }

  /// Whether the derivative needs z because it does not follow from the output.
  var derivativeNeedsInput: Bool {
    if case .sine = self { true } else { false }
  }
}
