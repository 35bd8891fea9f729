/// The state of a pool's warm parent and of the workers that are to come of it: events in, effects out.
///
/// It promises: every worker that was wanted is forked, started cold or dropped, within `wait` and `forkTimeout`; a
/// parent that forks goes on until its successor can; one that does not answer is killed; and after failures there is
/// a pause, in which workers are started cold.
public struct ParentMachine: Sendable {
  public struct Parent: Hashable, Sendable {
    public let generation: Int
    public internal(set) var state: State
    /// Workers asked of it, and by when each must be there; nil: not needed any more.
    var forks: [WorkerID: Fork] = [:]

    struct Fork: Hashable {
      var deadline: Instant
      var isWanted = true
    }
  }

  public enum State: Hashable, Sendable {
    case starting(Renewal?, deadline: Instant)
    case ready(since: Instant, due: Instant?, ping: Ping)
    /// Another took over; it ends once it owes no worker.
    case superseded
    case stopping(killAt: Instant, killed: Bool)

    public var name: String {
      switch self {
      case .starting: "starting"
      case .ready: "ready"
      case .superseded, .stopping: "stopping"
      }
    }
  }

  public enum Ping: Hashable, Sendable {
    case next(Instant)
    case asked(deadline: Instant)
  }

  public private(set) var policy: ParentPolicy
  public internal(set) var parents: [Parent] = []
  /// Those that wait for a parent that is starting, in their order.
  private var waiting: [(worker: WorkerID, deadline: Instant)] = []
  var lastGeneration = 0
  private var backOff = BackOff()
  private var lastFailure = "there is no parent"
  private var isShuttingDown = false
  private var isStarted = false

  static let terminate = Duration.seconds(10)
  static let hurriedTerminate = Duration.seconds(1)

  public init(policy: ParentPolicy) { self.policy = policy }

  /// The one that forks.
  public var current: Parent? { parents.last { if case .ready = $0.state { true } else { false } } }
  private var coming: Int? { parents.firstIndex { if case .starting = $0.state { true } else { false } } }
  public var isFinished: Bool { parents.isEmpty }

  public mutating func handle(
    _ event: ParentEvent, at now: Instant, using random: inout some RandomNumberGenerator
  ) -> [ParentEffect] {
    var effects: [ParentEffect] = []
    switch event {
    case .start: isStarted = true
    case .becameReady(let generation): becameReady(generation, at: now, &effects)
    case .failed(let generation, let why): failed(generation, why, at: now, using: &random, &effects)
    case .exited(let generation, let how): exited(generation, how, at: now, using: &random, &effects)
    case .wanted(let id): waiting.append((id, now + policy.wait))
    case .unwanted(let id): unwanted(id, &effects)
    case .forked(let id, let generation):
      guard let fork = settle(id, by: generation) else { break }
      effects.append(fork.isWanted ? .adopt(id) : .drop(id))
    case .notForked(let id, let generation, let why):
      guard let fork = settle(id, by: generation) else { break }
      effects.append(fork.isWanted ? .startCold(id, why: why) : .drop(id))
    case .answered(let generation):
      guard let index = find(generation), case .ready(let since, let due, .asked) = parents[index].state else {
        break
      }
      parents[index].state = .ready(since: since, due: due, ping: .next(now + policy.ping))
    case .sampled(let generation, let memory): sampled(generation, memory, at: now, &effects)
    case .renew(let renewal): renew(renewal, at: now, &effects)
    case .reconfigure(let policy): reconfigure(policy)
    case .shutdown: shutDown(at: now, &effects)
    case .tick: break
    }
    meetDeadlines(at: now, using: &random, &effects)
    beginIfNone(at: now, &effects)
    serve(at: now, &effects)
    letGo(at: now, &effects)
    return effects
  }

