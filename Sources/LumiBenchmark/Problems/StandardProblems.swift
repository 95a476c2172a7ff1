extension GradientProblem {
  /// Version of the standard problems: results of different versions do not compare.
  public static let version = 1

  /// The suite's own problems: geometry, material, light and camera.
  public static let standard: [GradientProblem] = geometry + material + light + camera
}
