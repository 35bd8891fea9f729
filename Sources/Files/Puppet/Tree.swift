import CLinux
import Glibc

/// All that lies below a place, in the order of Puppet::FileServing::Fileset: level by level, each folder's names as
/// the kernel tells them.
struct Tree {
  struct Entry {
    /// Below the place; `.` is the place itself.
    var name: String
    var facts: FileFacts

    /// Below the folder that holds the place.
    func beneath(_ place: Place) -> String? {
      switch (place.name, name) {
      case (let top, "."): top
      case (nil, let name): name
      case (let top?, let name): "\(top)/\(name)"
      }
    }
  }

  private let place: Place
  private let folder: Folder
  private let request: PuppetRequest
  private let recurses: Bool
  private let reader: Reader
  /// A larger one is left to a worker.
  private let maxEntries: Int

  init(_ place: Place, _ folder: Folder, _ request: PuppetRequest, recurses: Bool, in site: PuppetSite) {
    self.place = place
    self.folder = folder
    self.request = request
    self.recurses = recurses
    reader = site.reader
    maxEntries = site.limits.treeEntries
  }

  func entries() throws(Doubt) -> [Entry] {
    let top = Entry(name: ".", facts: try folder.facts(place, followingLinks: request.followsLinks))
    guard top.facts.kind != .link else { throw .doubt }
    if let name = place.name, !reader.mayReach(name, beneath: folder.descriptor) { throw .doubt }
    var entries = [top]
    var level = [top]
    var depth = 1
    while recurses, depth <= request.recurseLimit ?? .max, !level.isEmpty {
      var next: [Entry] = []
      for entry in level where entry.facts.kind == .folder { next += try children(of: entry) }
      entries += next
      guard entries.count <= maxEntries else { throw .doubt }
      level = next
      depth += 1
    }
    // Puppet's answer to more than that is an error.
    if request.maxFiles > 0, entries.count - 1 > request.maxFiles { throw .doubt }
    return entries
  }

  private func children(of parent: Entry) throws(Doubt) -> [Entry] {
    guard reader.mayList(parent.facts) else { throw .doubt }
    let descriptor = clinux_open_beneath(folder.descriptor, parent.beneath(place) ?? ".")
    guard descriptor >= 0 else { throw .doubt }
    defer { close(descriptor) }
    // A listing takes its descriptor with it.
    guard let names = FolderListing.names(in: dup(descriptor), limit: maxEntries) else { throw .doubt }
    var entries: [Entry] = []
    for name in names where !request.ignored.contains(where: { $0.matches(name) }) {
      guard !hasControls(name[...]), let facts = FileFacts(of: name, in: descriptor) else { throw .doubt }
      let path = parent.name == "." ? name : "\(parent.name)/\(name)"
      entries.append(try seen(Entry(name: path, facts: facts)))
    }
    return entries
  }

  /// With `links=follow`, what a link leads to; into a folder, Puppet would go round.
  private func seen(_ entry: Entry) throws(Doubt) -> Entry {
    guard request.followsLinks, entry.facts.kind == .link, let name = entry.beneath(place) else { return entry }
    let facts = try folder.facts(name, followingLinks: true)
    guard facts.kind == .file else { throw .doubt }
    return Entry(name: entry.name, facts: facts)
  }
}
