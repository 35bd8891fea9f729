import FoundationEssentials
import Glibc

/// Our processes by pid and start time, kept in the run directory, so that the next supervisor can end what this one
/// could not.
struct Roster {
  struct Entry: Codable, Hashable {
    var name: String
    /// Also its process group.
    var pid: Int32
    var startTime: UInt64

    /// The same process and not another under its number.
    var isAlive: Bool { ProcessTable.entry(of: pid)?.startTime == startTime }
  }

  /// How long what was left gets to end by itself.
  static let patience = 10.0

  private let path: String
  private var entries: [Entry] = []

  init(path: String) { self.path = path }

  mutating func add(_ entry: Entry) {
    entries.append(entry)
    save()
  }

  mutating func remove(pid: Int32) {
    entries.removeAll { $0.pid == pid }
    save()
  }

  func remove() { unlink(path) }

  /// Ends the processes of a supervisor that died: SIGTERM to each group, then SIGKILL. Returns what they were.
  func endRemnants() async -> [String] {
    guard let data = try? Data(contentsOf: URL(filePath: path)),
      let left = try? JSONDecoder().decode([Entry].self, from: data).filter(\.isAlive), !left.isEmpty
    else { return [] }
    for entry in left { kill(-entry.pid, SIGTERM) }
    let deadline = Date().addingTimeInterval(Self.patience)
    while left.contains(where: \.isAlive), Date() < deadline { try? await Task.sleep(for: .milliseconds(20)) }
    for entry in left where entry.isAlive { kill(-entry.pid, SIGKILL) }
    return left.map { "\($0.name), pid \($0.pid)" }
  }

  /// Whole or not at all: a half-written list would let processes slip.
  private func save() {
    guard let data = try? JSONEncoder().encode(entries) else { return }
    try? data.write(to: URL(filePath: path), options: .atomic)
  }
}
