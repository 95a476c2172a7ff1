extension GradientProblem {
  /// Version of the standard problems: results of different versions do not compare.
  public static let version = 2

  /// The suite's own problems: geometry, material, light, camera, and shadows.
  public static let standard: [GradientProblem] = geometry + material + light + camera + shadows
}
