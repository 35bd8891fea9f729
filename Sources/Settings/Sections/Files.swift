import Pool

extension Reader {
  static let maxFolders = 1000

  /// Folders whose files are served without a worker, in the order of the file.
  func files(_ file: Section, _ places: Places, _ listeners: [PlacedListener]) -> [FileFolder] {
    guard let field = file["files"] else { return [] }
    let example = "[{path: /downloads/, folder: /srv/downloads}]"
    guard let fields = field.filledList(expected: example) else { return [] }
    guard fields.count <= Reader.maxFolders else {
      field.problem("there are \(fields.count) folders", "write at most \(Reader.maxFolders)")
      return []
    }
    var first: [String: Spot] = [:]
    return fields.compactMap { entry in
      guard let (folder, path) = servedFolder(entry, places, listeners) else { return nil }
      if let spot = first[folder.path] {
        let line = findings.line(of: spot, seenFrom: path.spot)
        path.problem("\(folder.path) is taken by \(line)", "write another path, or take one out")
        return nil
      }
      first[folder.path] = path.spot
      return folder
    }
  }

  private func servedFolder(
    _ field: Field, _ places: Places, _ listeners: [PlacedListener]
  ) -> (FileFolder, Field)? {
    let section = Section(reading: field, .files)
    guard case .mapping = field.shape else { return nil }
    let path = section.required("path", example: "/downloads/", pathAbove)
    let folder = section.required("folder", example: "/srv/downloads") { field in
      self.folder(field).flatMap { harmless($0, field, places, listeners) }
    }
    guard let path, let folder else { return nil }
    return (FileFolder(path: path, folder: folder), section["path"] ?? field)
  }

  private func pathAbove(_ field: Field) -> String? {
    guard let path = routePath(field) else { return nil }
    guard !path.contains("{") else {
      field.problem("\(quoted(path)) holds a brace", "write a plain path")
      return nil
    }
    guard path.hasSuffix("/") else {
      field.problem("\(quoted(path)) does not end in a slash", "write \(path)/, which takes what is below it")
      return nil
    }
    return path
  }

  /// What is served may be asked for by anyone whom a route lets in.
  private func harmless(
    _ folder: String, _ field: Field, _ places: Places, _ listeners: [PlacedListener]
  ) -> String? {
    let real = surroundings.resolved(folder)
    let secrets =
      listeners.compactMap { $0.tls?.privateKey }.map { ("the private key", $0) }
      + [("state_dir", places.state), ("run_dir", places.run)]
    for (name, path) in secrets where isFolder(real, holding: surroundings.resolved(path)) {
      field.problem("\(folder) holds \(name), \(path)", "write a folder that holds nothing else than what is served")
      return nil
    }
    return folder
  }

  /// Folders that no request ever reaches, as it looks.
  func unasked(_ folders: [FileFolder], _ routes: [PlacedRoute]) -> [String] {
    folders.filter { folder in !routes.contains { $0.route.lets(below: folder.path) } }.map { folder in
      "no route lets anybody ask for what files has at \(folder.path): it is answered 403"
    }
  }
}

extension Route {
  /// True where a GET for some path below this one may take the route.
  fileprivate func lets(below folder: String) -> Bool {
    guard methods.isEmpty || methods.contains("GET") || methods.contains("HEAD") else { return false }
    let mine = path.split(separator: "/")
    let others = folder.split(separator: "/")
    guard zip(mine, others).allSatisfy({ own, other in own.hasPrefix("{") || own == other }) else { return false }
    return path.hasSuffix("/") || mine.count > others.count
  }
}
