import LumiTensor

/// The name of one image that a renderer gives.
public struct RenderChannel: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible
{
  public let name: String

  public init(_ name: String) { self.name = name }
  public init(stringLiteral value: String) { name = value }
  public var description: String { name }

  /// [height, width, channels], linear light, composited over the background.
  public static let color = RenderChannel("color")
  /// [height, width] in [0, 1]: how much of the pixel is covered.
  public static let alpha = RenderChannel("alpha")
  /// [height, width]: camera z in world units.
  public static let depth = RenderChannel("depth")
  /// [height, width, 3]: unit normals in the world.
  public static let normal = RenderChannel("normal")
  /// [height, width] int32: the face seen, -1 for none. Without a gradient.
  public static let faceIndex = RenderChannel("faceIndex")
}

/// The images of one view, by name.
public struct RenderOutput: Sendable {
  /// The id of the method that made it.
  public let method: String
  public let height: Int
  public let width: Int
  private let images: [RenderChannel: Tensor]

  /// Every image's first two axes are the height and the width.
  public init(method: String, height: Int, width: Int, images: [RenderChannel: Tensor]) {
    for (channel, image) in images {
      require(
        Array(image.shape.prefix(2)) == [height, width],
        "RenderOutput: channel \(channel) of shape \(image.shape), expected \(height)×\(width)")
    }
    self.method = method
    self.height = height
    self.width = width
    self.images = images
  }

  /// The channels that there are, by name.
  public var channels: [RenderChannel] { images.keys.sorted { $0.name < $1.name } }

  /// One image. Throws ``RenderError/missingChannel(_:method:available:)``.
  public subscript(channel: RenderChannel) -> Tensor {
    get throws {
      guard let image = images[channel] else {
        throw RenderError.missingChannel(
          channel.name, method: method, available: channels.map(\.name))
      }
      return image
    }
  }
}

/// A scene that a renderer cannot draw, or an image that it does not give.
public enum RenderError: Error, Sendable, Equatable, CustomStringConvertible {
  case missingChannel(String, method: String, available: [String])
  /// A scene's shape is not what the renderer draws.
  case shapeMismatch(method: String, expected: String, actual: String)
  /// A parameter that is out of its range or does not fit the others.
  case invalid(method: String, parameter: String, expected: String, actual: String)
  case duplicateMethod(String)
  case unknownMethod(String, known: [String])
  /// The rasteriser could not get memory for its lists.
  case outOfMemory(method: String, detail: String)

  public var description: String {
    switch self {
    case .missingChannel(let channel, let method, let available):
      "\(method) gives no \"\(channel)\"; it gives \(available.joined(separator: ", "))"
    case .shapeMismatch(let method, let expected, let actual):
      "\(method) draws \(expected), not \(actual)"
    case .invalid(let method, let parameter, let expected, let actual):
      "\(method): \(parameter) is \(actual), expected \(expected)"
    case .duplicateMethod(let id): "a method with the id \"\(id)\" is registered already"
    case .unknownMethod(let id, let known):
      "there is no method \"\(id)\"; there are \(known.joined(separator: ", "))"
    case .outOfMemory(let method, let detail): "\(method): out of memory for \(detail)"
    }
  }
}
