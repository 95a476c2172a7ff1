extension GradientProblem {
  /// Version of the standard problems: results of different versions do not compare.
  public static let version = 2

  /// The suite's own problems: geometry, material, light, camera, and shadows.
  public static let standard: [GradientProblem] = geometry + material + light + camera + shadows

  /// The standard problems that a quick run judges: one or more of every group, such that every
  /// surrogate claim meets a problem that it is made for.
  public static let core: [GradientProblem] = standard.filter { coreNames.contains($0.name) }

  private static let coreNames: Set<String> = [
    "geometry/sphere-scale", "geometry/translation", "geometry/interpenetration",
    "geometry/no-overlap", "material/point-colors", "light/direction", "camera/translation",
    "camera/rotation",
  ]
}
