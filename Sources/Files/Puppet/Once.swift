import Synchronization

/// Computes a result once for all who want it at the same time, and lets none of them wait: the first computes it, the
/// others are told of it.
final class OnceForAll<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  typealias Told = @Sendable (Value) -> Void

  private let running = Mutex<[Key: [Told]]>([:])

  func tell(_ told: @escaping Told, _ key: Key, compute: () -> Value) {
    let isFirst = running.withLock { running in
      let isFirst = running[key] == nil
      running[key, default: []].append(told)
      return isFirst
    }
    guard isFirst else { return }
    let value = compute()
    let all = running.withLock { $0.removeValue(forKey: key) } ?? []
    for told in all { told(value) }
  }
}

/// Lets those who want the same result at the same time wait for the first of them.
final class OnceAtATime<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private let running = Mutex<[Key: Work]>([:])

  private final class Work: Sendable {
    /// Held while it runs: who comes meanwhile waits here.
    let result = Mutex<Value?>(nil)
  }

  func value(_ key: Key, compute: () -> Value) -> Value {
    let work = running.withLock { running -> Work in
      if let work = running[key] { return work }
      let work = Work()
      running[key] = work
      return work
    }
    return work.result.withLock { result in
      if let result { return result }
      let value = compute()
      result = value
      running.withLock { $0[key] = nil }
      return value
    }
  }
}
