import Lumigrad

/// The workloads of `gradbench perf` that evaluate and draw implicit fields.
enum ImplicitWorkloads {
  static var all: [Workload] { [] }
}
