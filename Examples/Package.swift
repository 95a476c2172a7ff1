// swift-tools-version: 6.1
import PackageDescription

/// A program of its own in the folder of its name.
func example(_ name: String) -> Target {
  .executableTarget(
    name: name,
    dependencies: [
      "ExampleSupport", "Lumigrad",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ],
    path: name)
}

// A package of its own, so that the examples see Lumigrad as any other project does.
let package = Package(
  name: "LumigradExamples",
  dependencies: [
    .package(name: "Lumigrad", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  ],
  targets: [
    .target(name: "ExampleSupport", dependencies: ["Lumigrad"], path: "Support"),
    example("01-hello-gradient"),
    example("02-sphere-to-plane"),
    example("04-face-fit"),
    example("05-pose-from-silhouette"),
    example("06-material-and-light"),
    example("07-adversarial-light"),
    example("08-visual-hull"),
    example("09-volume-from-views"),
    example("10-edit-a-point-cloud"),
    example("11-depth-and-motion"),
    example("12-gaussian-splatting"),
    example("13-nerf"),
    example("14-shape-prior-pose"),
    example("15-occupancy-from-silhouettes"),
    example("16-implicit-surfaces"),
  ],
  swiftLanguageModes: [.v6]
)
