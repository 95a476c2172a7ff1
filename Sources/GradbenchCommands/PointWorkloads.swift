import Lumigrad

/// The workloads of `gradbench perf` that draw or compare point clouds.
enum PointWorkloads {
  static func all(data: String) -> [Workload] { [] }
}
