import CLinux
import Glibc

/// A module's or a mount's folder, open as the top below which names are looked for.
struct Folder {
  let path: String
  let descriptor: Int32

  init(_ path: String, _ reader: Reader) throws(Doubt) {
    guard let folder = try Folder.ifThere(path, reader) else { throw .doubt }
    self = folder
  }

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  /// Nil: surely not there.
  static func ifThere(_ path: String, _ reader: Reader) throws(Doubt) -> Folder? {
    let descriptor = clinux_open_folder(path)
    guard descriptor >= 0 else {
      guard errno == ENOENT else { throw .doubt }
      return nil
    }
    let folder = Folder(path: path, descriptor: descriptor)
    guard reader.mayReach(path) else {
      folder.close()
      throw .doubt
    }
    return folder
  }

  /// The caller's to call, once.
  func close() { _ = Glibc.close(descriptor) }

  /// Of what a place names, found beneath this folder.
  func facts(_ place: Place, followingLinks: Bool) throws(Doubt) -> FileFacts {
    guard let name = place.name else {
      // A module's folder that is a link itself is Puppet's matter.
      guard let facts = FileFacts(at: path, followingLinks: false), facts.kind == .folder else { throw .doubt }
      return facts
    }
    return try facts(name, followingLinks: followingLinks)
  }

  func facts(_ name: String, followingLinks: Bool) throws(Doubt) -> FileFacts {
    let found = clinux_find_beneath(descriptor, name, followingLinks)
    guard found >= 0 else { throw .doubt }
    defer { Glibc.close(found) }
    guard let facts = FileFacts(descriptor: found) else { throw .doubt }
    return facts
  }

  /// What a link says; a name that JSON could not hold as it is, is a doubt.
  func destination(of name: String) throws(Doubt) -> String {
    let link = clinux_find_beneath(descriptor, name, false)
    guard link >= 0 else { throw .doubt }
    defer { Glibc.close(link) }
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { room -> String? in
      guard let start = room.baseAddress else { return nil }
      let count = readlinkat(link, "", start, room.count)
      guard count >= 0, count < room.count else { return nil }
      return String(validating: room[..<count].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    guard let text, !hasControls(text[...]) else { throw .doubt }
    return text
  }
}
