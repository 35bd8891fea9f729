/// What the access log says of one request, or of a handshake that came to nothing. A trivial value, filled while the
/// request lives: its texts are ranges of a buffer of the caller's, an empty one where there is none.
public struct AccessRecord: BitwiseCopyable, Sendable {
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    case request, handshake
  }

  public var kind = Kind.request
  /// Nanoseconds since 1970, UTC: when the first byte of it was there.
  public var time: Int64 = 0
  public var id = ByteRange()
  public var address = ByteRange()
  /// The verified certificate's name.
  public var certname = ByteRange()
  public var method = ByteRange()
  /// Path and query as they came.
  public var target = ByteRange()
  public var version = HTTPVersion.http11
  /// The first line of what was no whole head; then there is no method and no target.
  public var requestLine = ByteRange()
  public var userAgent = ByteRange()
  public var referer = ByteRange()
  /// Of the answer's head; 0: none was sent.
  public var status = 0
  /// Bytes that the agent was sent, the heads among them included.
  public var sent = 0
  public var sentHeads = 0
  /// Bytes of head and body that the agent sent, as they came.
  public var received = 0
  /// All in nanoseconds. From the first byte of the request to the last of the answer, or until the agent was gone.
  public var total: Int64 = 0
  /// From the first byte of the request to the answer's head.
  public var firstByte: Int64 = 0
  /// In line for a worker.
  public var queue: Int64 = 0
  /// With a worker, a first one that failed included.
  public var worker: Int64 = 0
  /// Answered from a file, without a worker.
  public var isFromDisk = false
  public var pool = ByteRange()
  /// -1: no worker had it.
  public var slot = -1
  public var generation = 0
  /// Workers that it was sent to after the first.
  public var retries = 0
  /// The route's path as it stands in the settings.
  public var route = ByteRange()
  public var tlsVersion = ByteRange()
  public var tlsCipher = ByteRange()
  public var isResumed = false
  public var ending = AccessEnding.agentGone
  /// Why it did not end well, in a sentence.
  public var cause = ByteRange()

  public init() {}

  /// Room that a line of a record with so many bytes of text never exceeds, its line end included.
  public static func lineAtMost(text: Int) -> Int { 6 &* text &+ 1024 }
}

/// How a request ended.
public enum AccessEnding: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  /// The agent has all of the worker's answer.
  case whole
  /// Refused by the proxy for what it is: a head, a body, a limit.
  case refused
  case forbidden
  /// There was no worker for it in time.
  case shed
  /// The agent or the worker took too long.
  case timedOut
  /// The worker was lost, or what it said was no answer, before the agent had any of it.
  case workerFailed
  /// The answer had begun and was broken off.
  case cut
  /// The agent went away first.
  case agentGone
  /// The proxy was told to end before the request had.
  case stopped

  /// What an answer of the proxy's own means.
  public init(ownStatus status: Int) {
    switch status {
    case ..<400: self = .whole
    case 403: self = .forbidden
    case 408, 504: self = .timedOut
    case 502: self = .workerFailed
    case 503: self = .shed
    default: self = .refused
    }
  }

  /// As it stands in the log; nil for what needs no word.
  public var word: StaticString? {
    switch self {
    case .whole: nil
    case .refused: "refused"
    case .forbidden: "forbidden"
    case .shed: "shed"
    case .timedOut: "timed_out"
    case .workerFailed: "worker_failed"
    case .cut: "cut"
    case .agentGone: "agent_gone"
    case .stopped: "stopped"
    }
  }
}
