import LumiTensor

#if canImport(Glibc)
  import Glibc
#endif

private let points = Elements.mixed([2, 3], 0.3, 1.4)

/// Checkpoints, custom operations and gradients inside functions.
let compositeTable: [OperatorCase] = [
  .array(
    "checkpoint", points, to: [2, 3], { checkpoint([$0]) { [$0[0].sin() * $0[0]] }[0] }
  ) { sin(points[$0]) * points[$0] },
  OperatorCase(
    name: "checkpoint with two outputs and an unused one",
    inputs: [points.tensor, Tensor([2.0, 3, 4])],
    function: { inputs in
      let outputs = checkpoint(inputs) { [$0[0] * $0[1], $0[0].exp(), $0[1].square()] }
      return outputs[0] + outputs[2]
    },
    expected: Elements(shape: [2, 3]) { index in
      let b = Double(index[1] + 2)
      return points[index] * b + b * b
    }),
  .array(
    "checkpoint in a checkpoint", points, to: [2, 3],
    { outer in checkpoint([outer]) { checkpoint($0) { [$0[0].exp()] }.map { $0.square() } }[0] }
  ) { exp(2 * points[$0]) },
  .array(
    "custom operation, differentiable twice", points, to: [2, 3],
    { x in
      customOperation(
        "cube", inputs: [x], outputs: [x.stoppingGradient().pow(3.0)], differentiableTwice: true
      ) { cotangents, _ in [cotangents[0]! * x.square() * 3] }[0]
    }
  ) { points[$0] * points[$0] * points[$0] },
  .array(
    "gradient of a function", points, to: [2, 3],
    { x in gradient(at: x) { ($0.pow(3.0) * x.stoppingGradient().sign()).sum() } }
  ) { 3 * points[$0] * points[$0] },
  .array(
    "vector-Jacobian product", points, to: [2, 3],
    { x in
      let product = vectorJacobianProduct(at: [x]) { [$0[0].exp()] }
      return product.pullback([x])[0] + product.values[0]
    }
  ) { (points[$0] + 1) * exp(points[$0]) },
]
