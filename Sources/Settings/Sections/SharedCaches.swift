import Pool

/// What must never be renamed aside and deleted as a cache.
private struct Precious {
  var name: String
  var path: String
  /// True where nothing below it may be either.
  var isWhole: Bool
}

extension Reader {
  /// System folders below which no cache lies.
  private static let systemFolders = ["/boot", "/proc", "/sys", "/usr"]

  /// Refuses every shared cache whose renaming could hurt more than a cache.
  func refuseSharedCaches(of pools: [PlacedPool], _ places: Places, _ listeners: [PlacedListener]) {
    let precious = precious(pools, places, listeners)
    for shared in pools.flatMap(\.shared) { refuse(shared.path, shared.field, precious) }
  }

  private func precious(
    _ pools: [PlacedPool], _ places: Places, _ listeners: [PlacedListener]
  ) -> [Precious] {
    let own = [("state_dir", places.state), ("run_dir", places.run)]
      .map { Precious(name: $0, path: $1, isWhole: true) }
    let kept = pools.flatMap { $0.preset?.keeps ?? [] }.map { Precious(name: $0.name, path: $0.path, isWhole: true) }
    let read = pools.flatMap { $0.preset?.reads ?? [] }.map { Precious(name: $0.name, path: $0.path, isWhole: false) }
    let certificates = listeners.compactMap(\.tls).flatMap { tls in
      [tls.certificate, tls.privateKey, tls.clientCA, tls.clientCRL].compactMap { $0 }
    }.map { Precious(name: "a certificate or key", path: $0, isWhole: false) }
    let homes = surroundings.homeDirectories.filter { $0 != "/" && $0.hasPrefix("/") }
      .map { Precious(name: "a home directory", path: $0, isWhole: false) }
    let mounts = surroundings.mountPoints.map { Precious(name: "a mount point", path: $0, isWhole: false) }
    let system = Reader.systemFolders.map { Precious(name: "a system folder", path: $0, isWhole: true) }
    let settings = [Precious(name: "this file's folder", path: folder, isWhole: false)]
    return own + kept + read + certificates + homes + mounts + system + settings
  }

  private func refuse(_ shared: String, _ field: Field, _ precious: [Precious]) {
    guard depth(of: shared) > 1 else {
      field.problem(
        shared == "/" ? "it is the root folder" : "\(shared) is only one level deep", "write the cache's own folder")
      return
    }
    if let link = linkOnTheWay(to: shared) {
      field.problem("\(link) is a symbolic link", "write the path without links, \(surroundings.resolved(shared))")
      return
    }
    for item in precious {
      for path in Set([tidied(item.path), surroundings.resolved(item.path)]).sorted() {
        guard let relation = relation(of: shared, to: path, isWhole: item.isWhole) else { continue }
        field.problem(
          "\(shared) \(relation) \(item.name)\(shared == path ? "" : ", \(path)")", "write the cache's own folder")
        return
      }
    }
    refuseMissing(shared, field)
  }

  private func relation(of shared: String, to path: String, isWhole: Bool) -> String? {
    if shared == path { return "is" }
    if isFolder(shared, holding: path) { return "holds" }
    return isWhole && isFolder(path, holding: shared) ? "lies in" : nil
  }

  private func linkOnTheWay(to path: String) -> String? {
    var made = ""
    for part in path.split(separator: "/") {
      made += "/\(part)"
      if surroundings.look(at: made, followingLinks: false)?.kind == .symlink { return made }
    }
    return nil
  }

  /// A cache that is not there yet may come; a folder that would hold it and is not there either is a slip.
  private func refuseMissing(_ shared: String, _ field: Field) {
    switch surroundings.look(at: shared, followingLinks: false)?.kind {
    case .directory: break
    case .file, .symlink, .other: field.problem("\(shared) is not a folder", "write the cache's folder")
    case nil:
      let parent = parentFolder(of: shared)
      guard surroundings.look(at: parent, followingLinks: false)?.kind != .directory else { break }
      field.problem("there is neither \(shared) nor \(parent)", "mend the path, or make the folder")
    }
  }
}
