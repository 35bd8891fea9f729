import Pool

/// The bounds of what the `access_log` section may say.
enum AccessLogBounds {
  static let buffer = ByteCount.kibibytes(64) ... .mebibytes(256)
  static let maxField = ByteCount(bytes: 256) ... .kibibytes(64)
}

extension Reader {
  /// Nil: no log is written.
  func accessLog(_ file: Section) -> AccessLogConfiguration? {
    let section = file.section("access_log")
    let usual = AccessLogConfiguration(destination: .standardOutput)
    let format = section.read("format", usual.format) { $0.choice(AccessLogConfiguration.Format.self) }
    let buffer = section.read("buffer", usual.buffer) { $0.size(in: AccessLogBounds.buffer) }
    let maxField = section.read("max_field", usual.maxField) { $0.size(in: AccessLogBounds.maxField) }
    let socket = section.read("socket", "/dev/log", localSocket)
    let facility = section.read("facility", SyslogFacility.daemon) { $0.choice(SyslogFacility.self) }
    if file["access_log"] != nil, case .mapping = section.field.shape, section["to"] == nil {
      section.missing("to", example: "/var/log/masterpool/access.log")
    }
    guard let to = section["to"], !to.isWord("off"),
      let destination = destination(to, .syslog(socket: socket, facility: facility))
    else { return nil }
    refuseUnused(section, beside: destination)
    return AccessLogConfiguration(destination: destination, format: format, buffer: buffer, maxField: maxField)
  }

  private func destination(
    _ field: Field, _ syslog: AccessLogConfiguration.Destination
  ) -> AccessLogConfiguration.Destination? {
    if field.isWord("stdout") { return .standardOutput }
    if field.isWord("syslog") { return syslog }
    return logFile(field).map { .file(path: $0) }
  }

  /// A file that can be written, or made where it is missing.
  private func logFile(_ field: Field) -> String? {
    guard let path = path(field, expected: "off, stdout, syslog or a file's path") else { return nil }
    switch surroundings.look(at: path, followingLinks: true)?.kind {
    case .directory: field.problem("\(path) is a folder", "write a file's path")
    case .file, .symlink, .other:
      if surroundings.canWrite(path) { return path }
      field.problem("\(path) cannot be written", "run as a user who may write it, or change its mode")
    case nil: if hasFolder(field, for: path) { return path }
    }
    return nil
  }

  private func hasFolder(_ field: Field, for path: String) -> Bool {
    let folder = path.lastIndex(of: "/").map { path[..<$0] } ?? ""
    let parent = folder.isEmpty ? "/" : String(folder)
    switch surroundings.look(at: parent, followingLinks: true)?.kind {
    case .directory where surroundings.canWrite(parent): return true
    case .directory:
      field.problem("no file can be made in \(parent)", "run as a user who may write there, or change its mode")
    case nil: field.problem("there is no folder \(parent)", "make it, or write another path")
    case .file, .symlink, .other: field.problem("\(parent) is not a folder", "write a path in one")
    }
    return false
  }

  func localSocket(_ field: Field) -> String? {
    guard let path = path(field, expected: "a socket's path") else { return nil }
    return field.fitsSocket(path) ? path : nil
  }

  private func refuseUnused(_ section: Section, beside destination: AccessLogConfiguration.Destination) {
    switch destination {
    case .syslog: return
    case .file, .standardOutput: break
    }
    for key in ["socket", "facility"] {
      guard let field = section[key] else { continue }
      findings.add(field.keySpot, field.path, "it is for syslog alone", "write to: syslog, or take it out")
    }
  }

  /// A daemon may come later; a typing mistake does not go away.
  func remarks(on log: AccessLogConfiguration?) -> [String] {
    switch log?.destination {
    case .syslog(let socket, _)? where surroundings.look(at: socket, followingLinks: true) == nil:
      ["there is no socket \(socket) now: the access log's lines wait for it, and are dropped beyond its buffer"]
    case .syslog?, .file?, .standardOutput?, nil: []
    }
  }
}
