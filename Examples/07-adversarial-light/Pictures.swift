import ExampleSupport
import Lumigrad

/// Pictures before and after attacks, with what the network says about them.
struct Gallery {
  let classifier: Classifier
  let studio = Studio()

  /// A column for each sample: as it is, in adversarial light, with adversarial vertices; what the
  /// network sees and what it says, and the same things in pictures that it never sees.
  func sheets(
    _ samples: [Sample], light: Attack, vertices: Attack
  ) throws -> (seen: Canvas, fine: Canvas) {
    let rows = [
      ("original", samples),
      ("only the light moved", try samples.map { try light.run($0, classifier) }),
      ("only the vertices moved", try samples.map { try vertices.run($0, classifier) }),
    ]
    func sheet(_ suffix: String, _ tile: (Sample) throws -> Canvas) rethrows -> Canvas {
      Canvas.column(
        try rows.map { title, samples in
          Canvas.sheet(try samples.map(tile), columns: samples.count).captioned(title + suffix)
        }, gap: 8)
    }
    return (try sheet(". the network says:", answered), try sheet("", fine))
  }

  /// What the network sees, enlarged, with its answer above: orange if it is wrong.
  private func answered(_ sample: Sample) throws -> Canvas {
    let picture = try studio.picture(sample)
    let answer = classifier.prediction(picture)
    return Canvas(picture.expandingDims(at: 2).repeated(3, axis: 2)).enlarged(3).captioned(
      answer.name, color: answer == sample.label ? Palette.ink : Palette.orange)
  }

  /// The same with pixels a third as wide, which the network never sees.
  private func fine(_ sample: Sample) throws -> Canvas {
    Canvas(
      try studio.renderer.render(studio.scene(sample), from: Studio.camera.enlarged(by: 3))[.color])
  }
}
