import LumiTensor

extension Tensor {
  var isAllFinite: Bool { scalars(as: Double.self).allSatisfy { $0.isFinite } }
}
