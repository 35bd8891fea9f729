/// How much of the past the ledger keeps.
public struct LedgerPolicy: Hashable, Sendable, Codable {
  /// What is older goes.
  public var keep: Duration
  /// Of its file; the oldest goes first, samples before events.
  public var maxSize: ByteCount
  /// How often each worker's memory and requests are noted.
  public var sampleEvery: Duration

  public init(
    keep: Duration = .seconds(30 * 86400), maxSize: ByteCount = .mebibytes(256), sampleEvery: Duration = .seconds(10)
  ) {
    self.keep = keep
    self.maxSize = maxSize
    self.sampleEvery = sampleEvery
  }
}
