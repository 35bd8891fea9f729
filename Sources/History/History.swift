import Dispatch
import FoundationEssentials
import GRDB
import Pool
import Synchronization

/// The ledger in SQLite, below the state directory: what happened, how workers ended, what they held, beyond the life
/// of any process.
///
/// Whoever notes something never waits: it is queued, bounded, and one writer puts it down in transactions. Whatever
/// happens to the file, the pools go on: it is told in `news`, tried again, and what could not be kept is counted.
public final class History: Sendable {
  /// What it has to say of itself, a sentence each.
  public let news: AsyncStream<String>
  private let teller: AsyncStream<String>.Continuation
  private let pace: Pace
  private let backlog = Mutex(Backlog())
  /// Used on `queue` alone; the lock is for the compiler.
  private let keeper: Mutex<Keeper>
  private let opened = Mutex<DatabasePool?>(nil)
  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "masterpool.history", qos: .utility)
  private let path: String

  /// How patient it is; tests are less so.
  struct Pace: Sendable {
    /// So that what happens together is written together.
    var gather = 0.2
    var retry = 5.0
    var upkeep = 10.0
    /// At the start, for the last number; at the end, for the last rows.
    var patience = 5.0
    /// Before each transaction; tests make it slow.
    var beforeWrite: @Sendable () -> Void = {}
  }

  private struct State {
    var trouble: Trouble?
    var isEnded = false
    var nextUpkeep = Date.distantPast
    var policy: LedgerPolicy?
  }

  public convenience init(stateDirectory: String, policy: LedgerPolicy) {
    self.init(stateDirectory: stateDirectory, policy: policy, pace: Pace())
  }

  init(stateDirectory: String, policy: LedgerPolicy, pace: Pace) {
    let file = LedgerFile(stateDirectory: stateDirectory)
    path = file.path
    keeper = Mutex(Keeper(file: file, policy: policy))
    self.pace = pace
    (news, teller) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(100))
  }

  // MARK: Life

  /// Opens the file, and says which number the next event is to have: the one after the last. Where the file cannot
  /// say, or not soon, it is the time in milliseconds, which no life before it came to.
  public func open() async -> Int {
    await withCheckedContinuation { continuation in
      let asker = Once(continuation)
      queue.async { asker.answer(self.begin() ?? Self.numberOfNow()) }
      DispatchQueue.global().asyncAfter(deadline: .now() + pace.patience) { asker.answer(Self.numberOfNow()) }
    }
  }

  /// The nodes that are kept, those that were seen last, at most `limit`; none where the file cannot say, or not soon.
  public func nodes(limit: Int) async -> [NodeRow] {
    await withCheckedContinuation { continuation in
      let asker = Once<[NodeRow]>(continuation)
      queue.async {
        let rows = try? self.keeper.withLock { keeper in
          try keeper.pool?.read { db in try NodeTable.rows(db, limit: limit) }
        }
        asker.answer(rows ?? [])
      }
      DispatchQueue.global().asyncAfter(deadline: .now() + pace.patience) { asker.answer([]) }
    }
  }

  private func begin() -> Int? {
    keeper.withLock { keeper in
      do {
        let news = try keeper.open(at: Date())
        tell(news)
        opened.withLock { $0 = keeper.pool }
        // A fresh file beside a damaged one knows of no number, but there were some.
        return news.isEmpty ? keeper.firstEvent : nil
      } catch {
        suffer(error, &keeper)
        return nil
      }
    }
  }

  private static func numberOfNow() -> Int { Int(Date().timeIntervalSince1970 * 1000) }

  /// Writes what is left, within a limit, and closes the file.
  public func close() async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      let asker = Once(continuation)
      queue.async {
        self.drain()
        self.end()
        asker.answer(())
      }
      DispatchQueue.global().asyncAfter(deadline: .now() + pace.patience) { asker.answer(()) }
    }
  }

  private func end() {
    state.withLock { $0.isEnded = true }
    opened.withLock { $0 = nil }
    let isWritten = backlog.withLock { $0.next == nil && $0.lost.events == 0 }
    keeper.withLock { keeper in
      // Else the next life must not count on the last number.
      if isWritten { try? keeper.end() }
      keeper.close()
    }
    teller.finish()
  }

  // MARK: Taking note

  public func keep(_ event: Event) { take { $0.add(event) } }

  public func keep(_ samples: [WorkerSample]) { take { $0.add(samples) } }

  /// These are no more, and then these are as they are now; nothing of it is lost but by the end of the process, since
  /// only the latest of each waits.
  public func keep(gone: [String], nodes: [NodeRow]) { take { $0.add(gone: gone, nodes: nodes) } }

  /// Other bounds from now on.
  public func change(to policy: LedgerPolicy) {
    state.withLock {
      $0.policy = policy
      $0.nextUpkeep = .distantPast
    }
    take { _ in }
  }

  /// Rows that could not be kept in this life: no room in the queue while the file could not be written.
  public var lostRows: Int { backlog.withLock { $0.lost.events + $0.lost.samples } }

  /// What stands in the way of writing; nil: nothing.
  public var trouble: String? { state.withLock { $0.trouble?.words } }

  private func take(_ add: (inout Backlog) -> Void) {
    let mustCome = backlog.withLock { backlog in
      add(&backlog)
      defer { backlog.isScheduled = true }
      return !backlog.isScheduled
    }
    if mustCome { comeBack(after: pace.gather) }
  }

  private func comeBack(after seconds: Double) {
    queue.asyncAfter(deadline: .now() + seconds) { self.drain() }
  }

  // MARK: Writing

  private func drain() {
    guard !state.withLock({ $0.isEnded }) else { return }
    keeper.withLock { keeper in
      if let policy = state.withLock({ $0.policy.take() }) { try? keeper.obey(policy) }
      do {
        tell(try keeper.open(at: Date()))
        while let batch = backlog.withLock({ $0.next }) {
          pace.beforeWrite()
          try write(batch, &keeper)
        }
        try tidyIfDue(&keeper)
        opened.withLock { $0 = keeper.pool }
        recover()
      } catch {
        suffer(error, &keeper)
      }
    }
  }

  private func write(_ batch: Backlog.Batch, _ keeper: inout Keeper) throws {
    do { tell(try keeper.write(batch, at: Date())) } catch {
      switch Trouble(error) {
      case .full: tell(try keeper.makeRoom(for: batch, after: error, at: Date()))
      case .damaged:
        // Not even a new file takes it: it would stand in the way for ever.
        backlog.withLock { $0.lose(.init(events: batch.events.count, samples: batch.samples.count)) }
      case .newer, .unavailable: throw error
      }
    }
    backlog.withLock { $0.remove(batch) }
  }

  private func tidyIfDue(_ keeper: inout Keeper) throws {
    let now = Date()
    guard state.withLock({ $0.nextUpkeep }) <= now else { return }
    let (isBusy, news) = try keeper.tidy(at: now)
    tell(news)
    state.withLock { $0.nextUpkeep = isBusy ? now : now.addingTimeInterval(pace.upkeep) }
  }

  // MARK: Trouble

  /// Tells of it once, and comes back later.
  private func suffer(_ error: any Error, _ keeper: inout Keeper) {
    let trouble = Trouble(error)
    switch trouble {
    case .full: break
    // It may be another disk, or another file, by then.
    case .damaged, .newer, .unavailable:
      keeper.close()
      opened.withLock { $0 = nil }
    }
    let isNew = state.withLock { state in
      defer { state.trouble = trouble }
      return state.trouble.map { !$0.isLike(trouble) } ?? true
    }
    if isNew { tell(["\(path) cannot be written (\(trouble.words)): what happens is kept in memory until it can"]) }
    backlog.withLock { $0.isScheduled = true }
    comeBack(after: pace.retry)
  }

  /// All is written.
  private func recover() {
    let was = state.withLock { $0.trouble.take() }
    let lost = backlog.withLock { backlog in
      backlog.isScheduled = backlog.next != nil
      if backlog.isScheduled { comeBack(after: pace.gather) }
      defer { backlog.untold = .init() }
      return backlog.untold
    }
    if was != nil || !lost.isNone {
      let loss = lost.isNone ? "nothing was lost" : "\(lost.events) events and \(lost.samples) samples were lost"
      tell(["\(path) is written\(was == nil ? "" : " again"): \(loss)"])
    }
  }

  private func tell(_ sentences: [String]) { for sentence in sentences { teller.yield(sentence) } }

  // MARK: Reading

  /// Reads what is written; what was noted in the last moments may not be.
  public var reader: HistoryReader {
    get throws(HistoryUnreadable) {
      guard let pool = opened.withLock({ $0 }) else {
        throw HistoryUnreadable(trouble ?? "\(path) is not open")
      }
      return HistoryReader(pool)
    }
  }

  /// Waits until all that was noted so far is written, or cannot be now.
  public func settle() async {
    await withCheckedContinuation { continuation in
      queue.async {
        self.drain()
        continuation.resume()
      }
    }
  }
}

/// Answers a waiting caller once, whoever is first.
private final class Once<Value: Sendable>: Sendable {
  private let waiting: Mutex<CheckedContinuation<Value, Never>?>

  init(_ continuation: CheckedContinuation<Value, Never>) { waiting = Mutex(continuation) }

  func answer(_ value: Value) { waiting.withLock { $0.take() }?.resume(returning: value) }
}
