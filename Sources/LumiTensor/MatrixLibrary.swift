import COpenBLAS

/// Which library multiplies matrices in this process.
public struct MatrixLibrary: Sendable {
  /// Whether OpenBLAS is in use; if not, a slower product of the package's own is.
  public let isLoaded: Bool
  /// The processor that OpenBLAS chose its kernels for.
  public let core: String
  /// The library's file.
  public let path: String
  /// OpenBLAS's version and build options.
  public let configuration: String
  /// Why OpenBLAS is not in use; empty if it is.
  public let reason: String

  /// Loads the library if that has not happened yet.
  public static var current: MatrixLibrary {
    let isLoaded = lumi_blas_load() != 0
    return MatrixLibrary(
      isLoaded: isLoaded, core: String(cString: lumi_blas_core_name()),
      path: String(cString: lumi_blas_library_path()),
      configuration: String(cString: lumi_blas_config()).trimmingSpaces(),
      reason: String(cString: lumi_blas_error()))
  }
}

extension String {
  fileprivate func trimmingSpaces() -> String {
    split(separator: " ").joined(separator: " ")
  }
}
