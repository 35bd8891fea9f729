/// What a worker's processes had done up to one look at them.
public struct WorkerLook: Hashable, Sendable {
  /// Of all its threads and children.
  public var processorTime: Duration
  /// Bytes and calls of reading and writing, files or not.
  public var transfers: UInt64
  /// A thread runs or waits for a processor: that it got none is no fault of its own.
  public var wantsProcessor: Bool
  public var processes: Int

  public init(processorTime: Duration, transfers: UInt64, wantsProcessor: Bool, processes: Int) {
    self.processorTime = processorTime
    self.transfers = transfers
    self.wantsProcessor = wantsProcessor
    self.processes = processes
  }

  /// Timers and threads that keep house wake a worker that is stuck all the same.
  private static let idleShare = 1.0 / 200
  /// The kernel counts in hundredths of a second.
  private static let tick = Duration.milliseconds(10)

  /// It did nothing in between: slow it may be, but then it waits for what does not come.
  public func isStill(since earlier: WorkerLook, over time: Duration) -> Bool {
    !wantsProcessor && !earlier.wantsProcessor && processes == earlier.processes && transfers == earlier.transfers
      && processorTime >= earlier.processorTime
      && processorTime - earlier.processorTime <= max(Self.tick, time.scaled(by: Self.idleShare))
  }
}
