extension StatusDocument {
  /// When a pool's workers are replaced, as it is now; what is absent is off.
  public struct Limits: Hashable, Sendable, Codable {
    public var everySeconds: Double?
    /// Over it a worker is replaced gracefully; over the limit it is cut off.
    public var memoryBytes: Int?
    public var memoryLimitBytes: Int?
    public var requests: Int?
    /// Ready workers below which no planned recycle starts.
    public var minReady = 0
    /// Requests at once in one worker.
    public var concurrency = 1
    public var queueLimit: Int?

    public init() {}

    public init(_ policy: PoolPolicy) {
      everySeconds = policy.recycle.every?.inSeconds
      memoryBytes = policy.recycle.memory?.bytes
      memoryLimitBytes = policy.recycle.memoryLimit?.bytes
      requests = policy.recycle.requests
      minReady = policy.recycle.minReady.of(policy.size)
      concurrency = policy.concurrency
      queueLimit = policy.queue.limit
    }

    enum CodingKeys: String, CodingKey {
      case requests, concurrency
      case everySeconds = "every_seconds"
      case memoryBytes = "memory_bytes"
      case memoryLimitBytes = "memory_limit_bytes"
      case minReady = "min_ready"
      case queueLimit = "queue_limit"
    }
  }
}
