import Foundation

/// A point in time after which waiting is a failure.
public struct Deadline: Sendable {
  private let end: ContinuousClock.Instant

  public static func after(_ time: Duration) -> Deadline { Deadline(end: .now + time) }

  /// For what must come, whenever that is.
  public static var patient: Deadline { .after(.patience) }

  public var left: Duration { max(.zero, end - .now) }
  public var passed: Bool { left == .zero }

  /// For poll(2): rounded up, so that a poll that times out has passed the deadline.
  var pollMilliseconds: CInt {
    let (seconds, attoseconds) = left.components
    return CInt(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }

  var date: Date {
    let (seconds, attoseconds) = left.components
    return Date(timeIntervalSinceNow: Double(seconds) + Double(attoseconds) / 1e18)
  }
}

extension Duration {
  /// Past it something hangs: much longer than anything takes where others have the processors.
  public static var patience: Duration { .seconds(60) }
}

/// What was waited for did not come.
public struct TimedOut: Error, CustomStringConvertible {
  public let description: String

  public init(_ waitedFor: String) { description = "timed out waiting for \(waitedFor)" }
}

/// Looks again and again, between the work of others, for what nobody tells of.
public func eventually(
  _ waitedFor: String, within limit: Duration = .seconds(120), _ isSo: () throws -> Bool
) async throws {
  let deadline = Deadline.after(limit)
  while try !isSo() {
    if deadline.passed { throw TimedOut(waitedFor) }
    try Task.checkCancellation()
    await Task.yield()
  }
}

/// Blocking work on a thread of its own: the cooperative threads are as few as the cores.
public func onThread<Value: Sendable>(
  _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
  }
}

/// A value that threads change and wait for.
public final class Monitor<State: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  // Only touched while `condition` is locked.
  private var state: State

  public init(_ state: State) { self.state = state }

  public func read<Value>(_ body: (State) throws -> Value) rethrows -> Value {
    condition.lock()
    defer { condition.unlock() }
    return try body(state)
  }

  @discardableResult
  public func update<Value>(_ body: (inout State) throws -> Value) rethrows -> Value {
    condition.lock()
    defer {
      condition.broadcast()
      condition.unlock()
    }
    return try body(&state)
  }

  /// The first non-nil answer, asked again after each update.
  public func first<Value: Sendable>(
    _ waitedFor: String, before deadline: Deadline, _ body: @escaping @Sendable (State) throws -> Value?
  ) async throws -> Value {
    try await onThread {
      self.condition.lock()
      defer { self.condition.unlock() }
      while true {
        if let value = try body(self.state) { return value }
        if !self.condition.wait(until: deadline.date), deadline.passed { throw TimedOut(waitedFor) }
      }
    }
  }
}
