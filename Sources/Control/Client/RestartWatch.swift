import Pool

/// Whether the workers that a restart named are replaced yet, told by status and events.
///
/// A worker is replaced when it is gone and a later generation of its slot is ready. One whose successor does not
/// come up counts as failed at the first attempt, though the supervisor goes on trying.
public struct RestartWatch: Sendable {
  public enum Outcome: Equatable, Sendable {
    case waiting
    case replaced
    /// Sentences, one a worker.
    case failed([String])
  }

  private enum Progress: Equatable {
    case waiting
    case replaced
    case failed(String)
  }

  private let workers: [WorkerID]
  private var progress: [SlotID: Progress]

  public init(_ workers: [WorkerID]) {
    self.workers = workers.sorted()
    progress = Dictionary(workers.map { ($0.slot, .waiting) }, uniquingKeysWith: { first, _ in first })
  }

  public var outcome: Outcome {
    let all = workers.compactMap { progress[$0.slot] }
    if all.contains(.waiting) { return .waiting }
    let failures = all.compactMap { progress -> String? in
      switch progress {
      case .failed(let why): why
      case .waiting, .replaced: nil
      }
    }
    return failures.isEmpty ? .replaced : .failed(failures)
  }

  /// Lines for a person: who took over since the last time.
  public mutating func observe(_ status: StatusDocument) -> [String] {
    var lines: [String] = []
    for worker in workers where progress[worker.slot] == .waiting {
      guard let line = look(for: worker, in: status) else { continue }
      progress[worker.slot] = .replaced
      lines.append("\(line) (\(settled) of \(workers.count))")
    }
    return lines
  }

  /// Lines for a person: how the old ones ended, and what went wrong.
  public mutating func observe(_ events: [Event]) -> [String] {
    events.compactMap { event in
      if event.kind == .deployFailed, let pool = event.pool { return fail(pool, event.message) }
      guard let pool = event.pool, let index = event.slot else { return nil }
      let slot = SlotID(pool: pool, index: index)
      guard let state = progress[slot] else { return nil }
      switch event.kind {
      case .backOff:
        if state == .waiting { progress[slot] = .failed(event.message) }
        return event.message
      case .exit, .wipeFailed, .decision: return event.message
      case .spawn, .ready, .drain, .wipe, .ledger, .stuck, .quarantine, .node, .notify, .proxy, .command, .reload,
        .supervisor,
        .parent, .deploy, .deployFailed:
        return nil
      }
    }
  }

  /// The old workers go on; nil: none of them is waited for.
  private mutating func fail(_ pool: PoolName, _ why: String) -> String? {
    let waiting = progress.keys.filter { $0.pool == pool && progress[$0] == .waiting }
    for slot in waiting { progress[slot] = .failed(why) }
    return waiting.isEmpty ? nil : why
  }

  private var settled: Int { progress.values.count { $0 != .waiting } }

  /// What to say once it is replaced; nil: not yet.
  private func look(for worker: WorkerID, in status: StatusDocument) -> String? {
    guard let pool = status.pools.first(where: { $0.name == worker.pool }) else {
      return "\(worker) is gone: there is no pool \(worker.pool) any more"
    }
    let inSlot = pool.workers.filter { $0.slot == worker.slot.index }
    guard !inSlot.contains(where: { $0.generation <= worker.generation.rawValue && $0.pid != nil }) else {
      return nil
    }
    if inSlot.isEmpty { return "\(worker) is gone: \(worker.pool) has \(pool.size) workers now" }
    guard
      let successor = inSlot.first(where: { worker in worker.state == "ready" || worker.state == "drained" }),
      successor.generation > worker.generation.rawValue
    else { return nil }
    let pid = successor.pid.map { ", pid \($0)," } ?? ""
    return "\(worker.slot)#\(successor.generation)\(pid) took over from \(worker)"
  }
}
