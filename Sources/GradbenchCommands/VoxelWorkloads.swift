import Lumigrad

/// The workloads of `gradbench perf` that draw voxel grids.
enum VoxelWorkloads {
  static var all: [Workload] { SignedDistanceWorkloads.all }
}
