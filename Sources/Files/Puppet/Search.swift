import CLinux
import Glibc

/// Why no answer is given here.
enum Doubt: Error {
  /// Puppet would say something else, or might.
  case doubt
  /// It takes what an event loop has no time for.
  case work
}

/// A file or folder by the folder that holds it and the name there, as Puppet joins them.
struct Place: Hashable {
  /// Trusted: the operator's module or mount.
  var folder: String
  /// Nil: the folder itself.
  var name: String?

  var path: String { name.map { folder == "/" ? "/\($0)" : "\(folder)/\($0)" } ?? folder }
}

/// One request's way to its answer, in one environment as it is now.
struct Search {
  let request: PuppetRequest
  let world: World
  let site: PuppetSite
  /// False: on an event loop.
  let mayWork: Bool

  private static let json: StaticString = "application/json; charset=utf-8"

  init(_ request: PuppetRequest, in world: World, of site: PuppetSite, mayWork: Bool) {
    self.request = request
    self.world = world
    self.site = site
    self.mayWork = mayWork
  }

  func outcome() -> Result<FileOutcome, Doubt> {
    Result { () throws(Doubt) -> FileOutcome in
      switch request.kind {
      case .content: .file(try content(of: try place()))
      case .metadata: .body(try metadata(of: try place()))
      case .metadatas: .body(try metadatas())
      }
    }
  }

  private func content(of place: Place) throws(Doubt) -> OpenFile {
    guard let name = place.name else { throw .doubt }
    let folder = try Folder(place.folder, site.reader)
    defer { folder.close() }
    guard site.reader.mayReach(name, beneath: folder.descriptor),
      let file = OpenFile(name, beneath: folder.descriptor)
    else { throw .doubt }
    guard let facts = FileFacts(descriptor: file.descriptor), site.reader.mayRead(facts) else {
      file.close()
      throw .doubt
    }
    return file
  }

  private func metadata(of place: Place) throws(Doubt) -> ReadyBody {
    let folder = try Folder(place.folder, site.reader)
    defer { folder.close() }
    let facts = try folder.facts(place, followingLinks: request.followsLinks)
    let teller = Teller(self, place: place, folder: folder)
    var bytes: [UInt8] = []
    try teller.tell(place.name, as: nil, facts).write(to: &bytes)
    return ReadyBody(bytes, contentType: Self.json)
  }

  private func metadatas() throws(Doubt) -> ReadyBody {
    guard mayWork else { throw .work }
    let (places, recurses) = try trees()
    var rows: [FileMetadata] = []
    // Their bytes: two names may look the same to Swift.
    var seen: Set<[UInt8]> = []
    for place in places {
      let folder = try Folder(place.folder, site.reader)
      defer { folder.close() }
      let teller = Teller(self, place: place, folder: folder)
      for entry in try Tree(place, folder, request, recurses: recurses, in: site).entries()
      where seen.insert(Array(entry.name.utf8)).inserted {
        rows.append(try teller.tell(entry.beneath(place), as: entry.name, entry.facts))
      }
    }
    return ReadyBody(FileMetadata.list(rows), contentType: Self.json)
  }
}

/// Where a mount leads.
extension Search {
  /// The one file that is meant, which is there.
  private func place() throws(Doubt) -> Place {
    if let folder = mergedFolder {
      guard isBuiltIn, !world.environment.hasDoubts else { throw .doubt }
      return try firstPlace(in: folder)
    }
    let place = try singlePlace()
    guard try exists(place) else { throw .doubt }
    return place
  }

  /// The tops of the trees that make one answer.
  private func trees() throws(Doubt) -> (places: [Place], recurses: Bool) {
    guard let folder = mergedFolder else { return ([try place()], request.recurses) }
    guard isBuiltIn, !world.environment.hasDoubts else { throw .doubt }
    // Whatever stands behind the mount's name: a search gives all of it.
    let modules = world.environment.modules.filter { $0.folders.contains(folder) }
    if modules.isEmpty {
      // Something that exists, for an agent that would take an error for one.
      guard !world.environment.modulepath.isEmpty else { throw .doubt }
      return (world.environment.modulepath.map { Place(folder: $0, name: nil) }, false)
    }
    return (modules.map { Place(folder: "\($0.path)/\(folder)", name: nil) }, request.recurses)
  }

  /// Without a word of fileserver.conf about it.
  private var isBuiltIn: Bool { site.plan.mounts.contains(request.mount) }

  private var mergedFolder: String? {
    switch request.mount {
    case "plugins": "lib"
    case "pluginfacts": "facts.d"
    case "locales": "locales"
    default: nil
    }
  }

  private func firstPlace(in folder: String) throws(Doubt) -> Place {
    for module in world.environment.modules where module.folders.contains(folder) {
      let place = Place(folder: "\(module.path)/\(folder)", name: request.path)
      if try exists(place) { return place }
    }
    throw .doubt
  }

  private func singlePlace() throws(Doubt) -> Place {
    let kind: String
    switch request.mount {
    case "modules": kind = "files"
    case "tasks", "scripts": kind = request.mount
    default:
      guard !isBuiltIn, let folder = world.mounts.folder(request.mount) else { throw .doubt }
      return Place(folder: folder, name: request.path)
    }
    guard isBuiltIn, let path = request.path else { throw .doubt }
    let (name, rest) = halves(of: path[...])
    guard let module = world.environment.module(String(name)), !module.isDoubtful else { throw .doubt }
    return Place(folder: "\(module.path)/\(kind)", name: rest.map(String.init))
  }

  /// False: surely not there, so that the next module has its turn.
  private func exists(_ place: Place) throws(Doubt) -> Bool {
    guard let folder = try Folder.ifThere(place.folder, site.reader) else { return false }
    defer { folder.close() }
    guard let name = place.name else { return true }
    let descriptor = clinux_find_beneath(folder.descriptor, name, true)
    guard descriptor < 0 else {
      close(descriptor)
      return true
    }
    // Outside, or forbidden: there all the same, perhaps.
    guard errno == ENOENT || errno == ENOTDIR else { throw .doubt }
    return false
  }
}
