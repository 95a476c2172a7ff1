/// Walks through every link of a glTF document and writes a new one of the parts that assimp
/// needs for geometry, with all buffers joined into one.
struct GLTFCheck {
  private(set) var checked = JSONValue.null
  private(set) var binary: [UInt8] = []
  private let document: GLTFDocument
  private let limits: ReadLimits
  private var accessors: [Accessor] = []
  /// Elements that a mesh's primitives hold together.
  private var meshElements: [Int] = []

  private struct Accessor {
    var component: Int
    var type: String
    var count: Int
    var json: JSONValue
  }

  private static let componentBytes = [5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4]
  private static let typeComponents = [
    "SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16,
  ]

  init(_ document: GLTFDocument, limits: ReadLimits) throws(FileError) {
    self.document = document
    self.limits = limits
    let views = try joinBuffers()
    try checkAccessors()
    let meshes = try checkMeshes()
    let (nodes, roots) = try checkNodes(meshCount: meshes.count)
    let materials = try document.list("materials").map { _ in JSONValue.object([:]) }
    checked = .object([
      "asset": .object(["version": .string("2.0")]), "scene": .number(0),
      "scenes": .array([.object(["nodes": .array(roots.map { .number(Double($0)) })])]),
      "nodes": .array(nodes), "meshes": .array(meshes), "materials": .array(materials),
      "accessors": .array(accessors.map(\.json)), "bufferViews": .array(views),
      "buffers": .array([.object(["byteLength": .number(Double(binary.count))])]),
    ])
  }

  private mutating func joinBuffers() throws(FileError) -> [JSONValue] {
    var starts: [Int] = []
    for buffer in document.buffers {
      // Every buffer starts aligned, as its own offsets assume.
      binary += [UInt8](repeating: 0, count: (4 - binary.count % 4) % 4)
      starts.append(binary.count)
      binary += buffer
    }
    guard binary.count < Int(UInt32.max) / 2 else {
      throw document.fail("buffers", .limitExceeded, "\(binary.count) bytes")
    }
    var views: [JSONValue] = []
    for (index, view) in try document.list("bufferViews").enumerated() {
      let path = "bufferViews[\(index)]"
      let range = try document.viewRange(view, path)
      var members: [String: JSONValue] = [
        "buffer": .number(0),
        "byteOffset": .number(Double(starts[range.buffer] + range.bytes.lowerBound)),
        "byteLength": .number(Double(range.bytes.count)),
      ]
      if let stride = try document.index("byteStride", of: view, path, below: 253) {
        members["byteStride"] = .number(Double(stride))
      }
      views.append(.object(members))
    }
    return views
  }

  private mutating func checkAccessors() throws(FileError) {
    let views = try document.list("bufferViews")
    for (index, entry) in try document.list("accessors").enumerated() {
      accessors.append(try accessor(entry, "accessors[\(index)]", views))
    }
  }

  private func accessor(
    _ entry: JSONValue, _ path: String, _ views: [JSONValue]
  ) throws(FileError) -> Accessor {
    guard entry["sparse"] == nil,
      let view = try document.index("bufferView", of: entry, path, below: views.count)
    else { throw document.fail(path, .unsupported, "an accessor that is sparse or without data") }
    guard let component = entry["componentType"]?.integer,
      let componentBytes = Self.componentBytes[component], let type = entry["type"]?.string,
      let components = Self.typeComponents[type]
    else { throw document.fail(path, .malformed, "a known componentType and type expected") }
    guard let count = try document.index("count", of: entry, path, below: limits.elements),
      count > 0
    else { throw document.fail(path, .outOfRange, "a count above 0 expected") }
    let offset = try document.index("byteOffset", of: entry, path) ?? 0
    let size = componentBytes * components
    let stride = try document.index("byteStride", of: views[view], path, below: 253) ?? size
    let length = try document.viewRange(views[view], path).bytes.count
    guard stride == 0 || stride >= size, offset + (count - 1) * max(stride, size) + size <= length
    else {
      throw document.fail(
        path, .outOfRange, "\(count) \(type) from byte \(offset) leave its view of \(length) bytes")
    }
    let json = JSONValue.object([
      "bufferView": .number(Double(view)), "byteOffset": .number(Double(offset)),
      "componentType": .number(Double(component)), "count": .number(Double(count)),
      "type": .string(type), "normalized": .bool(entry["normalized"]?.bool ?? false),
    ])
    return Accessor(component: component, type: type, count: count, json: json)
  }

  // MARK: - Meshes

  private mutating func checkMeshes() throws(FileError) -> [JSONValue] {
    let materialCount = try document.list("materials").count
    var meshes: [JSONValue] = []
    for (index, mesh) in try document.list("meshes").enumerated() {
      var primitives: [JSONValue] = []
      var elements = 0
      for (number, primitive) in (mesh["primitives"]?.array ?? []).enumerated() {
        let path = "meshes[\(index)].primitives[\(number)]"
        let (json, count) = try self.primitive(primitive, path, materialCount)
        primitives.append(json)
        elements += count
      }
      guard !primitives.isEmpty else {
        throw document.fail("meshes[\(index)]", .missing, "primitives expected")
      }
      meshElements.append(elements)
      meshes.append(.object(["primitives": .array(primitives)]))
    }
    return meshes
  }

