import Pool

/// The bounds of what the `control` section may say.
enum ControlBounds {
  static let allowHosts = 64
}

/// The `control` section as far as it could be read.
struct PlacedControl {
  var socketPath: String
  var listen: (field: Field, address: ListenAddress)?
  var tokenFile: String?
  var allowHosts: [String]

  var settings: ControlSettings {
    ControlSettings(
      socketPath: socketPath, listen: listen?.address, tokenFile: tokenFile, allowHosts: allowHosts)
  }
}

extension Reader {
  func control(_ section: Section, _ places: Places) -> PlacedControl {
    let control = PlacedControl(
      socketPath: section.read("socket", "\(places.run)/control.sock") { controlSocket($0, places) },
      listen: section.optional("listen") { field in field.address().map { (field, $0) } },
      tokenFile: section.optional("token_file", secret),
      allowHosts: section.read("allow_hosts", [], hostNames))
    if section["listen"] == nil {
      for key in ["token_file", "allow_hosts"] {
        section[key]?.problem("it is of no use without listen", "write listen: 127.0.0.1:8141 beside it")
      }
    }
    return control
  }

  private func controlSocket(_ field: Field, _ places: Places) -> String? {
    guard let text = field.text(expected: "a socket's path") else { return nil }
    let path = surroundings.absolute(text, from: places.run)
    return field.fitsSocket(path) ? path : nil
  }

  private func hostNames(_ field: Field) -> [String]? {
    guard let names = field.list(expected: "[masterpool.example.com]") else { return nil }
    guard names.count <= ControlBounds.allowHosts else {
      field.problem("the list has \(names.count) names", "write at most \(ControlBounds.allowHosts)")
      return nil
    }
    return names.compactMap { name in
      guard let text = name.text(expected: "a host's name") else { return nil }
      let labels = text.split(separator: ".", omittingEmptySubsequences: false)
      let isName = labels.allSatisfy { label in
        (1...63).contains(label.utf8.count)
          && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
      }
      if isName { return text.lowercased() }
      name.problem(
        "\(quoted(text)) is not a host's name",
        "write it as in masterpool.example.com, without a scheme, port or star")
      return nil
    }
  }

  /// What the address gives away, and to whom.
  func remarks(on control: PlacedControl) -> [String] {
    guard let address = control.listen?.address, !address.isLocal else { return [] }
    let open = "control.listen \(address) is open to its network: anyone there can read status, events and metrics"
    guard control.tokenFile != nil else { return [open] }
    return [
      open, "the token of control.token_file comes in the clear: whoever sees it pass on \(address) can command",
    ]
  }
}
