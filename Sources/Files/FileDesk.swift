import Pool

/// Looks for requests' answers on disk. Made anew for each plan; loops share it, so what it remembers is behind locks
/// of its own.
public final class FileDesk: Sendable {
  /// False: there is nothing to look for, ever.
  public let isOpen: Bool
  private let folders: [ServedFolder]
  private let puppet: PuppetFiles

  /// What the old desk has learned of files is kept.
  public init(_ plan: FilePlan, replacing old: FileDesk? = nil) {
    isOpen = !plan.isEmpty
    folders = plan.folders.map(ServedFolder.init).sorted { $0.path.count > $1.path.count }
    puppet = PuppetFiles(plan.puppet, within: plan.limits, replacing: old?.puppet)
  }

  /// For a GET or HEAD that a route allowed. `path` is normalized; `query` is as it came, without its `?`; `accept` is
  /// the field of that name. Opens a file at most; what takes longer is answered `later`.
  public func look(pool: PoolName, path: Span<UInt8>, query: Span<UInt8>, accept: Span<UInt8>) -> FileAnswer {
    for folder in folders {
      if let file = folder.open(path) { return .file(file) }
    }
    return puppet.look(pool: pool, path: path, query: query, accept: accept)
  }
}
