import Glibc
import Pool
import Settings
import Supervision

/// What is set for good, in a drop-in of its own: the files that people write are theirs.
extension SettingsFiles {
  static let keptName = "90-set.yaml"

  /// The new drop-in stands beside its place, hidden, until it is finished or abandoned.
  func keep(_ values: [String: String], beside texts: [SettingsText]) throws -> KeptSettings {
    let folder = Settings.dropInFolder(ofFile: config)
    let path = "\(folder)/\(Self.keptName)"
    let old = access(path, F_OK) == 0 ? try SettingsText(bytes: contents(of: path), file: path).text : nil
    let text = try Settings.dropIn(old, file: path, setting: values, of: texts)
    let draft = "\(folder)/.\(Self.keptName).new"
    guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { throw CannotKeep(path) }
    try write(text, to: draft, like: path)
    return KeptSettings(path: path, texts: putting(SettingsText(file: path, text: text), among: texts)) {
      guard rename(draft, path) == 0 else { return CannotKeep(path).why }
      // The name itself must outlive a power cut.
      let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      if directory >= 0 {
        fsync(directory)
        close(directory)
      }
      return nil
    } abandon: {
      unlink(draft)
    }
  }

  /// In the order of the names.
  private func putting(_ new: SettingsText, among texts: [SettingsText]) -> [SettingsText] {
    let others = texts.dropFirst().filter { $0.file != new.file }
    return texts.prefix(1) + (others + [new]).sorted { $0.file.utf8.lexicographicallyPrecedes($1.file.utf8) }
  }

  private func write(_ text: String, to draft: String, like path: String) throws {
    var facts = stat()
    // An environment may hold what is nobody else's business: a new file is its owner's alone.
    let mode = stat(path, &facts) == 0 ? facts.st_mode & 0o777 : 0o600
    unlink(draft)
    let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard file >= 0 else { throw CannotKeep(path) }
    defer { close(file) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw abandoned(draft, path) }
      rest = rest.dropFirst(count)
    }
    guard fchmod(file, mode) == 0, fsync(file) == 0 else { throw abandoned(draft, path) }
  }

  private func abandoned(_ draft: String, _ path: String) -> CannotKeep {
    let failure = CannotKeep(path)
    unlink(draft)
    return failure
  }
}

/// Made right after the system call that failed: it reads `errno`.
private struct CannotKeep: Error, CustomStringConvertible {
  let path: String
  let why: String

  init(_ path: String) {
    self.path = path
    why = String(cString: strerror(errno))
  }

  var description: String {
    "\(path) cannot be written (\(why)), so nothing was changed; without --persist it is set until the next reload"
  }
}
