import Glibc
import Synchronization

/// SIGTERM: the requests that have begun are finished, then the process exits with 0; at once if there are none.
final class Lifecycle: Sendable {
  private struct State {
    var busy = 0
    var stopping = false
  }

  private let state = Mutex(State())

  init(stubborn: Bool) {
    signal(SIGINT, SIG_DFL)
    guard !stubborn else {
      signal(SIGTERM, SIG_IGN)
      return
    }
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    // Blocked in every thread that comes after, so that only sigwait sees it.
    pthread_sigmask(SIG_BLOCK, &set, nil)
    startThread { [self] in
      var set = sigset_t()
      sigemptyset(&set)
      sigaddset(&set, SIGTERM)
      var caught: CInt = 0
      sigwait(&set, &caught)
      state.withLock { state in
        state.stopping = true
        if state.busy == 0 { exit(0) }
      }
    }
  }

  var isStopping: Bool { state.withLock { $0.stopping } }

  func began() { state.withLock { $0.busy += 1 } }

  func ended() {
    state.withLock { state in
      state.busy -= 1
      if state.stopping && state.busy == 0 { exit(0) }
    }
  }
}

/// Runs `body` on a thread of its own that is never joined.
func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let box = Unmanaged.passRetained(Box(body))
  let result = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
      return nil
    }, box.toOpaque())
  guard result == 0 else {
    say("stub-master: cannot start a thread: \(String(cString: strerror(result)))", to: STDERR_FILENO)
    exit(71)
  }
  pthread_detach(thread)
}
