// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that the examples see Lumigrad as any other project does.
let package = Package(
  name: "LumigradExamples",
  dependencies: [
    .package(name: "Lumigrad", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  ],
  targets: [
    .target(name: "ExampleSupport", dependencies: ["Lumigrad"], path: "Support"),
    .executableTarget(
      name: "01-hello-gradient",
      dependencies: [
        "ExampleSupport", "Lumigrad",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "01-hello-gradient"),
    .executableTarget(
      name: "02-sphere-to-plane",
      dependencies: [
        "ExampleSupport", "Lumigrad",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "02-sphere-to-plane"),
    .executableTarget(
      name: "06-material-and-light",
      dependencies: [
        "ExampleSupport", "Lumigrad",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "06-material-and-light"),
    .executableTarget(
      name: "07-adversarial-light",
      dependencies: [
        "ExampleSupport", "Lumigrad",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "07-adversarial-light"),
  ],
  swiftLanguageModes: [.v6]
)
