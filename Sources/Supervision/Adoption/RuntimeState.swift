import Pool

/// What a supervisor must know to take the place of another: written to the run directory by each for the next.
///
/// Other versions read it too: what is not needed to know whose processes these are is optional, and what may be written
/// in words that the reader does not have is `Lenient`.
struct RuntimeState: Codable {
  /// Another number: nothing in it means what it means here.
  static let format = 1

  var format: Int
  /// Pids, start times and instants are this boot's.
  var bootID: String
  /// Of the program that wrote it.
  var version: String?
  var stateDirectory: String
  /// Everything was being ended.
  var isStopping: Bool?
  var pools: [PoolRecord]
  var proxies: [ProxyRecord]
  var lastProxyGeneration: Int?
  /// What proxies that are gone have counted.
  var endedProxies: Lenient<ProxyCounters>?
  /// As in force.
  var proxyConfiguration: Lenient<ProxyConfiguration>?
  /// Certificates and the like by path: digests of what the proxies serve with.
  var files: [String: UInt64]?
  /// What is set above the files.
  var overrides: Lenient<[SettingOverride]>?
  /// What was told of what is wrong, and what is on its way.
  var notices: Lenient<NoticesRecord>?

  struct NoticesRecord: Codable {
    var book: NoticeBook.Memory
    var messages: [NoticeMessage]
    var tallies: [String: NoticeOutbox.Tally]
    /// How workers ended, by slot.
    var failures: [String: String]
  }

  struct PoolRecord: Codable {
    var name: PoolName
    var plan: Lenient<PoolPlan>?
    var machine: PoolMemory
    var workers: [WorkerRecord]
    var earlier: Lenient<PoolCounters>?
    var lastRecycles: [RecycleRecord]?
    var parents: Lenient<ParentsRecord>?
    var quarantine: Lenient<QuarantineBook>?
    var tally: Lenient<PoolTally>?
    /// Under way, and what comes after it.
    var deploy: Lenient<Supervisor.DeployDesk>?
  }

  struct RecycleRecord: Codable {
    var slot: Int
    var last: Lenient<StatusDocument.LastRecycle>
  }

  /// A pool's warm parents: what decides about them, and their processes.
  struct ParentsRecord: Codable {
    var machine: ParentMemory
    var processes: [ParentRecord]
  }

  struct ParentRecord: Codable {
    var generation: Int
    var process: ProcessRecord
    /// The socket where it lets a supervisor in.
    var door: String
    var spawned: Instant
  }

  /// One process for ever.
  struct ProcessRecord: Codable, Hashable {
    /// Also its process group.
    var pid: Int32
    var startTime: UInt64
    /// The pipe that is its output.
    var output: UInt64?
  }

  struct WorkerRecord: Codable {
    var slot: Int
    var generation: Int
    var process: ProcessRecord
    var endpoint: Endpoint
    var directory: String
    var wipe: [String]
    var spawned: Instant
    var memoryAtBirth: ByteCount?
    var memory: ByteCount?
    /// By proxies that are gone, and by those that live.
    var earlier: Tally?
    var counted: [Tally]?
    /// Generations of proxies.
    var admittedTo: [Int]?
    var end: EndRecord?
  }

  struct Tally: Codable {
    /// The proxy's; nil: of several.
    var generation: Int?
    var requestsTotal: Int
    var lostTotal: Int
    var inFlight: Int
    var lastAnswered: Instant?
  }

  /// How a worker's process ended that is not buried yet.
  struct EndRecord: Codable {
    var exited: Int32?
    var signal: Int32?
    var coreDumped: Bool?
  }

  struct ProxyRecord: Codable {
    var generation: Int
    var process: ProcessRecord
    /// `current`, `candidate`, `leaving`.
    var role: String
    /// The socket where it lets a supervisor in.
    var door: String
    var program: ProgramIdentity?
    var spawned: Instant
    var listeners: [ListenAddress]
    var configuration: Lenient<ProxyConfiguration>?
    var counters: Lenient<ProxyCounters>?
    /// It was told to be gone by then.
    var end: Instant?
  }
}

/// A part that another version may have written in its own way: then there is nothing.
struct Lenient<Value: Codable & Sendable>: Codable, Sendable {
  var value: Value?

  init(_ value: Value?) { self.value = value }

  init(from decoder: any Decoder) throws { value = try? Value(from: decoder) }

  func encode(to encoder: any Encoder) throws {
    if let value {
      try value.encode(to: encoder)
    } else {
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    }
  }
}

extension RuntimeState.EndRecord {
  init(_ status: ExitStatus) {
    switch status {
    case .exited(let status): self.init(exited: status)
    case .signalled(let signal, let coreDumped): self.init(signal: signal, coreDumped: coreDumped)
    case .unknown: self.init()
    }
  }

  var status: ExitStatus {
    if let exited { return .exited(exited) }
    if let signal { return .signalled(signal, coreDumped: coreDumped ?? false) }
    return .unknown
  }
}

extension RuntimeState.Tally {
  init(_ counters: WorkerCounters, generation: Int? = nil) {
    self.init(
      generation: generation, requestsTotal: counters.requestsTotal, lostTotal: counters.lostTotal,
      inFlight: counters.requestsInFlight, lastAnswered: counters.lastAnswered)
  }

  func counters(of worker: WorkerID) -> WorkerCounters {
    var counters = WorkerCounters(worker: worker)
    counters.requestsTotal = requestsTotal
    counters.lostTotal = lostTotal
    counters.requestsInFlight = inFlight
    counters.lastAnswered = lastAnswered
    return counters
  }
}
