/// A path and where it stands in the file.
struct PlacedPath {
  var field: Field
  var path: String
}

extension Reader {
  /// Paths relative to the worker's own directory; none: all of it.
  func wipedPaths(_ section: Section) -> [String] {
    let example = "[\"{slot}/cache\"]"
    guard let field = section["wipe"], let list = field.list(expected: example) else { return [] }
    if list.isEmpty {
      field.problem("an empty list says neither nothing nor all", "leave wipe out for all, or write \(example)")
    }
    return list.compactMap(wiped)
  }

  func sharedPaths(_ section: Section) -> [PlacedPath] {
    let list = section["shared"]?.list(expected: "[/var/lib/puppet/yaml]") ?? []
    return list.compactMap { field in sharedPath(field).map { PlacedPath(field: field, path: $0) } }
  }

  /// A path inside the worker's own directory, relative to it.
  private func wiped(_ field: Field) -> String? {
    guard let text = field.text(expected: "\"{slot}/cache\"") else { return nil }
    guard text.hasPrefix("{slot}/") else {
      field.problem("\(quoted(text)) is not inside the worker's own directory", "start it with {slot}/")
      return nil
    }
    let parts = text.dropFirst("{slot}/".count).split(separator: "/")
    guard !parts.isEmpty else {
      field.problem("it is the worker's whole directory", "leave wipe out, for all of it")
      return nil
    }
    guard !parts.contains(".."), !parts.contains(".") else {
      field.problem("\(quoted(text)) has a . or .. in it", "write the plain path below {slot}")
      return nil
    }
    guard !parts.joined().contains("{") else {
      field.problem("\(quoted(text)) has a placeholder besides {slot}", "write the plain path below {slot}")
      return nil
    }
    return parts.joined(separator: "/")
  }

  private func sharedPath(_ field: Field) -> String? {
    guard let text = field.text(expected: "an absolute path") else { return nil }
    guard text.hasPrefix("/") else {
      field.problem("\(quoted(text)) is not absolute", "write the whole path, from / on")
      return nil
    }
    let parts = text.split(separator: "/")
    guard !parts.contains(".."), !parts.contains(".") else {
      field.problem("\(quoted(text)) has a . or .. in it", "write the plain path")
      return nil
    }
    guard !text.contains("{") else {
      field.problem("\(quoted(text)) has a brace in it", "write a plain path; placeholders are for wipe")
      return nil
    }
    return tidied(text)
  }
}
