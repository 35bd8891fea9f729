import FoundationEssentials
import Pool

/// What `masterpool top` shows and what a key does to it; knows no terminal, clock or socket.
public struct TopModel: Sendable {
  public enum Key: Hashable, Sendable { case up, down, left, right, enter, escape, interrupt, letter(Character) }

  public enum Sort: String, CaseIterable, Sendable { case slot, age, memory, requests, rate, state }

  /// What the runner is to do.
  public enum Effect: Hashable, Sendable {
    case quit
    case perform(ControlCommand)
    case showEvents(SlotID)
  }

  enum Room: Equatable, Sendable {
    case table
    case asking(SlotID)
    case events(SlotID, [String])
    case help
  }

  struct Row: Sendable {
    var slot: SlotID
    var worker: StatusDocument.Worker
    var limit: Int?
    var perSecond: Double?
    /// Bytes, oldest first.
    var memory: [Int]
  }

  /// Pictures of memory that are kept for each worker.
  static let memoryKept = 16

  private(set) var status: StatusDocument?
  private(set) var rows: [Row] = []
  private(set) var requestsPerSecond: Double?
  private(set) var room = Room.table
  private(set) var sort = Sort.slot
  private(set) var isReversed = false
  private(set) var isPaused = false
  private(set) var notice: String?
  /// Since when there is no answer, and why.
  private(set) var lost: (since: Date, why: String)?
  private var taken: Date?
  private var chosen: WorkerID?

  public init() {}

  public mutating func take(_ new: StatusDocument, at now: Date) {
    lost = nil
    if isPaused { return }
    let seconds = taken.map { now.timeIntervalSince($0) } ?? 0
    // Another supervisor counts from nought.
    let old = status?.pid == new.pid ? rows : []
    requestsPerSecond = status.flatMap { last in
      guard last.pid == new.pid, let before = last.proxy, let after = new.proxy else { return nil }
      return Self.rate(before.requestsTotal, after.requestsTotal, seconds)
    }
    let known = Dictionary(old.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    rows = new.pools.flatMap { pool in
      pool.workers.map { worker in
        var row = Row(
          slot: SlotID(pool: pool.name, index: worker.slot), worker: worker,
          limit: pool.limits?.memoryBytes ?? pool.limits?.memoryLimitBytes, memory: [])
        if let before = known[row.id] {
          row.memory = before.memory
          row.perSecond = Self.rate(before.worker.requestsTotal, worker.requestsTotal, seconds)
        }
        if let bytes = worker.memoryBytes { row.memory = (row.memory + [bytes]).suffix(Self.memoryKept) }
        return row
      }
    }
    status = new
    taken = now
    arrange()
  }

  public mutating func lose(_ why: String, at now: Date) { lost = (lost?.since ?? now, why) }

  /// Lines of the ledger for the slot whose events were asked for.
  public mutating func show(_ lines: [String], of slot: SlotID) { room = .events(slot, lines) }

  /// What became of a command.
  public mutating func say(_ text: String) { notice = text }

  public mutating func press(_ key: Key) -> Effect? {
    notice = nil
    if key == .interrupt { return .quit }
    switch room {
    case .table: return pressInTable(key)
    case .asking(let slot):
      room = .table
      guard key == .letter("y") else {
        notice = "not recycled"
        return nil
      }
      return .perform(.restart(targets: [.slot(slot)], reason: .manual))
    case .events, .help:
      if key == .letter("q") || key == .escape || key == .letter("?") || key == .enter { room = .table }
      return nil
    }
  }

  var selection: Int? { rows.firstIndex { $0.id == chosen } }

  private mutating func pressInTable(_ key: Key) -> Effect? {
    switch key {
    case .letter("q"), .interrupt: return .quit
    case .up, .letter("k"): move(-1)
    case .down, .letter("j"): move(1)
    case .right, .letter(">"), .letter("s"): turnSort(1)
    case .left, .letter("<"): turnSort(-1)
    case .letter("r"):
      isReversed.toggle()
      arrange()
    case .letter("p"): isPaused.toggle()
    case .letter("?"): room = .help
    case .letter("d"):
      guard let row = selected else { return nil }
      return .perform(row.worker.state == "drained" ? .resume(row.slot) : .drain(row.slot))
    case .letter("R"): if let row = selected { room = .asking(row.slot) }
    case .enter, .letter("e"): return selected.map { .showEvents($0.slot) }
    case .escape, .letter: break
    }
    return nil
  }

  private var selected: Row? { selection.map { rows[$0] } }

  private mutating func move(_ step: Int) {
    guard !rows.isEmpty else { return }
    chosen = rows[min(max((selection ?? 0) + step, 0), rows.count - 1)].id
  }

  private mutating func turnSort(_ step: Int) {
    let all = Sort.allCases
    let index = all.firstIndex(of: sort) ?? 0
    sort = all[(index + step + all.count) % all.count]
    arrange()
  }

  private mutating func arrange() {
    let sort = sort
    rows.sort { one, other in
      func most(_ a: Double, _ b: Double) -> Bool { a == b ? one.id < other.id : a > b }
      switch sort {
      case .slot: return one.id < other.id
      case .age: return most(one.worker.ageSeconds ?? -1, other.worker.ageSeconds ?? -1)
      case .memory: return most(Double(one.worker.memoryBytes ?? -1), Double(other.worker.memoryBytes ?? -1))
      case .requests: return most(Double(one.worker.requestsTotal), Double(other.worker.requestsTotal))
      case .rate: return most(one.perSecond ?? -1, other.perSecond ?? -1)
      case .state: return (one.worker.state, one.id) < (other.worker.state, other.id)
      }
    }
    if isReversed { rows.reverse() }
    // The chosen worker's successor is what is looked at once it is gone.
    if selection == nil {
      let slot = chosen?.slot
      chosen = (rows.first { $0.slot == slot } ?? rows.first)?.id
    }
  }

  private static func rate(_ before: Int, _ after: Int, _ seconds: Double) -> Double? {
    guard seconds > 0, after >= before else { return nil }
    return Double(after - before) / seconds
  }
}

extension TopModel.Row {
  var id: WorkerID { WorkerID(slot: slot, generation: Generation(rawValue: worker.generation)) }
}
