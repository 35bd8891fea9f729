import Pool

/// Whoever waits for something that the supervisor's events bring about.
struct Waiter {
  let isOver: @Sendable (isolated Supervisor) -> Bool
  let continuation: CheckedContinuation<Void, Never>
}

extension Supervisor {
  /// Until it is so, or the time is over; whether it is so.
  func wait(
    within limit: Duration, until isSo: @escaping @Sendable (isolated Supervisor) -> Bool
  ) async -> Bool {
    if isSo(self) { return true }
    let deadline = Clock.now() + limit
    let alarm = Task {
      guard (try? await Clock.sleep(until: deadline)) != nil else { return }
      wakeWaiters()
    }
    await withCheckedContinuation { continuation in
      waiters.append(Waiter(isOver: { isSo($0) || Clock.now() >= deadline }, continuation: continuation))
    }
    alarm.cancel()
    return isSo(self)
  }

  /// After everything that may have changed what somebody waits for.
  func wakeWaiters() {
    guard !waiters.isEmpty else { return }
    let over = waiters.filter { $0.isOver(self) }
    guard !over.isEmpty else { return }
    waiters.removeAll { waiter in waiter.isOver(self) }
    over.forEach { $0.continuation.resume() }
  }
}
