/// `GET /v1/history`: how workers ended, and what that comes to.
public struct HistoryDocument: Hashable, Sendable, Codable {
  /// The events of kind `exit`, in order: the last ones, if there are more than were asked for.
  public var exits: [Event]
  /// Of all exits that fit, also those that are not in `exits`.
  public var summary: Summary

  public init(exits: [Event], summary: Summary) {
    self.exits = exits
    self.summary = summary
  }

  public struct Summary: Hashable, Sendable, Codable {
    public var exits: Int
    public var requestsServed: Int
    public var requestsLost: Int
    /// Nil without an exit.
    public var meanAgeSeconds: Double?
    public var wipedEntries: Int
    public var wipedBytes: Int
    /// The most frequent first.
    public var byReason: [Share]

    public init(byReason shares: [Share]) {
      exits = shares.reduce(0) { $0 + $1.exits }
      requestsServed = shares.reduce(0) { $0 + $1.requestsServed }
      requestsLost = shares.reduce(0) { $0 + $1.requestsLost }
      wipedEntries = shares.reduce(0) { $0 + $1.wipedEntries }
      wipedBytes = shares.reduce(0) { $0 + $1.wipedBytes }
      let ages = shares.reduce(0) { $0 + $1.meanAgeSeconds * Double($1.exits) }
      meanAgeSeconds = exits > 0 ? ages / Double(exits) : nil
      byReason = shares.sorted { ($1.exits, $0.reason.rawValue) < ($0.exits, $1.reason.rawValue) }
    }

    enum CodingKeys: String, CodingKey {
      case exits
      case requestsServed = "requests_served"
      case requestsLost = "requests_lost"
      case meanAgeSeconds = "mean_age_seconds"
      case wipedEntries = "wiped_entries"
      case wipedBytes = "wiped_bytes"
      case byReason = "by_reason"
    }
  }

  /// The exits for one reason.
  public struct Share: Hashable, Sendable, Codable {
    public var reason: RecycleReason
    public var exits: Int
    public var meanAgeSeconds: Double
    public var requestsServed: Int
    public var requestsLost: Int
    /// The largest that one of them died with; nil where none was measured.
    public var memoryMaxBytes: Int?
    public var wipedEntries: Int
    public var wipedBytes: Int

    public init(
      reason: RecycleReason, exits: Int, meanAgeSeconds: Double, requestsServed: Int, requestsLost: Int,
      memoryMaxBytes: Int?, wipedEntries: Int, wipedBytes: Int
    ) {
      self.reason = reason
      self.exits = exits
      self.meanAgeSeconds = meanAgeSeconds
      self.requestsServed = requestsServed
      self.requestsLost = requestsLost
      self.memoryMaxBytes = memoryMaxBytes
      self.wipedEntries = wipedEntries
      self.wipedBytes = wipedBytes
    }

    enum CodingKeys: String, CodingKey {
      case reason, exits
      case meanAgeSeconds = "mean_age_seconds"
      case requestsServed = "requests_served"
      case requestsLost = "requests_lost"
      case memoryMaxBytes = "memory_max_bytes"
      case wipedEntries = "wiped_entries"
      case wipedBytes = "wiped_bytes"
    }
  }
}

/// The ledger cannot be read now: why, in words.
public struct HistoryUnreadable: Error, Hashable, CustomStringConvertible {
  public let why: String

  public init(_ why: String) { self.why = why }

  public var description: String { "the history cannot be read: \(why)" }
}
