import Foundation
import Glibc
import Lumigrad

/// Shell patterns.
enum Glob {
  static func matches(_ pattern: String, _ name: String) -> Bool { fnmatch(pattern, name, 0) == 0 }
}

/// What runs here.
enum Machine {
  static var processor: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
    return name ?? "unknown"
  }

  static var environment: BenchmarkEnvironment {
    let blas = MatrixLibrary.current
    return BenchmarkEnvironment(
      processor: processor, threads: LumiRuntime.threads, kernels: "\(LumiRuntime.kernelLevel)",
      matrixLibrary: blas.isLoaded ? "OpenBLAS, core \(blas.core)" : "own fallback",
      system: ProcessInfo.processInfo.operatingSystemVersionString,
      date: ISO8601DateFormatter().string(from: Date()))
  }

  /// Changes whenever the program does: cases of another program must not be reused. FNV-1a over
  /// the executable.
  static var programHash: String {
    let data = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/self/exe"))) ?? Data()
    let hash = data.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    return String(hash, radix: 16)
  }
}
