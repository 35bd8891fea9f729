/// What a proxy tells a supervisor that it was not started by.
public struct ProxyAccount: Hashable, Sendable, Codable {
  /// Those that it gives requests to, or that finish some.
  public var workers: [WorkerID]
  /// It was told to stop.
  public var isStopping: Bool
  /// It accepts no new connection any more.
  public var isClosed: Bool

  public init(workers: [WorkerID], isStopping: Bool, isClosed: Bool) {
    self.workers = workers
    self.isStopping = isStopping
    self.isClosed = isClosed
  }
}
