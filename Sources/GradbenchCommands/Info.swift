import ArgumentParser
import Lumigrad

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the processor, the kernels in use, the BLAS and the threads.")

  func run() {
    let blas = MatrixLibrary.current
    let levels = LumiRuntime.KernelLevel.available.map(\.description).joined(separator: ", ")
    print(
      """
      processor     \(Machine.processor)
      kernels       \(LumiRuntime.kernelLevel) (this machine can run \(levels))
      threads       \(LumiRuntime.threads)
      BLAS          \(blas.isLoaded ? "OpenBLAS, core \(blas.core)" : "own fallback, slower")
      """)
    if blas.isLoaded {
      print("BLAS library  \(blas.path)\nBLAS options  \(blas.configuration)")
    } else {
      print("BLAS reason   \(blas.reason)")
    }
  }
}
