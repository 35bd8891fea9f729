import Foundation
import Logging
import Pool
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import Control

/// Plays the supervisor: a ledger that tests append to, and a note of each command.
final class FakeSupervisor: Controlled {
  struct State {
    var status = StatusDocument.sample
    var isReady = true
    var events: [Event] = []
    var commands: [ControlCommand] = []
    var callers: [Caller?] = []
    var reply = ControlReply.accepted(message: "done", workers: [])
    var followers: [AsyncStream<Event>.Continuation] = []
    var history: HistoryDocument?
    var samples: [SampleRow] = []
    var advice = AdviceDocument(pools: [])
    var askedAdvice: AdviceQuery?
    var nodes = NodeBook()
    var askedNodes: NodeQuery?
    var settings = SettingsDocument(settings: [])
    var differences = SettingsDifferences(differences: [])
    var asked: EventFilter?
  }

  let state = Mutex(State())
  /// Who follows the stream, to wait for.
  let followers = Monitor(Followers())

  struct Followers {
    var now = 0
    var ever = 0
  }

  func settings() async -> SettingsDocument { state.withLock { $0.settings } }
  func settingsDifferences() async -> SettingsDifferences { state.withLock { $0.differences } }
  func measurements() async -> Measurements { .sample }
  func status() async -> StatusDocument { state.withLock { $0.status } }
  func isReady() async -> Bool { state.withLock { $0.isReady } }

  func perform(_ command: ControlCommand, by caller: Caller?) async -> ControlReply {
    state.withLock { state in
      state.commands.append(command)
      state.callers.append(caller)
      return state.reply
    }
  }

  func events(after id: Int?, limit: Int) async -> [Event] {
    state.withLock { state in
      guard let id else { return Array(state.events.suffix(limit)) }
      return Array(state.events.drop { $0.id <= id }.prefix(limit))
    }
  }

  func events(_ filter: EventFilter, after id: Int?, limit: Int) async -> [Event] {
    state.withLock { state in
      let fitting = state.events.filter(filter.matches)
      guard let id else { return Array(fitting.suffix(limit)) }
      return Array(fitting.drop { $0.id <= id }.prefix(limit))
    }
  }

  func history(_ filter: EventFilter, limit: Int) async throws(HistoryUnreadable) -> HistoryDocument {
    let history = state.withLock { state in
      state.asked = filter
      return state.history
    }
    guard let history else { throw HistoryUnreadable("it is damaged") }
    return history
  }

  func samples(_ query: SampleQuery) async throws(HistoryUnreadable) -> [SampleRow] {
    state.withLock { state in
      state.asked = query.filter
      return state.samples
    }
  }

  func advice(_ query: AdviceQuery) async throws(HistoryUnreadable) -> AdviceDocument {
    state.withLock { state in
      state.askedAdvice = query
      return state.advice
    }
  }

  func nodes(_ query: NodeQuery) async -> NodesDocument {
    state.withLock { state in
      state.askedNodes = query
      return NodesDocument(
        state.nodes, query, quarantined: ["db.example"], at: Instant(nanoseconds: 8_000_000_000_000),
        WallOffset(milliseconds: 1_795_428_000_000)
      ) { milliseconds in
        Date(timeIntervalSince1970: Double(milliseconds) / 1000)
          .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
      }
    }
  }

  func liveEvents() async -> AsyncStream<Event> {
    let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
    state.withLock { $0.followers.append(continuation) }
    continuation.onTermination = { [followers] _ in followers.update { $0.now -= 1 } }
    followers.update { followers in
      followers.now += 1
      followers.ever += 1
    }
    return stream
  }

  func append(_ message: String = "something", _ kind: Event.Kind = .supervisor, isTold: Bool = true) {
    let (event, followers) = state.withLock { state in
      let event = Event(id: state.events.count + 1, at: "2026-11-23T10:00:00.000Z", kind: kind, message: message)
      state.events.append(event)
      return (event, state.followers)
    }
    if isTold { for follower in followers { follower.yield(event) } }
  }
}

extension Measurements {
  static var sample: Measurements {
    var sample = Measurements()
    var tally = PoolTally()
    tally.count(.timer)
    tally.count(.timer)
    tally.count(.crash)
    tally.countWipe(entries: 40, bytes: 9000, failures: 1)
    tally.deploys = 2
    tally.deploysFailed = 1
    var counts = [Int](repeating: 0, count: RequestDurations.slots)
    for nanoseconds: Int64 in [1_000_000, 1_000_001, 3_500_000_000, 700_000_000_000] {
      let places = RequestDurations.places(.catalog, .whole, nanoseconds: nanoseconds)
      counts[places.bucket] += 1
      counts[places.sum] += Int(nanoseconds)
    }
    sample.pools = [.init(name: .masters, durations: RequestDurations(counts: counts), tally: tally)]
    sample.tls.full = 5
    sample.tls.resumed = 4
    sample.tls.failures = [.revoked: 3]
    sample.expiries = [
      Expiry(listener: "0.0.0.0:8140", kind: .clientCRL, file: "/etc/crl.pem", at: 1_795_500_000)
    ]
    sample.proxyRestarts = 1
    return sample
  }
}

