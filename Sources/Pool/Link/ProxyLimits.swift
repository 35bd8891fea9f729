/// What one proxy puts up with; each limit is a setting of the same name.
public struct ProxyLimits: Hashable, Sendable, Codable {
  /// Event loops; nil: one a core.
  public var threads: Int?
  public var maxConnections: Int
  /// Open connections from one IPv4 address or one IPv6 /64; nil: as many as there may be at all.
  public var maxConnectionsPerAddress: Int? = 15_000
  /// From a connection's start to the end of its TLS handshake, a PROXY header included.
  public var handshakeTimeout = Duration.seconds(10)
  /// From the end of the handshake, or a kept-alive request's first byte, to the end of the head.
  public var headerTimeout: Duration
  /// How long a kept-alive connection may stay without a request, and a body or response without a byte.
  public var idleTimeout: Duration
  /// A head's, and of all trailers of a chunked body.
  public var maxHeaderSize: ByteCount
  public var maxHeaderCount = 100
  /// Of the extensions of one chunk (RFC 9112 §7.1.1).
  public var maxChunkExtension = ByteCount(bytes: 256)
  /// Of the request target.
  public var maxURILength = ByteCount(bytes: 8192)
  public var maxBodySize: ByteCount
  /// Request bodies up to this are read whole before a worker is claimed, and can be replayed.
  public var maxBufferedBody: ByteCount
  /// Memory for these, of all loops together; beyond it bodies are streamed.
  public var bufferMemory = ByteCount.mebibytes(512)
  /// Bytes a second that a request's body must come with, on the average since its start, once `bodyGrace` is over;
  /// nil: any.
  public var minBodyRate: ByteCount? = ByteCount(bytes: 500)
  public var bodyGrace = Duration.seconds(20)
  /// Bytes a second with which an agent must take an answer, likewise; nil: any.
  public var minSendRate: ByteCount?
  /// The last answer says `Connection: close`; nil: no limit.
  public var maxRequestsPerConnection: Int?
  /// How many requests in a row may come before the one ahead of them is answered; the answer to one more says
  /// `Connection: close`.
  public var maxPipelinedRequests = 100
  /// 1xx responses of a worker to one request.
  public var maxInterimResponses = 16
  /// A worker that takes no connection within this is unreachable.
  public var connectTimeout = Duration.seconds(5)
  /// How long an agent that has ended its side of a connection in the clear is taken to wait for the answer of a worker
  /// that is at it, before it is asked; in line it is asked at once.
  public var halfClosedCheck = Duration.seconds(1)
  /// How long an agent may be silent before it closes after our goodbye.
  public var lingerTimeout = Duration.seconds(2)
  /// How long it may go on sending what nobody reads any more: some read an answer only once they have sent all.
  public var linger = Duration.seconds(10)
  /// How long idle connections are left to their agents when the proxy stops: Puppet's drop theirs after 4 s.
  public var idleDrain = Duration.seconds(5)
  /// How long a generation whose successor serves may finish what it has.
  public var drain = Duration.seconds(600)
  /// A proxy that has not reported for so long is killed and replaced; it reports once a second.
  public var maxSilence = Duration.seconds(30)
  /// Threads beside the loops that hash files and read trees, and how many requests may wait for one of them; more go
  /// to a worker.
  public var fileThreads: Int
  public var fileQueue: Int

  public init(
    threads: Int? = nil, maxConnections: Int = 20000, headerTimeout: Duration = .seconds(10),
    idleTimeout: Duration = .seconds(75), maxHeaderSize: ByteCount = .kibibytes(32),
    maxBodySize: ByteCount = .mebibytes(64), maxBufferedBody: ByteCount = .mebibytes(1),
    fileThreads: Int = 2, fileQueue: Int = 1000
  ) {
    self.threads = threads
    self.maxConnections = maxConnections
    self.headerTimeout = headerTimeout
    self.idleTimeout = idleTimeout
    self.maxHeaderSize = maxHeaderSize
    self.maxBodySize = maxBodySize
    self.maxBufferedBody = maxBufferedBody
    self.fileThreads = fileThreads
    self.fileQueue = fileQueue
  }
}