  /// When `tick` is next due; nil: never.
  public var nextDeadline: Instant? {
    let own = parents.flatMap { parent -> [Instant] in
      parent.forks.values.map(\.deadline) + parent.state.deadlines(canRenew: coming == nil, from: backOff.until)
    }
    let pause = isStarted && !isShuttingDown && parents.isEmpty ? [backOff.until].compactMap { $0 } : []
    return (own + waiting.map(\.deadline) + pause).min()
  }

  // MARK: Birth and death

  private mutating func becameReady(_ generation: Int, at now: Instant, _ effects: inout [ParentEffect]) {
    guard let index = find(generation), case .starting(let renewal, _) = parents[index].state else { return }
    for old in parents.indices {
      if case .ready = parents[old].state { parents[old].state = .superseded }
    }
    parents[index].state = .ready(
      since: now, due: policy.every.map { now + $0 }, ping: .next(now + policy.ping))
    effects.append(.tookOver(generation, renewal))
  }

  private mutating func failed(
    _ generation: Int, _ why: String, at now: Instant, using random: inout some RandomNumberGenerator,
    _ effects: inout [ParentEffect]
  ) {
    guard let index = find(generation) else { return }
    let state = parents[index].state
    if case .stopping = state { return }
    abandonForks(of: index, why, &effects)
    stop(index, at: now, &effects)
    note(why, state, at: now, using: &random, &effects)
  }

  private mutating func exited(
    _ generation: Int, _ how: Measurement, at now: Instant, using random: inout some RandomNumberGenerator,
    _ effects: inout [ParentEffect]
  ) {
    guard let index = find(generation) else { return }
    let state = parents[index].state
    let why = "the parent ended (\(how.exitWords))"
    abandonForks(of: index, why, &effects)
    parents.remove(at: index)
    note(why, state, at: now, using: &random, &effects)
  }

  /// What a parent's failure means, by what it was until then.
  private mutating func note(
    _ why: String, _ former: State, at now: Instant, using random: inout some RandomNumberGenerator,
    _ effects: inout [ParentEffect]
  ) {
    switch former {
    case .starting(let renewal, _):
      backOff.fail(served: nil, at: now, using: &random)
      lastFailure = why
      if let current, let renewal {
        postpone(current.generation, until: backOff.until ?? now)
        effects.append(.notRenewed(renewal, why: why))
      } else {
        if let renewal { effects.append(.notRenewed(renewal, why: why)) }
        tellPause(why, at: now, &effects)
      }
    case .ready(let since, _, _):
      backOff.fail(served: now - since, at: now, using: &random)
      lastFailure = why
      if coming == nil { tellPause(why, at: now, &effects) }
    case .superseded, .stopping: break
    }
  }

  private func tellPause(_ why: String, at now: Instant, _ effects: inout [ParentEffect]) {
    effects.append(
      .backOff(failures: backOff.failures, delay: backOff.until.map { max(.zero, $0 - now) } ?? .zero, why: why))
  }

  /// An age that could not be met is not asked for again at once.
  private mutating func postpone(_ generation: Int, until next: Instant) {
    guard let index = find(generation), case .ready(let since, let due, let ping) = parents[index].state,
      let due, due < next
    else { return }
    parents[index].state = .ready(since: since, due: next, ping: ping)
  }

  // MARK: Workers

  private mutating func unwanted(_ id: WorkerID, _ effects: inout [ParentEffect]) {
    if let index = waiting.firstIndex(where: { $0.worker == id }) {
      waiting.remove(at: index)
      effects.append(.drop(id))
    }
    for index in parents.indices { parents[index].forks[id]?.isWanted = false }
  }

  private mutating func settle(_ id: WorkerID, by generation: Int) -> Parent.Fork? {
    find(generation).flatMap { parents[$0].forks.removeValue(forKey: id) }
  }

