import CLinux
import COpenSSL
import Glibc
import Pool

/// The data plane: agents' requests on one side, workers on the other.
public enum Proxy {
  /// After a SIGTERM, when no supervisor says how long.
  static let defaultStop = Duration.seconds(30)
  /// `EX_CONFIG`
  static let configurationRefused: Int32 = 78

  /// Why no proxy could speak TLS by these files: they are read, and held against each other, as one would at its start.
  public static func problem(of tls: TLSConfiguration) -> String? {
    do throws(SetupFailure) {
      _ = try TLSContext(tls)
      return nil
    } catch {
      return error.reason
    }
  }

  /// Serves on the inherited `listeners` as the supervisor at the other end of `link` says, until it is told to stop.
  /// If the supervisor goes away, it goes on with the last pool it was told of, until another comes in by the `door`, a
  /// listening unix socket (-1: nobody can). Returns the exit status.
  ///
  /// Takes over the descriptors and closes them at the end. A SIGTERM stops it in good order, a second one at once,
  /// unless it `leavesSignals` to the rest of the process. `output` is the descriptor of the standard output that access
  /// lines may be meant for.
  public static func run(
    link: Int32, listeners: [Int32], output: Int32 = STDOUT_FILENO, door: Int32 = -1, leavesSignals: Bool = false
  ) -> Int32 {
    let door = LinkDoor(descriptor: door, listeners: listeners)
    defer { listeners.forEach { close($0) } }
    signal(SIGPIPE, SIG_IGN)
    clinux_keep_freed_memory()
    // Only before OpenSSL has taken any memory; where it has, it goes on as it did.
    CRYPTO_set_mem_functions(clinux_take_block, clinux_resize_block, clinux_give_block)
    // Meant for the supervisor, which passes it on: the access log is to be opened anew.
    signal(SIGUSR1, SIG_IGN)
    let signals = leavesSignals ? -1 : clinux_take_termination()
    let peer = LinkPeer(descriptor: link)
    peer.send(.hello(version: Link.version, pid: getpid()))
    guard let start = awaitConfiguration(peer, signals: signals) else { return 0 }
    do throws(SetupFailure) {
      let shared = try assemble(start.configuration, listeners, output)
      shared.inherit(start.inheritance)
      let threads = try startLoops(shared)
      peer.send(.serving)
      var desk = LinkDesk(peer: peer, door: door, shared: shared, signals: signals)
      desk.run(early: start.early)
      threads.forEach { pthread_join($0, nil) }
      shared.clerks.close()
      shared.accessLog?.finish()
      desk.finish()
      return 0
    } catch {
      peer.send(.refused(error.reason))
      peer.drain(milliseconds: 1000)
      return configurationRefused
    }
  }

  /// What a proxy begins with.
  private struct Start {
    var inheritance: [RunNews]
    var configuration: ProxyConfiguration
    /// What came right behind it.
    var early: [ProxyCommand]
  }

  /// Nil: there is no supervisor any more, or a signal came.
  private static func awaitConfiguration(_ peer: LinkPeer, signals: Int32) -> Start? {
    var inheritance: [RunNews] = []
    while peer.isOpen {
      var wanted = [
        pollfd(fd: peer.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
      ]
      poll(&wanted, 2, -1)
      if wanted[1].revents != 0 { return nil }
      var commands = peer.receive()[...]
      while case .inherit(let news)? = commands.first {
        inheritance.append(news)
        commands.removeFirst()
      }
      guard let first = commands.popFirst() else { continue }
      guard case .configure(let configuration) = first else { return nil }
      return Start(inheritance: inheritance, configuration: configuration, early: Array(commands))
    }
    return nil
  }

  private static func assemble(
    _ configuration: ProxyConfiguration, _ descriptors: [Int32], _ output: Int32
  ) throws(SetupFailure) -> Shared {
    guard configuration.listeners.count == descriptors.count else {
      throw SetupFailure(
        "\(configuration.listeners.count) listeners are configured, \(descriptors.count) were inherited")
    }
    let files = ReadableFiles(copies: configuration.copies)
    defer { files.close() }
    var listeners: [Listener] = []
    for (listener, descriptor) in zip(configuration.listeners, descriptors) {
      listeners.append(try Listener(descriptor: descriptor, configuration: listener, files: files))
    }
    raiseDescriptorLimit()
    var doors: [LoopDoor] = []
    for _ in 0..<threadCount(configuration.limits) { doors.append(try LoopDoor(pools: configuration.pools.count)) }
    return try Shared(
      configuration, listeners: listeners, doors: doors, outbox: try Outbox(),
      accessLog: try AccessLog.start(configuration, loops: doors.count, output: output))
  }

  private static func threadCount(_ limits: ProxyLimits) -> Int {
    min(max(1, limits.threads ?? sysconf(Int32(_SC_NPROCESSORS_ONLN))), Int(UInt16.max))
  }

  /// Each request takes up to two.
  private static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  private static func startLoops(_ shared: Shared) throws(SetupFailure) -> [pthread_t] {
    var threads: [pthread_t] = []
    for id in shared.doors.indices { threads.append(try LoopThread.start(UInt16(id), shared)) }
    return threads
  }
}

/// What a loop's thread is born with.
private final class LoopThread {
  let id: UInt16
  let shared: Shared

  private init(_ id: UInt16, _ shared: Shared) {
    self.id = id
    self.shared = shared
  }

  static func start(_ id: UInt16, _ shared: Shared) throws(SetupFailure) -> pthread_t {
    var thread = pthread_t()
    let seed = Unmanaged.passRetained(LoopThread(id, shared))
    shared.runningLoops.add(1, ordering: .releasing)
    let code = pthread_create(
      &thread, nil,
      { seed in
        if let seed { Unmanaged<LoopThread>.fromOpaque(seed).takeRetainedValue().run() }
        return nil
      }, seed.toOpaque())
    guard code == 0 else {
      seed.release()
      throw SetupFailure("no thread for an event loop: \(Socket.explain(code))")
    }
    return thread
  }

  private func run() {
    LibraryContext.forgetDefault()
    do throws(SetupFailure) {
      var loop = try Loop(id: id, shared: shared)
      loop.run()
    } catch {
      shared.journal.say(error.reason, at: .now())
      // The others serve on, and send nothing here.
      shared.doors[Int(id)].load.add(1 << 32, ordering: .relaxed)
      shared.acceptingLoops.subtract(1, ordering: .releasing)
    }
    shared.runningLoops.subtract(1, ordering: .releasing)
    shared.outbox.ring()
  }
}
