import LumiBenchmark
import LumiRendering
import Lumigrad
import Testing

/// The benchmark's problems are not stated as grids yet: voxel methods are skipped, and say so.
struct SuiteTests {
  @Test func voxelMethodsAreSkippedWithTheReason() throws {
    var registry = RendererRegistry()
    for entry in RendererRegistry.standard.entries
    where entry.renderer.method.representation == .voxel {
      try registry.register(entry.renderer, reference: entry.reference)
    }
    #expect(
      registry.methods.map(\.id) == [
        "voxel/ptn", "voxel/drc", "voxel/platonic-gan", "voxel/neural-volumes", "voxel/sdfdiff",
      ])
    let problems = GradientProblem.standard.filter {
      $0.name == "geometry/translation" || $0.name == "camera/rotation"
    }
    let report = try BenchmarkRun(
      registry: registry, problems: problems, mode: .quick,
      environment: BenchmarkEnvironment(
        processor: "", threads: 1, kernels: "", matrixLibrary: "", system: "", date: "")
    ).report()
    #expect(report.derivatives.count == 10)
    #expect(report.derivatives.allSatisfy { $0.status == .skipped })
    #expect(report.optimisations.allSatisfy { $0.status == .skipped })
    #expect(report.costs.allSatisfy { $0.status == .skipped })
    #expect(report.derivatives[0].messages == ["VoxelGrid does not conform to BenchmarkShape"])
    #expect(report.failures.isEmpty)
    #expect(report.verdicts.allSatisfy { $0.holds == nil })
  }
}
