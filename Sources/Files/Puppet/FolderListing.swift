import Glibc

/// Names in a folder, in the order in which the kernel tells them: Puppet takes them as they come.
enum FolderListing {
  /// Nil where it cannot be listed, or a name is not UTF-8, or there are more than `limit`.
  static func names(at path: String, limit: Int) -> [String]? {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    return names(in: descriptor, limit: limit)
  }

  /// Takes the descriptor.
  static func names(in descriptor: Int32, limit: Int) -> [String]? {
    guard let stream = fdopendir(descriptor) else {
      close(descriptor)
      return nil
    }
    defer { closedir(stream) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard let name, names.count < limit else { return nil }
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    return errno == 0 ? names : nil
  }
}

/// A small file's bytes.
func contents(at path: String, limit: Int) -> [UInt8]? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  guard let facts = FileFacts(descriptor: descriptor), facts.kind == .file, facts.size <= limit else { return nil }
  var bytes = [UInt8](repeating: 0, count: facts.size + 1)
  var count = 0
  while count < bytes.count {
    let more = bytes.withUnsafeMutableBytes {
      pread(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count, off_t(count))
    }
    if more < 0, errno == EINTR { continue }
    guard more >= 0 else { return nil }
    if more == 0 { break }
    count += more
  }
  // Longer than it was a moment ago: somebody is writing it.
  guard count <= facts.size else { return nil }
  return Array(bytes[..<count])
}
