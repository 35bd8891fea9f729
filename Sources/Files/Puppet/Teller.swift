import CLinux
import Glibc

/// Tells of files beneath one place what Puppet::FileServing::Metadata collects of them.
struct Teller {
  private let request: PuppetRequest
  private let site: PuppetSite
  private let mayWork: Bool
  private let place: Place
  private let folder: Folder

  init(_ search: Search, place: Place, folder: Folder) {
    request = search.request
    site = search.site
    mayWork = search.mayWork
    self.place = place
    self.folder = folder
  }

  /// - Parameters:
  ///   - name: below the folder; nil: the folder itself.
  ///   - relative: below the place, as a tree's entry has it.
  func tell(_ name: String?, as relative: String?, _ facts: FileFacts) throws(Doubt) -> FileMetadata {
    let identity = site.plan.identity
    let keeps = request.keepsPermissions
    var row = FileMetadata(
      path: place.path, relativePath: relative, followsLinks: request.followsLinks,
      owner: keeps ? facts.owner : identity.user, group: keeps ? facts.group : identity.group,
      mode: keeps ? facts.mode : 0o644, checksumType: try type.rawValue, checksum: nil, kind: .file)
    switch facts.kind {
    case .file:
      guard let name else { throw .doubt }
      row.checksum = try checksum(of: name, facts)
    case .folder:
      row.kind = .directory
      row.checksumType = ChecksumType.ctime.rawValue
      // Of the tree's top, whichever folder in it this is: so Puppet has it.
      row.checksum = try time(relative == nil || relative == "." ? facts.changed : topFacts().changed)
    case .link:
      guard let name else { throw .doubt }
      row.kind = .link
      row.destination = try folder.destination(of: name)
      row.checksum = try checksumBehind(link: name)
    case .other: throw .doubt
    }
    return row
  }

  private var type: ChecksumType {
    get throws(Doubt) {
      guard let type = request.checksum ?? ChecksumType(rawValue: site.plan.digestAlgorithm) else { throw .doubt }
      return type
    }
  }

  private func topFacts() throws(Doubt) -> FileFacts { try folder.facts(place, followingLinks: true) }

  private func time(_ nanoseconds: Int64) throws(Doubt) -> String {
    guard let text = site.times.text(nanoseconds) else { throw .doubt }
    return text
  }

  private func checksum(of name: String, _ facts: FileFacts) throws(Doubt) -> String {
    let type = try type
    switch type {
    case .none: return ""
    case .mtime: return try time(facts.modified)
    case .ctime: return try time(facts.changed)
    case .md5, .md5lite, .sha1, .sha1lite, .sha224, .sha256, .sha256lite, .sha384, .sha512:
      return try digest(type, of: name, facts)
    }
  }

  private func digest(_ type: ChecksumType, of name: String, _ facts: FileFacts) throws(Doubt) -> String {
    guard site.reader.mayRead(facts), site.reader.mayReach(name, beneath: folder.descriptor) else { throw .doubt }
    let key = ChecksumCache.Key(path: "\(folder.path)/\(name)", facts: facts, type: type)
    if let known = site.checksums.known(key) { return known }
    guard mayWork else { throw .work }
    guard let digest = site.checksums.value(key, compute: { read(type, name, facts) }) else { throw .doubt }
    return digest
  }

  /// Nil where the file is not, or not any more, the one that was looked at.
  private func read(_ type: ChecksumType, _ name: String, _ facts: FileFacts) -> String? {
    let descriptor = clinux_open_beneath(folder.descriptor, name)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard FileFacts(descriptor: descriptor) == facts, let digest = contentDigest(type, of: descriptor),
      FileFacts(descriptor: descriptor) == facts
    else { return nil }
    return digest
  }

  /// Puppet reads through a link; where that fails, it says nothing.
  private func checksumBehind(link name: String) throws(Doubt) -> String? {
    if try type == .none { return "" }
    let found = clinux_find_beneath(folder.descriptor, name, true)
    guard found >= 0 else {
      guard errno == ENOENT else { throw .doubt }
      return nil
    }
    defer { close(found) }
    guard let facts = FileFacts(descriptor: found) else { throw .doubt }
    switch facts.kind {
    case .file: return try checksum(of: name, facts)
    case .folder:
      switch try type {
      case .mtime: return try time(facts.modified)
      case .ctime: return try time(facts.changed)
      case .none, .md5, .md5lite, .sha1, .sha1lite, .sha224, .sha256, .sha256lite, .sha384, .sha512: return nil
      }
    case .link, .other: throw .doubt
    }
  }
}
