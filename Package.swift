// swift-tools-version: 6.1
import PackageDescription

// Targets point down only; see Docs/Architecture.md for the layers.
let package = Package(
  name: "Lumigrad",
  products: [
    .library(name: "Lumigrad", targets: ["Lumigrad"]),
    .library(name: "LumiTensor", targets: ["LumiTensor"]),
    .library(name: "LumiIO", targets: ["LumiIO"]),
    .library(name: "LumiLearning", targets: ["LumiLearning"]),
    .library(name: "LumiScene", targets: ["LumiScene"]),
    .library(name: "LumiRendering", targets: ["LumiRendering"]),
    .library(name: "LumiMesh", targets: ["LumiMesh"]),
    .library(name: "LumiVoxel", targets: ["LumiVoxel"]),
    .library(name: "LumiPoints", targets: ["LumiPoints"]),
    .library(name: "LumiImplicit", targets: ["LumiImplicit"]),
    .library(name: "LumiBenchmark", targets: ["LumiBenchmark"]),
    .library(name: "GradbenchCommands", targets: ["GradbenchCommands"]),
    .executable(name: "gradbench", targets: ["gradbench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
  ],
  targets: [
    .target(
      name: "CLumiKernels", linkerSettings: [.linkedLibrary("m"), .linkedLibrary("pthread")]),
    .target(name: "COpenBLAS", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CPNG", linkerSettings: [.linkedLibrary("png"), .linkedLibrary("z")]),
    .systemLibrary(name: "CAssimp", pkgConfig: "assimp", providers: [.apt(["libassimp-dev"])]),

    .target(
      name: "LumiTensor",
      dependencies: [
        "CLumiKernels", "COpenBLAS", .product(name: "RealModule", package: "swift-numerics"),
      ]),
    .target(name: "LumiIO", dependencies: ["LumiTensor", "CPNG", "CAssimp"]),
    .target(name: "LumiLearning", dependencies: ["LumiTensor", "CLumiKernels", "COpenBLAS"]),
    .target(name: "LumiScene", dependencies: ["LumiTensor"]),
    .target(name: "LumiRendering", dependencies: ["LumiScene", "LumiTensor", "CLumiKernels"]),
    .target(
      name: "LumiMesh", dependencies: ["LumiRendering", "LumiScene", "LumiTensor", "CLumiKernels"]),
    .target(
      name: "LumiVoxel", dependencies: ["LumiRendering", "LumiScene", "LumiTensor", "CLumiKernels"]
    ),
    .target(
      name: "LumiPoints",
      dependencies: ["LumiRendering", "LumiScene", "LumiTensor", "CLumiKernels"]),
    .target(
      name: "LumiImplicit",
      dependencies: [
        "LumiRendering", "LumiLearning", "LumiScene", "LumiTensor", "CLumiKernels",
      ]),
    .target(
      name: "LumiBenchmark",
      dependencies: [
        "LumiRendering", "LumiLearning", "LumiScene", "LumiTensor", "CLumiKernels",
      ]),
    .target(
      name: "Lumigrad",
      dependencies: [
        "LumiTensor", "LumiIO", "LumiLearning", "LumiScene", "LumiRendering", "LumiMesh",
        "LumiVoxel", "LumiPoints", "LumiImplicit", "LumiBenchmark",
      ]),
    .target(
      name: "GradbenchCommands",
      dependencies: [
        "Lumigrad", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(name: "gradbench", dependencies: ["GradbenchCommands"]),

    .testTarget(
      name: "LumiTensorTests", dependencies: ["LumiTensor", "CLumiKernels", "COpenBLAS"]),
    .testTarget(name: "LumiIOTests", dependencies: ["LumiIO", "LumiTensor"]),
    .testTarget(name: "LumiLearningTests", dependencies: ["LumiLearning", "LumiTensor"]),
    .testTarget(name: "LumiSceneTests", dependencies: ["LumiScene", "LumiTensor"]),
    .testTarget(name: "LumiRenderingTests", dependencies: ["LumiRendering", "LumiScene"]),
    // What tests of all backends share: a view with named parameters, checks of whole pictures.
    .target(
      name: "RenderingTestSupport", dependencies: ["LumiRendering"],
      path: "Tests/RenderingTestSupport"),
    .testTarget(
      name: "LumiMeshTests", dependencies: ["LumiMesh", "Lumigrad", "RenderingTestSupport"]),
    .testTarget(
      name: "LumiVoxelTests", dependencies: ["LumiVoxel", "Lumigrad", "RenderingTestSupport"]),
    .testTarget(
      name: "LumiPointsTests", dependencies: ["LumiPoints", "Lumigrad", "RenderingTestSupport"]),
    .testTarget(
      name: "LumiImplicitTests", dependencies: ["LumiImplicit", "Lumigrad", "RenderingTestSupport"]),
    .testTarget(name: "LumiBenchmarkTests", dependencies: ["LumiBenchmark", "Lumigrad"]),
    // A training that a test kills; a program, because a test cannot kill its own process.
    .executableTarget(
      name: "TrainingProbe", dependencies: ["Lumigrad"], path: "Tests/TrainingProbe"),
    .testTarget(name: "LumigradTests", dependencies: ["Lumigrad", "TrainingProbe"]),
    .testTarget(name: "GradbenchTests", dependencies: ["gradbench"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu17
)
