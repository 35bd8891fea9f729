/// A request that asks for a worker: which event loop holds it, where, and which of that place's occupants it is.
public struct Ticket: Hashable, Sendable, BitwiseCopyable {
  public var loop: UInt16
  public var index: UInt32
  public var serial: UInt32

  public init(loop: UInt16, index: UInt32, serial: UInt32) {
    self.loop = loop
    self.index = index
    self.serial = serial
  }
}

/// A connection to a worker that is kept for the next claim. Whoever takes it out of the ledger owns it.
public struct KeptConnection: Hashable, Sendable, BitwiseCopyable {
  public var descriptor: Int32
  /// The loop that watches it.
  public var loop: UInt16
  /// Which use of the descriptor's number this is.
  public var serial: UInt32

  public init(descriptor: Int32, loop: UInt16, serial: UInt32) {
    self.descriptor = descriptor
    self.loop = loop
    self.serial = serial
  }
}

/// One request's hold on a worker. It must be released exactly once.
public struct Claim: Sendable, BitwiseCopyable {
  public var pool: Int
  /// The worker's seat in its pool, and which of that seat's occupants.
  public var seat: Int
  public var occupant: UInt32
  /// The place that it takes among the worker's `concurrency`.
  var place: Int
  /// The connection that comes with it; nil: the holder may open one.
  public var connection: KeptConnection?
  /// A run begins with it, and others are to hear of that at once.
  public var beginsRun = false
}

/// A waiting request's turn.
public struct Grant: Sendable, BitwiseCopyable {
  public var ticket: Ticket
  public var claim: Claim
}

/// What became of a request that asked for a worker.
public enum Admission: Sendable {
  case claimed(Claim)
  /// It would have to wait, and it was not said what its agent makes of a refusal: find out, and ask again.
  case unsure
  /// It stands in line until then, at this spot; a `Grant` may come for it, or it withdraws.
  case queued(until: Instant, spot: UInt32)
  case shed(Refusal)
}

/// What a request is told that gets no worker.
public struct Refusal: Hashable, Sendable {
  public var cause: ShedCause
  /// Nil: its agent would make nothing good of it.
  public var retryAfter: Duration?

  public init(cause: ShedCause, retryAfter: Duration?) {
    self.cause = cause
    self.retryAfter = retryAfter
  }
}

/// Why a request is refused with 503.
public enum ShedCause: Int, Hashable, Sendable, CaseIterable {
  /// The line was over its limit: the node was given a place.
  case limit
  /// It came before the place that it was given.
  case early
  /// The line was over its ceiling, or there is none.
  case ceiling
  /// It waited too long.
  case timeout

  /// As in JSON and in metrics.
  public var name: String {
    switch self {
    case .limit: "limit"
    case .early: "early"
    case .ceiling: "ceiling"
    case .timeout: "timeout"
    }
  }
}

/// How a claim ended.
public enum ClaimOutcome: Sendable, Hashable, BitwiseCopyable {
  case answered
  /// The agent went away, and the worker is free again.
  case abandoned
  /// It was never used: its request was gone before the turn came.
  case unused
  /// The worker refused the connection or broke it before an answer: it gets no claims for a while. Lost, if no
  /// retry saves the request.
  case unreachable(lost: Bool)
  /// A kept connection turned out to be closed; the worker itself may be well.
  case stale
  /// It broke the connection in the middle of its answer, or the answer made no sense.
  case cut
  /// It passed the request timeout. The place stays taken until the worker is retired.
  case overdue(lost: Bool)
}

/// What follows from a release.
public struct Release: Sendable {
  /// False: close the connection that was offered.
  public var keepsConnection = false
  public var grant: Grant?
  /// This worker's last claim ended while it drains.
  public var drained: WorkerID?
  /// This worker's last claim ended after it was retired.
  public var retired: WorkerCounters?
}
