/// One occupant of a slot, from its start to the end of its wipe.
public struct Worker: Hashable, Sendable {
  public let generation: Generation
  public internal(set) var state: WorkerState
  public internal(set) var started: Instant
  /// Consecutive failed liveness probes.
  var failedProbes = 0
  /// A planned recycle that waits for the governor.
  public internal(set) var pending: PendingRecycle?
  /// Its share of memory and swap: as last measured, and as first measured after its start.
  public internal(set) var memory: ByteCount?
  public internal(set) var memoryAtBirth: ByteCount?

  /// Its process exists, or is just being made.
  var isLive: Bool {
    switch state {
    case .starting, .ready, .draining, .stopping: true
    case .wiping: false
    }
  }

  /// It serves, or will: the slot needs no other.
  var isOnDuty: Bool {
    switch state {
    case .starting, .ready: true
    case .draining, .stopping, .wiping: false
    }
  }

  var isReady: Bool {
    switch state {
    case .ready: true
    case .starting, .draining, .stopping, .wiping: false
    }
  }
}

public enum WorkerState: Hashable, Sendable {
  /// Its process is being made or does not pass its probe yet.
  case starting
  /// It takes requests; `due` is when its timer is over.
  case ready(since: Instant, due: Instant?)
  /// It takes no new requests and finishes those it has.
  case draining(Departure, since: Instant, deadline: Instant)
  /// SIGTERM was sent, or after `killed` SIGKILL.
  case stopping(Departure, killAt: Instant, killed: Bool)
  /// Its process is gone; its caches are going.
  case wiping(Departure)

  /// The word for it in `masterpool status`.
  public var name: String {
    switch self {
    case .starting: "starting"
    case .ready: "ready"
    case .draining: "draining"
    case .stopping: "stopping"
    case .wiping: "wiping"
    }
  }
}

/// Why a worker goes, as its ledger row will say.
public struct Departure: Hashable, Sendable {
  public var reason: RecycleReason
  public var measurement: Measurement?
  /// How long it drained; nil: it was not drained.
  public var drained: Duration?

  public init(reason: RecycleReason, measurement: Measurement? = nil, drained: Duration? = nil) {
    self.reason = reason
    self.measurement = measurement
    self.drained = drained
  }
}

/// A recycle that was asked for and not yet allowed.
public struct PendingRecycle: Hashable, Sendable {
  public var reason: RecycleReason
  public var measurement: Measurement?
  public var since: Instant
  /// Of the most urgent reason that was given for it.
  var urgency: Int
  /// What it waits for; nil: for nothing, its successor is on its way.
  public internal(set) var hindrance: Hindrance?
  /// What was said of it already.
  var told: Set<Hindrance.Kind> = []

  init(reason: RecycleReason, measurement: Measurement?, since: Instant) {
    self.reason = reason
    self.measurement = measurement
    self.since = since
    urgency = reason.urgency
  }
}

extension RecycleReason {
  /// The governor takes the higher first.
  var urgency: Int {
    switch self {
    case .memoryLimit, .stuck, .unhealthy, .crash, .shutdown: 4
    case .memory: 3
    case .manual, .deploy, .reload, .scale: 2
    case .requests: 1
    case .timer: 0
    }
  }
}
