import Glibc
import Pool
import Synchronization
import TestSupport
import Testing

@testable import Files

/// The desk over environments of the test's own making; that real workers say the same is shown beside them.
@Suite struct SiteTests {
  static let plain = "/puppet/v3/file_content/modules/m/plain"

  @Test func opensAtOnceWhatItHasLearnedTheWayTo() async throws {
    try await withEnvironment { site in
      #expect(site.askedForWork(Self.plain))
      #expect(!site.askedForWork(Self.plain))
      #expect(site.text(Self.plain) == "plain\n")
      let metadata = "/puppet/v3/file_metadata/modules/m/plain"
      #expect(site.askedForWork(metadata))
      try await site.settle("modules/m/files/plain")
      _ = site.text(metadata)
      #expect(!site.askedForWork(metadata))
    }
  }

  @Test func seesNewModulesAndNewPaths() async throws {
    try await withEnvironment { site in
      let added = "/puppet/v3/file_content/modules/added/file"
      #expect(site.text(added) == nil)
      try site.write("added\n", to: "modules/added/files/file")
      #expect(try await site.comes(added, "added\n"))
      try site.write("other\n", to: "other/m/files/plain")
      try site.write("modulepath = other:modules\n", to: "environment.conf")
      #expect(try await site.comes(Self.plain, "other\n"))
    }
  }

  /// The workers' user decides, not the proxy's.
  @Test func servesNothingThatTheWorkersMayNotRead() async throws {
    try await withEnvironment(user: 54321) { site in
      try site.write("mine\n", to: "modules/m/files/mine", mode: 0o600)
      try site.write("deep\n", to: "modules/m/files/closed/deep")
      chmod("\(site.environment)/modules/m/files/closed", 0o700)
      symlink("plain", "\(site.environment)/modules/m/files/link")
      #expect(site.text(Self.plain) == "plain\n")
      for name in ["mine", "closed/deep", "link"] {
        #expect(site.text("/puppet/v3/file_content/modules/m/\(name)") == nil, "\(name)")
        #expect(site.text("/puppet/v3/file_metadata/modules/m/\(name)", "&links=follow") == nil, "\(name)")
      }
      #expect(site.text("/puppet/v3/file_metadatas/modules/m", "&recurse=true") == nil)
      chmod("\(site.environment)/modules/m", 0o700)
      #expect(try await site.comes(Self.plain, nil))
    }
  }

  @Test func theSameFilesMayBelongToTheWorkers() async throws {
    try await withEnvironment(user: geteuid()) { site in
      try site.write("mine\n", to: "modules/m/files/mine", mode: 0o600)
      #expect(site.text("/puppet/v3/file_content/modules/m/mine") == "mine\n")
    }
  }

  /// Its own zone would put other times into the metadata of folders.
  @Test func leavesTimesOfAnotherZone() async throws {
    let folder = "/puppet/v3/file_metadata/modules/m"
    try await withEnvironment { site in #expect(site.text(folder) != nil) }
    try await withEnvironment(offset: 86399) { site in
      #expect(site.text(folder) == nil)
      #expect(site.text("/puppet/v3/file_metadata/modules/m/plain") != nil)
    }
  }

  @Test func neverLeavesTheFolder() async throws {
    try await withEnvironment { site in
      try site.write("secret\n", to: "secret")
      symlink("../../../secret", "\(site.environment)/modules/m/files/out")
      symlink("/etc/passwd", "\(site.environment)/modules/m/files/absolute")
      symlink("../..", "\(site.environment)/modules/m/files/up")
      mkfifo("\(site.environment)/modules/m/files/fifo", 0o666)
      for name in ["out", "absolute", "up/metadata", "fifo", "../../../secret", "/etc/passwd"] {
        for kind in ["file_content", "file_metadata", "file_metadatas"] {
          #expect(site.text("/puppet/v3/\(kind)/modules/m/\(name)", "&links=follow") == nil, "\(kind) \(name)")
        }
      }
      #expect(site.text("/puppet/v3/file_metadatas/modules/m", "&recurse=true") == nil)
    }
  }
}

private struct OwnSite {
  let environment: String
  let desk: FileDesk
  static let pool = PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }()

  private func look(_ path: String, _ query: String) -> FileAnswer {
    let accept = path.contains("content") ? "application/octet-stream" : "application/json"
    let (path, query, types) = (Array(path.utf8), Array("environment=own\(query)".utf8), Array(accept.utf8))
    return desk.look(pool: Self.pool, path: path.span, query: query.span, accept: types.span)
  }

  func askedForWork(_ path: String) -> Bool {
    switch look(path, "") {
    case .later(let job):
      if case .file(let file) = outcome(of: job) { file.close() }
      return true
    case .file(let file):
      file.close()
      return false
    case .notOurs, .body: return false
    }
  }

  func text(_ path: String, _ query: String = "") -> String? {
    switch look(path, query) {
    case .notOurs: return nil
    case .file(let file): return read(file)
    case .body(let body): return String(decoding: body.bytes, as: UTF8.self)
    case .later(let job):
      switch outcome(of: job) {
      case .notOurs: return nil
      case .file(let file): return read(file)
      case .body(let body): return String(decoding: body.bytes, as: UTF8.self)
      }
    }
  }

  /// What was seen is relied on for a second.
  func comes(_ path: String, _ expected: String?) async throws -> Bool {
    let deadline = Deadline.patient
    while !deadline.passed {
      if text(path) == expected { return true }
      try await Task.sleep(for: .milliseconds(20))
    }
    return false
  }

  func settle(_ path: String) async throws {
    while FileFacts(at: "\(environment)/\(path)")?.isSettled(at: Moment.wall()) != true {
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  func write(_ text: String, to path: String, mode: mode_t = 0o644) throws {
    var folder = environment
    for part in path.split(separator: "/").dropLast() {
      folder += "/\(part)"
      mkdir(folder, 0o755)
    }
    try text.write(toFile: "\(environment)/\(path)", mode: mode)
  }

  private func read(_ file: OpenFile) -> String {
    defer { file.close() }
    var bytes = [UInt8](repeating: 0, count: file.size)
    let count = pread(file.descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}

private func withEnvironment(
  user: UInt32 = 0, offset: Int? = nil, _ body: (OwnSite) async throws -> Void
) async throws {
  try await withTemporaryDirectory { folder in
    chmod(folder, 0o755)
    mkdir("\(folder)/own", 0o755)
    var (time, parts) = (time_t(0), tm())
    localtime_r(&time, &parts)
    let plan = PuppetFilePlan(
      pool: OwnSite.pool, environmentPath: [folder], identity: .init(user: user, group: 54321),
      utcOffsets: [0: offset ?? parts.tm_gmtoff])
    let site = OwnSite(environment: "\(folder)/own", desk: FileDesk(FilePlan(puppet: [plan])))
    try site.write("plain\n", to: "modules/m/files/plain")
    try await body(site)
  }
}

/// Where nobody else is at the same work.
private func outcome(of job: FileJob) -> FileOutcome {
  let delivered = Mutex(FileOutcome.notOurs)
  job.run { outcome in delivered.withLock { $0 = outcome } }
  return delivered.withLock { $0 }
}
