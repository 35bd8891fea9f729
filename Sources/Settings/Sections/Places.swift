/// The two folders that are masterpool's own.
struct Places {
  var state: String
  var run: String
}

extension Settings {
  /// Where a file names none.
  public static let standardStateDirectory = "/var/lib/masterpool"
}

extension Reader {
  func places(_ file: Section) -> Places {
    let places = Places(
      state: file.read("state_dir", Settings.standardStateDirectory, ownFolder),
      run: file.read("run_dir", "/run/masterpool", ownFolder))
    if surroundings.resolved(places.state) == surroundings.resolved(places.run), let field = file["run_dir"] {
      field.problem("it is the same folder as state_dir, and may be lost at a reboot", "write another one")
    }
    return places
  }

  private func ownFolder(_ field: Field) -> String? {
    guard let path = path(field) else { return nil }
    guard path != "/" else {
      field.problem("it is the root folder", "write a folder that is masterpool's own")
      return nil
    }
    switch surroundings.look(at: path, followingLinks: true)?.kind {
    case .directory, nil: return path
    case .file, .symlink, .other:
      field.problem("\(path) is not a folder", "write a folder; it is made where it is missing")
      return nil
    }
  }

  /// A path, absolute or from the file's folder.
  func path(_ field: Field, expected: String = "a path") -> String? {
    guard let text = field.text(expected: expected) else { return nil }
    if text.hasPrefix("~") {
      field.problem("~ is not followed", "write the whole path")
      return nil
    }
    // A command's placeholders are filled in by text, wherever its paths come from.
    if text.contains("{") || text.contains("}") {
      field.problem("the path holds a brace", "write a path without { and }")
      return nil
    }
    return surroundings.absolute(text, from: folder)
  }

  /// A file that is there and can be read.
  func file(_ field: Field) -> String? {
    guard let path = path(field, expected: "a file's path") else { return nil }
    switch surroundings.look(at: path, followingLinks: true)?.kind {
    case nil: field.problem("there is no file \(path)", "write the path of one, or make it")
    case .directory: field.problem("\(path) is a folder", "write a file's path")
    case .symlink, .other: field.problem("\(path) is not a regular file", "write a file's path")
    case .file where !surroundings.canRead(path):
      field.problem("\(path) cannot be read", "run as a user who may read it, or change its mode")
    case .file: return path
    }
    return nil
  }

  /// A folder that is there.
  func folder(_ field: Field) -> String? {
    guard let path = path(field, expected: "a folder's path") else { return nil }
    switch surroundings.look(at: path, followingLinks: true)?.kind {
    case .directory: return path
    case nil: field.problem("there is no folder \(path)", "write the path of one, or make it")
    case .file, .symlink, .other: field.problem("\(path) is not a folder", "write a folder's path")
    }
    return nil
  }
}
