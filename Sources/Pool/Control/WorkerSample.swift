/// What one worker held and had done at one moment, for the ledger.
public struct WorkerSample: Hashable, Sendable {
  public var worker: WorkerID
  public var pid: Int32
  /// Seconds since 1970.
  public var at: Int
  /// When its process was started, the same.
  public var bornAt: Int
  public var memory: ByteCount
  public var requestsTotal: Int
  public var requestsLost: Int
  public var requestsInFlight: Int

  public init(
    worker: WorkerID, pid: Int32, at: Int, bornAt: Int, memory: ByteCount, requestsTotal: Int, requestsLost: Int = 0,
    requestsInFlight: Int = 0
  ) {
    self.worker = worker
    self.pid = pid
    self.at = at
    self.bornAt = bornAt
    self.memory = memory
    self.requestsTotal = requestsTotal
    self.requestsLost = requestsLost
    self.requestsInFlight = requestsInFlight
  }
}

/// Which samples are wanted.
public struct SampleQuery: Hashable, Sendable {
  /// Of it `target`, `generation`, `since` and `until` count.
  public var filter: EventFilter
  /// Seconds that one answer stands for; nil: as fine as they are kept.
  public var step: Int?
  /// Of the answers, in the order of time.
  public var limit: Int

  public init(_ filter: EventFilter = EventFilter(), step: Int? = nil, limit: Int) {
    self.filter = filter
    self.step = step
    self.limit = limit
  }
}

/// One worker's samples within a span of time, as the ledger gives them.
public struct SampleRow: Hashable, Sendable, Codable {
  /// When the span began: RFC 3339, UTC.
  public var at: String
  /// How long it is: the longer ago, the longer.
  public var spanSeconds: Int
  public var pool: PoolName
  public var slot: Int
  public var generation: Int
  public var pid: Int32
  /// How many samples stand behind it.
  public var samples: Int
  public var memoryMeanBytes: Int
  public var memoryMaxBytes: Int
  /// Since the worker's birth, at the end of the span.
  public var requestsTotal: Int
  public var requestsLost: Int
  public var requestsInFlightMax: Int
  /// Of the samples of the last day; of older ones, the mean of the largest in each minute, and later in each ten. Nil
  /// from a version that does not tell it.
  public var requestsInFlightMean: Double?

  public init(
    at: String, spanSeconds: Int, pool: PoolName, slot: Int, generation: Int, pid: Int32, samples: Int,
    memoryMeanBytes: Int, memoryMaxBytes: Int, requestsTotal: Int, requestsLost: Int, requestsInFlightMax: Int,
    requestsInFlightMean: Double? = nil
  ) {
    self.at = at
    self.spanSeconds = spanSeconds
    self.pool = pool
    self.slot = slot
    self.generation = generation
    self.pid = pid
    self.samples = samples
    self.memoryMeanBytes = memoryMeanBytes
    self.memoryMaxBytes = memoryMaxBytes
    self.requestsTotal = requestsTotal
    self.requestsLost = requestsLost
    self.requestsInFlightMax = requestsInFlightMax
    self.requestsInFlightMean = requestsInFlightMean
  }

  enum CodingKeys: String, CodingKey {
    case at, pool, slot, generation, pid, samples
    case spanSeconds = "span_seconds"
    case memoryMeanBytes = "memory_mean_bytes"
    case memoryMaxBytes = "memory_max_bytes"
    case requestsTotal = "requests_total"
    case requestsLost = "requests_lost"
    case requestsInFlightMax = "requests_in_flight_max"
    case requestsInFlightMean = "requests_in_flight_mean"
  }
}
