import ArgumentParser
import Foundation
import Lumigrad

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the processor, the kernels in use, the BLAS and the threads.")

  func run() {
    let blas = MatrixLibrary.current
    let levels = LumiRuntime.KernelLevel.available.map(\.description).joined(separator: ", ")
    print(
      """
      processor     \(Self.processor)
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

  private static var processor: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
    return name ?? "unknown"
  }
}
