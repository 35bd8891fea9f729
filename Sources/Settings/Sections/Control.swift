import Pool

/// The `control` section as far as it could be read.
struct PlacedControl {
  var socketPath: String
  var listen: (field: Field, address: ListenAddress)?
}

extension Reader {
  func control(_ section: Section, _ places: Places) -> PlacedControl {
    PlacedControl(
      socketPath: section.read("socket", "\(places.run)/control.sock") { controlSocket($0, places) },
      listen: section.optional("listen") { field in field.address().map { (field, $0) } })
  }

  private func controlSocket(_ field: Field, _ places: Places) -> String? {
    guard let text = field.text(expected: "a socket's path") else { return nil }
    let path = surroundings.absolute(text, from: places.run)
    return field.fitsSocket(path) ? path : nil
  }
}
