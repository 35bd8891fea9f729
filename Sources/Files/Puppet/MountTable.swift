import Pool

/// Custom mounts as fileserver.conf has them now.
struct MountTable: Sendable {
  private var facts: FileFacts?
  private var isSettled = true
  private(set) var mounts: FileServerConf = .mounts([:])
  private let path: String?

  static let maxBytes = 1 << 20

  init(_ path: String?, reader: Reader) {
    self.path = path
    guard let path, let facts = FileFacts(at: path) else { return }
    self.facts = facts
    isSettled = facts.isSettled(at: Moment.wall())
    let text = contents(at: path, limit: Self.maxBytes).flatMap { String(validating: $0, as: UTF8.self) }
    mounts = text.map { FileServerConf(parsing: $0) } ?? .doubtful
    if !reader.mayRead(facts) { mounts = .doubtful }
  }

  var stands: Bool { isSettled && path.flatMap { FileFacts(at: $0) } == facts }

  /// Nil: not a custom mount, or Puppet may see it otherwise.
  func folder(_ mount: String) -> String? {
    switch mounts {
    case .doubtful: nil
    case .mounts(let folders): folders[mount].map(plainSlashes)
    }
  }
}

/// As `File.join` leaves it at a joint.
private func plainSlashes(_ path: String) -> String {
  var path = path
  while path.count > 1, path.hasSuffix("/") { path.removeLast() }
  return path
}