  private mutating func abandonForks(of index: Int, _ why: String, _ effects: inout [ParentEffect]) {
    let forks = parents[index].forks
    parents[index].forks = [:]
    for (id, fork) in forks.sorted(by: { $0.key < $1.key }) {
      effects.append(fork.isWanted ? .startCold(id, why: why) : .drop(id))
    }
  }

  /// Whoever waits is forked where that is possible, and not kept waiting where nothing is to be hoped for.
  private mutating func serve(at now: Instant, _ effects: inout [ParentEffect]) {
    if let current, let index = find(current.generation) {
      for (id, _) in waiting {
        parents[index].forks[id] = Parent.Fork(deadline: now + policy.forkTimeout)
        effects.append(.fork(id, from: current.generation))
      }
      waiting = []
    } else if coming == nil {
      for (id, _) in waiting { effects.append(isShuttingDown ? .drop(id) : .startCold(id, why: lastFailure)) }
      waiting = []
    }
  }

  // MARK: Renewal

  private mutating func sampled(
    _ generation: Int, _ memory: ByteCount, at now: Instant, _ effects: inout [ParentEffect]
  ) {
    guard let limit = policy.memoryLimit, memory > limit, current?.generation == generation, coming == nil,
      backOff.until == nil
    else { return }
    begin(.memory(memory, limit: limit), at: now, &effects)
  }

  private mutating func renew(_ renewal: Renewal, at now: Instant, _ effects: inout [ParentEffect]) {
    guard isStarted, !isShuttingDown else {
      effects.append(.notRenewed(renewal, why: "the pool is stopping"))
      return
    }
    // It may have read what is no longer so.
    if let index = coming {
      if case .starting(.some(let earlier), _) = parents[index].state {
        effects.append(.notRenewed(earlier, why: "a newer one has come"))
      }
      stop(index, at: now, &effects)
    }
    backOff.clear()
    // It was started in the old way, which is not wanted for anybody any more.
    if renewal == .reload, let current, let index = find(current.generation) { parents[index].state = .superseded }
    begin(renewal, at: now, &effects)
  }

  private mutating func begin(_ renewal: Renewal?, at now: Instant, _ effects: inout [ParentEffect]) {
    lastGeneration += 1
    parents.append(
      Parent(generation: lastGeneration, state: .starting(renewal, deadline: now + policy.readyTimeout)))
    var environment: String?
    if case .deploy(let name) = renewal { environment = name }
    effects.append(.spawn(lastGeneration, environment: environment))
  }

  private mutating func beginIfNone(at now: Instant, _ effects: inout [ParentEffect]) {
    guard isStarted, !isShuttingDown, current == nil, coming == nil, backOff.until == nil else { return }
    begin(nil, at: now, &effects)
  }

  private mutating func reconfigure(_ new: ParentPolicy) {
    let old = policy
    policy = new
    isShuttingDown = false
    isStarted = true
    guard old.every != new.every else { return }
    for index in parents.indices {
      guard case .ready(let since, _, let ping) = parents[index].state else { continue }
      parents[index].state = .ready(since: since, due: new.every.map { since + $0 }, ping: ping)
    }
  }

  // MARK: End

  private mutating func shutDown(at now: Instant, _ effects: inout [ParentEffect]) {
    isShuttingDown = true
    for index in parents.indices {
      abandonForks(of: index, "the pool is stopping", &effects)
      stop(index, at: now, &effects)
    }
  }

  private mutating func stop(_ index: Int, at now: Instant, _ effects: inout [ParentEffect]) {
    if case .stopping = parents[index].state { return }
    parents[index].state = .stopping(
      killAt: now + (isShuttingDown ? Self.hurriedTerminate : Self.terminate), killed: false)
    effects.append(.terminate(parents[index].generation))
  }

  private mutating func letGo(at now: Instant, _ effects: inout [ParentEffect]) {
    for index in parents.indices where parents[index].state == .superseded && parents[index].forks.isEmpty {
      stop(index, at: now, &effects)
    }
  }