extension StatusDocument {
  static var sample: StatusDocument {
    var sample = StatusDocument(
      version: "0.1.0", pid: 100, uptimeSeconds: 3725.5, state: "running", listen: ["127.0.0.1:8140"],
      proxy: Proxy(
        pid: 101, generation: 1,
        counters: .sample),
      pools: [.sample])
    sample.failedWipes = FailedWipes(
      count: 2, withinSeconds: 3600, message: "masters/0#2: cache: Permission denied", at: "2026-11-23T10:00:00.000Z")
    return sample
  }
}

extension StatusDocument.Pool {
  static var sample: StatusDocument.Pool {
    var counters = PoolCounters(pool: .masters)
    counters.waiting = [0, 0, 1, 3]
    counters.sheds = [3, 0, 1, 0]
    counters.runsUnderWay = 2
    var pool = bare
    pool.describeLine(counters, earlier: [1, 0, 0, 0])
    pool.quarantined = ["web7.example"]
    pool.quarantinedWaiting = 2
    pool.suspectsTotal = 7
    pool.stuckTotal = 3
    pool.memoryBytes = 300_000_000
    pool.memoryBudgetBytes = 1_000_000_000
    pool.workers[0].current = .init(
      request: "POST /puppet/v3/catalog/web7.example", node: "web7.example", ageSeconds: 12.25)
    pool.workers[1].pendingRecycle = .timer
    pool.workers[1].waitingFor = "min_ready 1: 1 of 2 ready"
    return pool
  }

  private static let bare = StatusDocument.Pool(
    name: .masters, size: 2, ready: 1, queueLength: 4, shedTotal: 5,
    workers: [
      StatusDocument.Worker(
        slot: 0, generation: 3, pid: 110, state: "draining", ageSeconds: 904.25, memoryBytes: 90_000_000,
        requestsTotal: 5, requestsInFlight: 1,
        lastRecycle: StatusDocument.LastRecycle(reason: .timer, at: "2026-11-23T10:00:00.500Z")),
      StatusDocument.Worker(
        slot: 0, generation: 4, pid: 112, state: "ready", ageSeconds: 2.5, memoryBytes: 10_000_000,
        requestsTotal: 1, requestsInFlight: 0,
        lastRecycle: StatusDocument.LastRecycle(reason: .timer, at: "2026-11-23T10:00:00.500Z")),
      StatusDocument.Worker(
        slot: 1, generation: 7, pid: nil, state: "backing_off", ageSeconds: nil, memoryBytes: nil,
        requestsTotal: 0, requestsInFlight: 0, lastRecycle: nil),
    ])
}

extension ProxyCounters {
  static var sample: ProxyCounters {
    var counters = ProxyCounters()
    counters.threads = 2
    counters.connections = 3
    counters.requestsTotal = 10
    counters.requestsInFlight = 1
    counters.retriedTotal = 1
    counters.filesTotal = 6
    counters.fileBytesTotal = 7000
    counters.looksRefusedTotal = 2
    counters.refusedTotal = [.malformed: 6]
    counters.responses = [0, 0, 8, 0, 0, 1]
    return counters
  }
}

extension PoolName {
  static var masters: PoolName {
    guard let name = PoolName(rawValue: "masters") else { preconditionFailure("a plain name") }
    return name
  }
}

/// `masters/SLOT#GENERATION`
func worker(_ slot: Int, _ generation: Int) -> WorkerID {
  WorkerID(slot: SlotID(pool: .masters, index: slot), generation: Generation(rawValue: generation))
}

/// A running server and its one supervisor.
struct Served {
  let supervisor: FakeSupervisor
  let socket: String
  /// Of the network.
  let address: Address
  let group: ServiceGroup

  var client: ControlClient { ControlClient(socketPath: socket) }
}

/// Serves for the time of `body`, then shuts down gracefully.
func withServer<Result: Sendable>(
  pace: FollowerPace = FollowerPace(), gate: ControlGate = .testing(),
  _ body: @escaping @Sendable (Served) async throws -> Result
) async throws -> Result {
  try await withTemporaryDirectory { directory in
    let supervisor = FakeSupervisor()
    let socket = "\(directory)/control.sock"
    let addresses = Monitor<[ListenAddress]?>(nil)
    let server = ControlServer(
      socketPath: socket, listen: .ip(host: "127.0.0.1", port: 0), controlled: supervisor, gate: gate,
      logger: .silent, pace: pace
    ) { bound in addresses.update { $0 = bound } }
    let group = ServiceGroup(configuration: .init(services: [server], logger: .silent))
    return try await withThrowingTaskGroup(of: Result?.self) { tasks in
      tasks.addTask {
        try await group.run()
        return nil
      }
      tasks.addTask {
        let bound = try await addresses.first("the server", before: .patient) { $0 }
        let last = bound.last.flatMap { Address($0.description) }
        let address = try #require(last)
        let result: Result
        do {
          result = try await body(Served(supervisor: supervisor, socket: socket, address: address, group: group))
        } catch {
          await group.triggerGracefulShutdown()
          throw error
        }
        await group.triggerGracefulShutdown()
        return result
      }
      var result: Result?
      while let ended = try await tasks.next() { result = ended ?? result }
      return try #require(result)
    }
  }
}

extension ControlGate {
  /// Knows the name that the tests' requests ask for.
  static func testing(token: ControlToken? = nil) -> ControlGate {
    ControlGate(Keys(token: token, names: HostNames(machine: ["puppet"], added: ["front.example"])))
  }
}

extension Logger {
  static var silent: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }
}