  private func primitive(
    _ primitive: JSONValue, _ path: String, _ materialCount: Int
  ) throws(FileError) -> (json: JSONValue, elements: Int) {
    let mode = try document.index("mode", of: primitive, path, below: 7) ?? 4
    guard mode == 0 || mode >= 4 else { throw document.fail(path, .unsupported, "lines") }
    let attributes = primitive["attributes"] ?? .null
    guard let position = try attribute("POSITION", attributes, path, ["VEC3"], [5126]) else {
      throw document.fail(path, .missing, "POSITION expected")
    }
    var kept = ["POSITION": position]
    kept["NORMAL"] = try attribute("NORMAL", attributes, path, ["VEC3"], [5126])
    kept["TEXCOORD_0"] = try attribute("TEXCOORD_0", attributes, path, ["VEC2"], [5126])
    kept["COLOR_0"] = try attribute(
      "COLOR_0", attributes, path, ["VEC3", "VEC4"], [5121, 5123, 5126])
    let count = accessors[position].count
    if let other = kept.first(where: { accessors[$0.value].count != count }) {
      throw document.fail(
        path, .malformed, "\(accessors[other.value].count) \(other.key) for \(count) POSITION")
    }
    var members: [String: JSONValue] = [
      "attributes": .object(kept.mapValues { .number(Double($0)) }), "mode": .number(Double(mode)),
    ]
    var elements = count
    if let indices = try document.index("indices", of: primitive, path, below: accessors.count) {
      let accessor = accessors[indices]
      guard accessor.type == "SCALAR", [5121, 5123, 5125].contains(accessor.component) else {
        throw document.fail(path, .malformed, "indices must be unsigned whole numbers")
      }
      guard mode != 4 || accessor.count % 3 == 0 else {
        throw document.fail(path, .malformed, "\(accessor.count) indices are no triangles")
      }
      members["indices"] = .number(Double(indices))
      elements += accessor.count
    } else if mode == 4 && count % 3 != 0 {
      throw document.fail(path, .malformed, "\(count) vertices are no triangles")
    }
    if let material = try document.index("material", of: primitive, path, below: materialCount) {
      members["material"] = .number(Double(material))
    }
    return (.object(members), elements)
  }

  private func attribute(
    _ name: String, _ attributes: JSONValue, _ path: String, _ types: [String],
    _ components: [Int]
  ) throws(FileError) -> Int? {
    guard let index = try document.index(name, of: attributes, path, below: accessors.count) else {
      return nil
    }
    guard types.contains(accessors[index].type), components.contains(accessors[index].component)
    else {
      throw document.fail(
        "\(path).\(name)", .unsupported,
        "\(accessors[index].type) of component type \(accessors[index].component)")
    }
    return index
  }

  // MARK: - Nodes

  /// The scene must be a forest: a node that is reached twice would be a cycle or a copy that
  /// multiplies the work.
  private func checkNodes(
    meshCount: Int
  ) throws(FileError) -> (nodes: [JSONValue], roots: [Int]) {
    let nodes = try document.list("nodes")
    let scenes = try document.list("scenes")
    let scene = try document.index("scene", of: document.json, "scene", below: scenes.count) ?? 0
    guard scene < scenes.count else { throw document.fail("scenes", .missing, "no scene") }
    let roots = try links("nodes", of: scenes[scene], "scenes[\(scene)]", nodes.count)
    var result = [JSONValue](repeating: .object([:]), count: nodes.count)
    var reached = [Bool](repeating: false, count: nodes.count)
    var waiting = roots.map { (node: $0, depth: 0) }
    var elements = 0
    while let (node, depth) = waiting.popLast() {
      let path = "nodes[\(node)]"
      guard !reached[node] else { throw document.fail(path, .malformed, "is reached twice") }
      guard depth < limits.depth else {
        throw document.fail(path, .limitExceeded, "nested deeper than \(limits.depth)")
      }
      reached[node] = true
      var members = try transform(nodes[node], path)
      if let mesh = try document.index("mesh", of: nodes[node], path, below: meshCount) {
        members["mesh"] = .number(Double(mesh))
        elements += meshElements[mesh]
      }
      guard elements <= limits.elements else {
        throw document.fail(path, .limitExceeded, "more than \(limits.elements) elements")
      }
      let children = try links("children", of: nodes[node], path, nodes.count)
      if !children.isEmpty { members["children"] = .array(children.map { .number(Double($0)) }) }
      waiting += children.map { ($0, depth + 1) }
      result[node] = .object(members)
    }
    return (result, roots)
  }

  private func links(
    _ key: String, of value: JSONValue, _ path: String, _ count: Int
  ) throws(FileError) -> [Int] {
    var result: [Int] = []
    for entry in value[key]?.array ?? [] {
      guard let index = entry.integer, index >= 0, index < count else {
        throw document.fail("\(path).\(key)", .outOfRange, "\(entry.text), there are \(count)")
      }
      result.append(index)
    }
    return result
  }

  private func transform(_ node: JSONValue, _ path: String) throws(FileError) -> [String: JSONValue]
  {
    var members: [String: JSONValue] = [:]
    for (key, count) in [("matrix", 16), ("translation", 3), ("rotation", 4), ("scale", 3)] {
      guard let value = node[key] else { continue }
      guard let numbers = value.array, numbers.count == count,
        numbers.allSatisfy({ abs($0.number ?? .infinity) <= Double(Float.greatestFiniteMagnitude) })
      else { throw document.fail("\(path).\(key)", .malformed, "\(count) numbers expected") }
      members[key] = value
    }
    return members
  }
}
