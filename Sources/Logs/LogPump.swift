import Dispatch
import Pool
import Synchronization

/// Brings records to the outlet. Whoever has something to say never waits: what the outlet does not take at once is
/// brought by a thread, in its order, and what is beyond the buffer is dropped and counted.
final class LogPump: Sendable {
  private struct State {
    var policy: LogPolicy
    var waiting: [LogRecord] = []
    /// Of those that wait and those that are on their way.
    var weight = 0
    var lost = 0
    var isDraining = false
  }

  private let state: Mutex<State>
  private let outlet: Mutex<LogOutlet>
  private let queue = DispatchQueue(label: "log")
  private let now: @Sendable () -> String

  init(_ policy: LogPolicy, outlet: sending LogOutlet, now: @escaping @Sendable () -> String) {
    state = Mutex(State(policy: policy))
    self.outlet = Mutex(outlet)
    self.now = now
  }

  func change(to policy: LogPolicy) { state.withLock { $0.policy = policy } }

  func take(_ whole: LogRecord) {
    let mustDrain = state.withLock { state in
      let record = whole.bounded(by: state.policy.maxLine.bytes)
      let isOut = !state.isDraining && outlet.withLock { $0.put(record, by: state.policy, waits: false) }
      guard !isOut else { return false }
      guard state.waiting.isEmpty || state.weight + record.weight <= state.policy.buffer.bytes else {
        state.lost += 1
        return false
      }
      state.waiting.append(record)
      state.weight += record.weight
      defer { state.isDraining = true }
      return !state.isDraining
    }
    if mustDrain { queue.async { self.drain() } }
  }

  /// Until all is out, or the time is over.
  func flush(within limit: DispatchTimeInterval) {
    let done = DispatchSemaphore(value: 0)
    queue.async { done.signal() }
    _ = done.wait(timeout: .now() + limit)
  }

  private func drain() {
    while let (records, policy) = nextBatch() {
      for record in records {
        _ = outlet.withLock { $0.put(record, by: policy, waits: true) }
        state.withLock { $0.weight -= record.weight }
      }
    }
  }

  private func nextBatch() -> ([LogRecord], LogPolicy)? {
    state.withLock { state in
      var batch = state.waiting
      if state.lost > 0 {
        batch.append(gap(state.lost))
        state.weight += batch[batch.count - 1].weight
      }
      state.waiting = []
      state.lost = 0
      state.isDraining = !batch.isEmpty
      return batch.isEmpty ? nil : (batch, state.policy)
    }
  }

  private func gap(_ lost: Int) -> LogRecord {
    LogRecord(
      time: now(), level: .warning, origin: .supervisor,
      message: "\(lost) messages were dropped: nobody took them in time", fields: [.init("lines_lost", "\(lost)")])
  }
}
