import Glibc
import Pool
import Settings

/// The settings file and its drop-ins, as they are on disk.
struct SettingsFiles: Sendable {
  /// As it was named on the command line.
  let config: String
  /// Above all files, and below what is set live.
  var overrides: [SettingOverride] = []

  /// The settings as the machine is now, and what was read for them.
  ///
  /// - Parameter texts: nil: those in the files as they are now.
  func read(
    _ texts: [SettingsText]? = nil, overrides: [SettingOverride] = []
  ) throws(Problems) -> (Settings, [SettingsText]) {
    let read = if let texts { texts } else { try self.texts() }
    return (try Settings.read(read, overrides: self.overrides + overrides, surroundings: MachineSurroundings()), read)
  }

  /// The settings file, then its drop-ins in the order of their names.
  func texts() throws(Problems) -> [SettingsText] {
    var texts: [SettingsText] = []
    var problems: [Problem] = []
    for path in [config] + (try dropIns()) {
      do throws(Problems) {
        let bytes = try contents(of: path)
        texts.append(try SettingsText(bytes: bytes, file: path))
      } catch {
        problems += error.all
      }
    }
    guard problems.isEmpty else { throw Problems(problems) }
    return texts
  }

  /// Byte by byte, so that 10 comes before 9 here as it does in `ls` with the C locale.
  private func dropIns() throws(Problems) -> [String] {
    let path = Settings.dropInFolder(ofFile: config)
    guard let folder = opendir(path) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw unreadable(path, "make the folder readable, or take it away")
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if Settings.isDropIn(name) { names.append(name) }
    }
    guard names.count <= Settings.maxDropIns else {
      throw Problems([
        problem(path, "it holds \(names.count) drop-ins", "put them together in at most \(Settings.maxDropIns)")
      ])
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "\(path)/\($0)" }
  }

  func contents(of path: String) throws(Problems) -> [UInt8] {
    let instead =
      path == config
      ? "name another with --config, or start from the sample masterpool.yaml" : "make it readable, or take it away"
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw unreadable(path, instead) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    // One byte past the limit is enough for the reader to refuse it; a pipe may have no end.
    while bytes.count <= Settings.maxFileBytes {
      let count = chunk.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, instead) }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return bytes
  }

  /// Call it right after the system call: it reads `errno`.
  private func unreadable(_ path: String, _ instead: String) -> Problems {
    let number = errno
    return Problems([problem(path, "it cannot be read: \(String(cString: strerror(number)))", instead)])
  }

  private func problem(_ path: String, _ what: String, _ instead: String) -> Problem {
    Problem(file: path, line: 1, column: 1, path: "", what: what, instead: instead)
  }
}
