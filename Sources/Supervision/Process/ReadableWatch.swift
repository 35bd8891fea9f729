import CLinux
import Dispatch
import Glibc
import Synchronization

/// One thread that waits for descriptors to become readable and calls their handlers, one at a time.
///
/// In place of dispatch sources for what can hang up: where a pipe or socket is readable and hung up at once,
/// libdispatch on Linux walks a list that the handler's own cancellation has freed, or never reports the end.
final class ReadableWatch: Sendable {
  static let shared = ReadableWatch()

  /// What a handler says after it has read; a descriptor that still has something is told again.
  enum Next { case again, done }

  /// One watched descriptor.
  struct Token: Hashable, Sendable { fileprivate let number: UInt64 }

  private struct Entry: Sendable {
    let descriptor: Int32
    let onReadable: @Sendable () -> Next
    let onEnd: @Sendable () -> Void
  }

  private struct State {
    var watched: [UInt64: Entry] = [:]
    /// Cancelled, their ends not yet called.
    var ending: [Entry] = []
    var last = wakeToken
  }

  private static let wakeToken: UInt64 = 0
  private static let batch = 64
  private let epoll = clinux_epoll_create()
  private let wake = clinux_eventfd()
  private let state = Mutex(State())

  private init() {
    precondition(epoll >= 0 && wake >= 0, "the supervisor needs two descriptors to wait for others")
    _ = clinux_epoll_control(epoll, EPOLL_CTL_ADD, wake, clinux_epoll_in, Self.wakeToken)
    // Blocks its thread for good, which a queue of its own may.
    DispatchQueue(label: "masterpool.readable").async { self.run() }
  }

  /// - Parameter onEnd: called once, after the last `onReadable`: the place to close the descriptor.
  func add(
    _ descriptor: Int32, onReadable: @escaping @Sendable () -> Next, onEnd: @escaping @Sendable () -> Void
  ) -> Token {
    let entry = Entry(descriptor: descriptor, onReadable: onReadable, onEnd: onEnd)
    let number = state.withLock { state in
      state.last += 1
      state.watched[state.last] = entry
      return state.last
    }
    let token = Token(number: number)
    if clinux_epoll_control(epoll, EPOLL_CTL_ADD, descriptor, clinux_epoll_in, number) != 0 { cancel(token) }
    return token
  }

  /// No handler is called from then on but `onEnd`, on the watch's thread; nothing happens where that was done.
  func cancel(_ token: Token) {
    let isWatched = state.withLock { state in
      guard let entry = state.watched.removeValue(forKey: token.number) else { return false }
      state.ending.append(entry)
      return true
    }
    guard isWatched else { return }
    var one: UInt64 = 1
    _ = write(wake, &one, MemoryLayout<UInt64>.size)
  }

  private func run() {
    var events = [epoll_event](repeating: epoll_event(), count: Self.batch)
    while true {
      let count = clinux_epoll_wait(epoll, &events, Int32(Self.batch), -1)
      for event in events.prefix(max(0, Int(count))) { handle(event.data.u64) }
    }
  }

  private func handle(_ number: UInt64) {
    guard number != Self.wakeToken else { return endCancelled() }
    // Gone where an earlier handler of this batch has cancelled it.
    guard let entry = state.withLock({ $0.watched[number] }), entry.onReadable() == .done else { return }
    guard state.withLock({ $0.watched.removeValue(forKey: number) }) != nil else { return }
    end(entry)
  }

  private func endCancelled() {
    var count: UInt64 = 0
    _ = read(wake, &count, MemoryLayout<UInt64>.size)
    let ending = state.withLock { state in
      defer { state.ending = [] }
      return state.ending
    }
    for entry in ending { end(entry) }
  }

  private func end(_ entry: Entry) {
    _ = clinux_epoll_control(epoll, EPOLL_CTL_DEL, entry.descriptor, 0, 0)
    entry.onEnd()
  }
}