  private mutating func meetDeadlines(
    at now: Instant, using random: inout some RandomNumberGenerator, _ effects: inout [ParentEffect]
  ) {
    backOff.elapse(at: now)
    for (id, deadline) in waiting where deadline <= now {
      effects.append(.startCold(id, why: "the parent was not ready within \(policy.wait.short)"))
    }
    waiting.removeAll { $0.deadline <= now }
    for generation in parents.map(\.generation) {
      guard let index = find(generation) else { continue }
      if parents[index].forks.values.contains(where: { $0.deadline <= now }) {
        giveUp(index, "the parent did not fork within \(policy.forkTimeout.short)", at: now, using: &random, &effects)
      }
      meetDeadline(of: index, at: now, using: &random, &effects)
    }
  }

  private mutating func meetDeadline(
    of index: Int, at now: Instant, using random: inout some RandomNumberGenerator, _ effects: inout [ParentEffect]
  ) {
    let generation = parents[index].generation
    switch parents[index].state {
    case .starting(_, let deadline) where deadline <= now:
      giveUp(index, "the parent was not ready within \(policy.readyTimeout.short)", at: now, using: &random, &effects)
    case .ready(_, _, .asked(let deadline)) where deadline <= now:
      giveUp(
        index, "the parent did not answer within \(policy.forkTimeout.short)", at: now, using: &random, &effects)
    case .ready(let since, let due, .next(let next)) where next <= now:
      parents[index].state = .ready(since: since, due: due, ping: .asked(deadline: now + policy.forkTimeout))
      effects.append(.ping(generation))
      renewIfDue(since, due, at: now, &effects)
    case .ready(let since, let due, _): renewIfDue(since, due, at: now, &effects)
    case .stopping(let killAt, false) where killAt <= now:
      parents[index].state = .stopping(killAt: killAt, killed: true)
      effects.append(.kill(generation))
    case .starting, .superseded, .stopping: break
    }
  }

  private mutating func renewIfDue(
    _ since: Instant, _ due: Instant?, at now: Instant, _ effects: inout [ParentEffect]
  ) {
    guard let due, due <= now, let every = policy.every, coming == nil, backOff.until == nil else { return }
    begin(.age(now - since, limit: every), at: now, &effects)
  }

  /// It hangs: there is nothing to wait for.
  private mutating func giveUp(
    _ index: Int, _ why: String, at now: Instant, using random: inout some RandomNumberGenerator,
    _ effects: inout [ParentEffect]
  ) {
    let former = parents[index].state
    abandonForks(of: index, why, &effects)
    parents[index].state = .stopping(killAt: now, killed: true)
    effects.append(.kill(parents[index].generation))
    note(why, former, at: now, using: &random, &effects)
  }

  private func find(_ generation: Int) -> Int? { parents.firstIndex { $0.generation == generation } }
}

extension ParentMachine.State {
  /// - Parameter from: no renewal before this.
  fileprivate func deadlines(canRenew: Bool, from pause: Instant?) -> [Instant] {
    switch self {
    case .starting(_, let deadline): return [deadline]
    case .ready(_, let due, let ping):
      let renewal = canRenew ? due.map { max($0, pause ?? $0) } : nil
      switch ping {
      case .next(let next): return [next, renewal].compactMap { $0 }
      case .asked(let deadline): return [deadline, renewal].compactMap { $0 }
      }
    case .superseded, .stopping(_, true): return []
    case .stopping(let killAt, false): return [killAt]
    }
  }
}

extension Measurement {
  /// Of a process's end.
  fileprivate var exitWords: String {
    switch self {
    case .exited(let status): "exit \(status)"
    case .signalled(let signal): "signal \(signal)"
    case .outOfMemory: "killed by the kernel: out of memory"
    case .vanished, .age, .memory, .memoryBudget, .requests, .requestAge, .failedProbes, .notReady: "unknown"
    }
  }
}
