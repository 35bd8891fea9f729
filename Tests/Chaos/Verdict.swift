import Pool
import TestSupport

/// What became of a client's request, and whether that is allowed.
enum Verdict: Hashable, Sendable {
  case answered
  /// 503, and told when to come back.
  case shed
  /// In flight in a proxy that was killed.
  case inKilledProxy
  /// Inside a worker that died, and not to be repeated.
  case inDeadWorker
  /// It could be repeated, and its second worker died too.
  case inTwoDeadWorkers
  /// 504: its worker was stopped, hung, or was told to hang.
  case stuck
  /// Told to kill its worker in the middle of its answer.
  case brokenOff
  case wrong(String)

  static let allowed: [Verdict] = [
    .answered, .shed, .inKilledProxy, .inDeadWorker, .inTwoDeadWorkers, .stuck, .brokenOff,
  ]

  var inWords: String {
    switch self {
    case .answered: "answered in full"
    case .shed: "shed: 503 with Retry-After"
    case .inKilledProxy: "lost in a killed proxy"
    case .inDeadWorker: "502: inside a worker that died, not to be repeated"
    case .inTwoDeadWorkers: "502: repeated, and the second worker died too"
    case .stuck: "504: inside a stuck worker"
    case .brokenOff: "told to break off in the middle"
    case .wrong(let why): "WRONG: \(why)"
    }
  }
}

/// Judges requests by what was done to the patient, by the ledger and by the witnesses.
struct Judge: Sendable {
  let blows: [Trail.Blow]
  let witnesses: Witnesses
  /// Of each ended worker, by name; several where a later supervisor gave the same number again.
  let exits: [String: [ExitRow]]

  /// How long a client may take to see that its connection is gone.
  private static let notice = Duration.seconds(2)
  /// From a blow to the end of what it costs: probes, timeouts, the stop ladder.
  private static let consequence = Duration.seconds(30)

  func verdict(on entry: Entry) -> Verdict {
    switch entry.outcome {
    case .underWay: .wrong("never ended")
    case .answered(let status, _, let isToReturn, let isRight):
      judge(entry, status: status, isToReturn: isToReturn, isRight: isRight)
    case .lost(let loss, _): judge(entry, loss)
    }
  }

  private func judge(_ entry: Entry, status: Int, isToReturn: Bool, isRight: Bool) -> Verdict {
    switch status {
    case 200: judgeAnswer(entry, isRight: isRight)
    case 503: isToReturn ? .shed : .wrong("503 without Retry-After")
    case 502: judgeDeadWorker(entry)
    case 504: judgeStuck(entry)
    default: .wrong("answered with \(status)")
    }
  }

  private func judgeAnswer(_ entry: Entry, isRight: Bool) -> Verdict {
    guard isRight else { return .wrong("an answer to something else") }
    let times = witnesses.servings[entry.number]?.count ?? 0
    if times == 0 { return .wrong("answered, but no worker knows of it") }
    return tooOften(entry) ?? .answered
  }

  /// What may not be repeated was never begun twice, and nothing more often than twice.
  private func tooOften(_ entry: Entry) -> Verdict? {
    let servings = witnesses.servings[entry.number] ?? []
    return servings.count > (entry.kind.mayRepeat ? 2 : 1) ? .wrong("begun by \(servings.count) workers") : nil
  }

  private func judgeDeadWorker(_ entry: Entry) -> Verdict {
    if let wrong = tooOften(entry) { return wrong }
    let workers = witnesses.workers(of: entry)
    let dead = workers.filter { diedOfABlow($0) }
    if entry.kind.mayRepeat {
      return bothDied(entry, dead) ? .inTwoDeadWorkers : .wrong("502 for what could be repeated")
    }
    if !dead.isEmpty || entry.purpose != .work { return .inDeadWorker }
    // It was sent, and its worker died before it had read it; then the log's line may have been lost with a proxy.
    return workers.isEmpty && wasStruck(.pool(entry.kind.pool), within: entry)
      ? .inDeadWorker : .wrong("502, and none of its workers \(workers.sorted()) died")
  }

  /// The log names the second only, and the first may have died before it had read a byte.
  private func bothDied(_ entry: Entry, _ dead: Set<String>) -> Bool {
    let wasRepeated = witnesses.lines[entry.id]?.contains { $0.retries ?? 0 > 0 } == true
    return dead.count == 2 || wasRepeated && dead.count == 1 && wasStruck(.pool(entry.kind.pool), within: entry)
  }

  private func judgeStuck(_ entry: Entry) -> Verdict {
    if let wrong = tooOften(entry) { return wrong }
    if entry.purpose == .hang { return .stuck }
    guard entry.ended - entry.began >= SettingsInForce.suspicion else { return .wrong("504 too early") }
    let isKnown = witnesses.workers(of: entry).contains { worker in
      exits[worker]?.contains { [.stuck, .unhealthy, .crash].contains($0.reason) } == true
    }
    return isKnown || wasStruck(.stuck(pool: entry.kind.pool), within: entry)
      ? .stuck : .wrong("504, and no worker of its was stuck")
  }

  private func judge(_ entry: Entry, _ loss: LoadReport.Loss) -> Verdict {
    if let wrong = tooOften(entry) { return wrong }
    switch loss {
    case .refused: return .wrong("nobody listened")
    case .malformed: return .wrong("not HTTP")
    case .timedOut: return .wrong("no answer in \(Door.patience.inWords)")
    case .handshake, .unansweredNew, .unansweredKept, .cut:
      if blows.contains(where: { $0.target == .proxy && hits($0, entry) }) { return .inKilledProxy }
      return entry.purpose == .breakOff ? .brokenOff : .wrong(loss.rawValue)
    }
  }

  /// The connection was there when the blow fell, and its end was seen soon after.
  private func hits(_ blow: Trail.Blow, _ entry: Entry) -> Bool {
    entry.opened <= blow.ended && entry.ended >= blow.began && entry.ended <= blow.ended + Self.notice
  }

  private func wasStruck(_ target: Trail.Blow.Target, within entry: Entry) -> Bool {
    blows.contains { blow in
      blow.target == target && blow.began <= entry.ended && blow.ended + Self.consequence >= entry.began
    }
  }

  private func diedOfABlow(_ worker: String) -> Bool {
    exits[worker]?.contains { row in
      switch row.reason {
      case .crash, .memoryLimit, .stuck, .unhealthy: true
      case .timer, .memory, .requests, .manual, .deploy, .scale, .reload, .shutdown: row.status == "SIGKILL"
      }
    } == true || blows.contains { $0.target == .worker(worker) }
  }
}
