/// One line of `masterpool events`: the ledger and what else happened, in rising numbers that go on over restarts.
///
/// On the wire one JSON object: `id`, `at`, `kind`, `message`, and for what concerns a worker `pool`, `slot`,
/// `generation`; an exit has its ledger row under `exit`, what was captured of a stuck worker stands under `capture`, and
/// who asked for what an operator asked for under `by`.
public struct Event: Hashable, Sendable, Codable {
  public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
    /// A worker's process was started; it passed its probe; it was asked to finish.
    case spawn, ready, drain
    /// A worker ended: the ledger row.
    case exit
    /// Its directory or a shared cache was wiped; or could not be.
    case wipe
    case wipeFailed = "wipe_failed"
    /// The slot waits before its next start.
    case backOff = "back_off"
    /// A proxy was started, is serving, or ended.
    case proxy
    /// The governor let a worker go, or has it wait: what was measured, and who follows.
    case decision
    /// The history's own news: it cannot be written, was set aside, or is written again.
    case ledger
    /// A request is older than others of its kind let expect.
    case stuck
    /// A node that wedges workers gets one worker at most, or is free again.
    case quarantine
    /// Nodes have fallen silent, or are back.
    case node
    /// A receiver of notifications does not take them, takes them again, or was sent a test.
    case notify
    /// A warm parent was started, forks, ended, or could not fork.
    case parent
    /// Other code: its masters are on their way, or there; or the old ones go on serving.
    case deploy
    case deployFailed = "deploy_failed"
    /// An operator's command.
    case command
    /// New settings or certificates, in force or refused.
    case reload
    /// The supervisor itself: started, stopping, stopped.
    case supervisor
  }

  public var id: Int
  /// RFC 3339, UTC, with milliseconds.
  public var at: String
  public var kind: Kind
  /// One sentence for a person.
  public var message: String
  public var pool: PoolName?
  public var slot: Int?
  public var generation: Int?
  public var exit: ExitRow?
  /// What a worker that may be stuck was seen doing: lines of text, bounded.
  public var capture: String?
  /// Whose command it was: a `Caller` in words.
  public var by: String?

  public init(
    id: Int, at: String, kind: Kind, message: String, worker: WorkerID? = nil, exit: ExitRow? = nil,
    capture: String? = nil, by: String? = nil
  ) {
    self.id = id
    self.at = at
    self.kind = kind
    self.message = message
    pool = worker?.pool
    slot = worker?.slot.index
    generation = worker?.generation.rawValue
    self.exit = exit
    self.capture = capture
    self.by = by
  }
}

/// The ledger's row of one worker's exit.
public struct ExitRow: Hashable, Sendable, Codable {
  public var reason: RecycleReason
  /// What was measured and its limit, in words: `age 15m2s of 15m`.
  public var measured: String?
  public var limit: String?
  /// `exit 0`, `SIGKILL`.
  public var status: String
  public var pid: Int32?
  /// PSS and swap of its process group, first and last sample.
  public var memoryAtBirthBytes: Int?
  public var memoryAtDeathBytes: Int?
  public var ageSeconds: Double
  public var requestsServed: Int
  public var requestsLost: Int
  public var drainSeconds: Double?
  public var wipedEntries: Int
  public var wipedBytes: Int

  public init(
    reason: RecycleReason, measured: String?, limit: String?, status: String, pid: Int32?,
    memoryAtBirthBytes: Int?, memoryAtDeathBytes: Int?, ageSeconds: Double, requestsServed: Int, requestsLost: Int,
    drainSeconds: Double?, wipedEntries: Int, wipedBytes: Int
  ) {
    self.reason = reason
    self.measured = measured
    self.limit = limit
    self.status = status
    self.pid = pid
    self.memoryAtBirthBytes = memoryAtBirthBytes
    self.memoryAtDeathBytes = memoryAtDeathBytes
    self.ageSeconds = ageSeconds
    self.requestsServed = requestsServed
    self.requestsLost = requestsLost
    self.drainSeconds = drainSeconds
    self.wipedEntries = wipedEntries
    self.wipedBytes = wipedBytes
  }

  enum CodingKeys: String, CodingKey {
    case reason, measured, limit, status, pid
    case memoryAtBirthBytes = "memory_at_birth_bytes"
    case memoryAtDeathBytes = "memory_at_death_bytes"
    case ageSeconds = "age_seconds"
    case requestsServed = "requests_served"
    case requestsLost = "requests_lost"
    case drainSeconds = "drain_seconds"
    case wipedEntries = "wiped_entries"
    case wipedBytes = "wiped_bytes"
  }
}
