// swift-tools-version: 6.1
import PackageDescription

// A package of its own: what a method needs that is not part of Lumigrad. Elsewhere, LUMIGRAD_PATH
// names Lumigrad's folder.
let package = Package(
  name: "YourOwnRenderer",
  products: [.executable(name: "splat-gradbench", targets: ["SplatGradbench"])],
  dependencies: [
    .package(name: "Lumigrad", path: Context.environment["LUMIGRAD_PATH"] ?? "../..")
  ],
  targets: [
    .executableTarget(
      name: "SplatGradbench",
      dependencies: [
        "Lumigrad", .product(name: "GradbenchCommands", package: "Lumigrad"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
