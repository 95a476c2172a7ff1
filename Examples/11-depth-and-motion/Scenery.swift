import Lumigrad

/// A corner of a room with a wavy wall, two balls and a box, covered with a pattern of many scales:
/// photometric losses see nothing on a blank surface.
enum Scenery {
  static func mesh() -> Mesh {
    var wall = Mesh.plane(width: 14, height: 9, columns: 260, rows: 170)
    let x = wall.vertices.slice(axis: 1, from: 0, to: 1)
    let y = wall.vertices.slice(axis: 1, from: 1, to: 2)
    let relief = (x * 1.3).sin() * (y * 1.7 + 0.5).cos() * 0.35
    wall.vertices = .concatenate([x, y, relief - 5.2], axis: 1)
    var floor = Mesh.plane(width: 14, height: 8, columns: 260, rows: 150)
    let across = floor.vertices.slice(axis: 1, from: 0, to: 1)
    let along = floor.vertices.slice(axis: 1, from: 1, to: 2)
    floor.vertices = .concatenate([across, Tensor.full(across.shape, -1.15), -along - 3], axis: 1)
    func ball(_ radius: Double, _ place: [Float]) -> Mesh {
      var ball = Mesh.icosphere(subdivisions: 5, radius: radius)
      ball.vertices = ball.vertices + Tensor(place)
      return ball
    }
    let balls = [ball(0.65, [-1.0, -0.35, -3.0]), ball(0.8, [1.25, 0.15, -4.0])]
    return painted([wall, floor, box()] + balls)
  }

  /// A box of six fine sides, turned about the vertical.
  private static func box() -> Mesh {
    let half = 0.35
    let turns: [[Float]] = [
      [0, 0, 0], [0, .pi / 2, 0], [0, .pi, 0], [0, -.pi / 2, 0], [.pi / 2, 0, 0], [-.pi / 2, 0, 0],
    ]
    let turn = Rotation.exponential(Tensor([0, 0.6, 0] as [Float]))
    let sides = turns.map { vector -> Mesh in
      var side = Mesh.plane(width: 2 * half, height: 2 * half, columns: 24, rows: 24)
      let outwards = side.vertices + Tensor([0, 0, Float(half)])
      let placed = outwards.matmul(Rotation.exponential(Tensor(vector)), transposingRight: true)
      side.vertices =
        placed.matmul(turn, transposingRight: true) + Tensor([0.35, -0.8, -2.5] as [Float])
      return side
    }
    return joined(sides)
  }

  private static func joined(_ meshes: [Mesh]) -> Mesh {
    var faces: [Tensor] = []
    var count = 0
    for mesh in meshes {
      faces.append(mesh.faces + Tensor(Double(count), dtype: .int32))
      count += mesh.vertexCount
    }
    return Mesh(vertices: .concatenate(meshes.map(\.vertices)), faces: .concatenate(faces))
  }

  /// Waves through space in random directions, from long and strong to short and weak.
  private static func painted(_ meshes: [Mesh]) -> Mesh {
    var mesh = joined(meshes)
    var random = RandomGenerator(seed: 11)
    var colors = Tensor.full([mesh.vertexCount, 3], 0.5)
    for octave in 0..<4 {
      let frequency = 2.5 * Double(1 << octave)
      let directions = random.normal([3, 6]) * frequency
      let phases = random.uniform([6], high: 2 * .pi)
      let tints = random.normal([6, 3]) * (0.085 / Double(octave + 1).squareRoot())
      colors += (mesh.vertices.matmul(directions) + phases).sin().matmul(tints)
    }
    mesh.appearance = .vertexColors(colors.clamped(min: 0.02, max: 0.98))
    return mesh
  }
}
