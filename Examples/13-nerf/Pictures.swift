import ExampleSupport
import Lumigrad

/// Sheets of pictures beside what they should be.
enum Pictures {
  /// Values as stored, for a canvas, which is in linear light.
  private static func canvas(_ image: Tensor, _ factor: Int) -> Canvas {
    let light = image.scalars(as: Double.self).map { ColorEncoding.sRGB.decode(min(max($0, 0), 1)) }
    return Canvas(Tensor(light, shape: image.shape).cast(to: .float32)).enlarged(factor)
  }

  /// A row of photographs, of pictures with and without directions, and of the highlights' regions.
  static func comparison(
    _ photographs: [Photograph], _ seen: [Tensor], _ flat: [Tensor], enlarged factor: Int
  ) -> Canvas {
    func row(_ title: String, _ images: [Tensor]) -> Canvas {
      Canvas.sheet(images.map { canvas($0, factor) }, columns: images.count)
        .captioned(title, scale: 1)
    }
    let regions = photographs.map { photograph in
      let flags = photograph.region.expandingDims(at: 2)
      return photograph.image * flags + (1 - flags)
    }
    return .column([
      row("kept back", photographs.map(\.image)), row("by direction", seen),
      row("one colour for all directions", flat), row("highlights", regions),
    ])
  }

  /// A photograph, the field from its camera, and four times the difference.
  static func pair(_ photograph: Photograph, _ picture: Tensor, enlarged factor: Int) -> Canvas {
    let difference = 1 - (picture - photograph.image).abs() * 4
    return Canvas.sheet(
      [photograph.image, picture, difference].map { canvas($0, factor) }, columns: 3)
  }
}
