import HTTPWire
import Pool

/// Where a connection is in the life of a request.
enum Stage: UInt8, BitwiseCopyable {
  case vacant
  /// Waits for what a balancer says of the connection.
  case greeting
  case handshaking
  /// Waits for a head, or for the rest of one.
  case head
  /// A clerk finds out whether the answer is on disk.
  case looking
  /// The answer comes from disk.
  case downloading
  /// The body, or its first part, is read before a worker is claimed.
  case intake
  case queued
  case connecting
  /// The worker has the request: what is left of it goes up, the answer comes down.
  case exchanging
  /// The answer is all here; its last bytes go to the agent.
  case replying
  /// Said goodbye; waits for the agent's, so that what it has not read yet is not lost to a reset.
  case lingering
}

/// An agent's connection and the one request that it has in hand: a plain record in the loop's slab.
struct Connection: BitwiseCopyable {
  var serial: UInt32 = 0
  var stage = Stage.vacant
  var agent = AgentSide()
  var request = RequestState()
  var upload = Upload()
  var worker = WorkerSide()
  var answer = Answer()
  var download = FileDownload()
  /// What the access log will say of the request; nil: nothing, or not yet.
  var note: UnsafeMutablePointer<RequestNote>?
}

/// The agent's socket.
struct AgentSide: BitwiseCopyable {
  /// -1: it went away, and the worker's answer is read for nobody.
  var descriptor: Int32 = -1
  var tls: TLSSession?
  var peer = PeerAddress()
  var identity = Identity()
  /// There may be something to read.
  var isReadable = false
  /// It sends no more.
  var hasEnded = false
  /// It is gone in both directions.
  var isBroken = false
  var watchesOutput = false
  /// Held against the limit of its address.
  var isCountedByAddress = false
  /// It did not take an answer's bytes at once, and has a deadline for them.
  var isSlow = false
  /// Answers that it has had.
  var answered: UInt32 = 0
  /// Requests in a row that came before the one ahead of them was answered.
  var pipelined: UInt32 = 0
  /// The listener's index.
  var listener: UInt16 = 0
  /// Bytes of HTTP, both ways, that are in no account of the node yet.
  var moved = 0
  /// What its first request says of its version.
  var version: AgentVersion?
  var isVersionRead = false
  /// It has had an answer before.
  var isKeptAlive: Bool { answered > 0 }
  /// What it sent and nobody consumed yet.
  var input = Chunk()
  /// What it is to get.
  var output = Chunk()
}

/// What is known of the request.
struct RequestState: BitwiseCopyable {
  var head = RequestHead()
  var pool = 0
  var priority = RoutePriority.normal
  /// The route's index.
  var route: UInt16 = 0
  /// What it is in the life of a node's run.
  var part = RunPart.other
  /// What it says as a report.
  var runStatus: RunStatus?
  /// When its head was whole, and since when its worker is at it.
  var began: Int64 = 0
  var taken: Int64 = 0
  /// For how long workers were at it.
  var work: Int64 = 0
  /// It is in a pool's durations, and in those of the line and of the workers.
  var isRouted = false
  var hasAsked = false
  var hadWorker = false
  /// Since when it stands in line, 0: it does not; and for how long it stood there before.
  var asked: Int64 = 0
  var queued: Int64 = 0
  /// Of its answer; 0: none yet.
  var status = 0
  /// Shed or forbidden by ourselves.
  var isRefused = false
  /// May be sent a second time though a first worker may have seen it.
  var isRepeatable = false
  var isRetry = false
  var keepsAlive = false
  var waitsForContinue = false
  /// Counted as in flight.
  var isCounted = false
  /// The head of an answer was sent, the worker's or our own.
  var isAnswered = false
  /// Head and body were taken out of the input, so that another request may follow.
  var isConsumed = false
  /// Payload bytes of a chunked body so far.
  var received = 0
  /// When the next byte of the body is due, by the rate that it must come with.
  var bodyDue: Int64 = .max
  /// When it leaves the line, and where it stands in it.
  var deadline: Int64 = 0
  var spot: UInt32 = 0
  /// Its agent ended its side, and was asked whether it is still there.
  var wasSounded = false
  /// The supervisor was told that its worker may be stuck.
  var isSuspect = false
  /// When its worker counts as stuck.
  var overdue: Int64 = 0
}

/// The request on its way to the worker.
struct Upload: BitwiseCopyable {
  enum Remainder: BitwiseCopyable {
    case none
    /// So many bytes are still to be read from the agent.
    case length(Int)
    case chunked
  }

  /// The head as it is forwarded, and a body that fits beside it.
  var rendered = Chunk()
  var body = StoredBody()
  /// Of both together.
  var sent = 0
  /// What was not buffered before the claim and is streamed.
  var remainder = Remainder.none
  var isStreamed = false
  /// The worker may have seen some of it.
  var isTouched = false
  /// All of it is with the worker.
  var isComplete = false
  /// The stored part of a streamed chunked body still lacks its chunk's last line end.
  var needsChunkEnd = false
  var scanner = ChunkScanner()
}

/// The worker's socket and the claim on the worker.
struct WorkerSide: BitwiseCopyable {
  var descriptor: Int32 = -1
  var serial: UInt32 = 0
  var claim: Claim?
  /// The connection served an earlier request.
  var isReused = false
  var isReadable = false
  var hasEnded = false
  var watchesOutput = false
  /// It takes nothing of the request at the moment.
  var isFull = false
  /// It takes no more of the request.
  var refusesInput = false
  /// It holds bytes that belong to no answer.
  var isSpoiled = false
}

/// What comes back.
struct Answer: BitwiseCopyable {
  enum Phase: BitwiseCopyable {
    case head
    case length(Int)
    /// Relayed as it is, or with the framing taken out for an HTTP/1.0 agent.
    case chunked(unwrap: Bool)
    case untilClose
    case complete
  }

  var head = ResponseHead()
  var phase = Phase.head
  var scanner = ChunkScanner()
  /// Bytes of it went to the agent, or are about to.
  var hasBegun = false
  /// Interim responses that came ahead of it.
  var interims = 0
}
