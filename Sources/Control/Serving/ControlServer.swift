import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Pool
import ServiceLifecycle
import Synchronization

/// The control API: all of it on a unix socket that its owner alone may use; and on an address for dashboards and
/// metrics, if one is given, what the gate lets through.
public struct ControlServer: Service {
  private let socketPath: String
  private let listen: ListenAddress?
  private let controlled: any Controlled
  private let gate: ControlGate
  private let logger: Logger
  private let onServing: @Sendable ([ListenAddress]) -> Void
  private let pace: FollowerPace
  /// What the libraries below say of their own doings.
  private let libraryLogger: Logger

  /// - Parameters:
  ///   - socketPath: absolute, at most 107 bytes, in a folder that exists.
  ///   - listen: of the network, or a unix socket that is treated as if it were; nil: none.
  ///   - onServing: called once, when all of it can be reached, with the addresses as bound, the socket first.
  public init(
    socketPath: String, listen: ListenAddress?, controlled: any Controlled, gate: ControlGate = ControlGate(),
    logger: Logger, libraryLogger: Logger? = nil,
    onServing: @escaping @Sendable ([ListenAddress]) -> Void = { _ in }
  ) {
    self.init(
      socketPath: socketPath, listen: listen, controlled: controlled, gate: gate, logger: logger,
      libraryLogger: libraryLogger,
      pace: FollowerPace(),
      onServing: onServing)
  }

  init(
    socketPath: String, listen: ListenAddress?, controlled: any Controlled, gate: ControlGate = ControlGate(),
    logger: Logger, libraryLogger: Logger? = nil, pace: FollowerPace,
    onServing: @escaping @Sendable ([ListenAddress]) -> Void
  ) {
    self.socketPath = socketPath
    self.listen = listen
    self.controlled = controlled
    self.gate = gate
    self.logger = logger
    self.libraryLogger = libraryLogger ?? logger
    self.pace = pace
    self.onServing = onServing
  }

  /// Whether it could listen now: to be asked before anything else is started.
  public func check() throws(ControlServerFailure) {
    try SocketPlace.check(socketPath)
    if let listen { try NetworkPlace.check(listen) }
  }

  /// Serves until a graceful shutdown or cancellation.
  ///
  /// - Throws: `ControlServerFailure` where it cannot listen.
  public func run() async throws {
    let connections = Connections()
    let doors = Doors(listen == nil ? 1 : 2, onServing)
    var listeners = [
      ControlListener(
        address: .unix(path: socketPath), responder: responder(.socket), connections, doors, logger, libraryLogger)
    ]
    if let listen {
      listeners.append(
        ControlListener(address: listen, responder: responder(.network), connections, doors, logger, libraryLogger))
    }
    let group = ServiceGroup(
      configuration: .init(
        services: listeners.map {
          // One that cannot listen takes the other with it; both are told of the same shutdown.
          .init(service: $0, failureTerminationBehavior: .cancelGroup)
        }, logger: libraryLogger))
    do {
      try await run(group, connections)
    } catch let failure as ControlServerFailure {
      // Told here too: whoever runs us may have much to end before it can say so.
      logger.error("no control API: \(failure)")
      throw failure
    }
  }

  private func run(_ group: ServiceGroup, _ connections: Connections) async throws {
    try await withTaskCancellationHandler {
      try await withGracefulShutdownHandler {
        try await group.run()
      } onGracefulShutdown: {
        Task {
          try? await Task.sleep(for: ControlLimit.shutdown)
          connections.closeAll()
        }
      }
    } onCancel: {
      connections.closeAll()
    }
  }

  private func responder(_ door: ControlDoor) -> ControlResponder {
    ControlResponder(controlled: controlled, gate: gate, door: door, pace: pace)
  }
}

/// Counts the listeners that can be reached.
private final class Doors: Sendable {
  private let state: Mutex<(missing: Int, open: [Int: ListenAddress])>
  private let onServing: @Sendable ([ListenAddress]) -> Void

  init(_ count: Int, _ onServing: @escaping @Sendable ([ListenAddress]) -> Void) {
    state = Mutex((missing: count, open: [:]))
    self.onServing = onServing
  }

  func open(_ address: ListenAddress, order: Int) {
    let all = state.withLock { state in
      state.open[order] = address
      state.missing -= 1
      return state.missing == 0 ? state.open.sorted { $0.key < $1.key }.map(\.value) : nil
    }
    if let all { onServing(all) }
  }
}

/// One address of the API.
private struct ControlListener: Service {
  let address: ListenAddress
  let responder: ControlResponder
  let connections: Connections
  let doors: Doors
  let logger: Logger
  let libraryLogger: Logger

  init(
    address: ListenAddress, responder: ControlResponder, _ connections: Connections, _ doors: Doors, _ logger: Logger,
    _ libraryLogger: Logger
  ) {
    self.address = address
    self.responder = responder
    self.connections = connections
    self.doors = doors
    self.logger = logger
    self.libraryLogger = libraryLogger
  }

  func run() async throws {
    switch address {
    case .unix(let path):
      let place = try SocketPlace(path)
      defer { place.remove() }
      try await serve(.unixDomainSocket(path: place.workshop)) { _ throws(ControlServerFailure) in
        try place.publish()
        return address
      }
    case .ip(let host, let port):
      try await serve(.hostname(host, port: Int(port))) { channel in
        .ip(host: host, port: UInt16(clamping: channel.localAddress?.port ?? Int(port)))
      }
    }
  }

  /// - Parameter bound: makes what is bound reachable, and says where that is.
  private func serve(
    _ place: BindAddress,
    bound: @escaping @Sendable (any Channel) throws(ControlServerFailure) -> ListenAddress
  ) async throws {
    let failure = Mutex<ControlServerFailure?>(nil)
    let application = Application(
      responder: responder, server: .http1(configuration: http),
      configuration: ApplicationConfiguration(
        address: place, availableConnectionsDelegate: .maximum(ControlLimit.connections, logger: libraryLogger)),
      onServerRunning: { channel in
        do throws(ControlServerFailure) {
          let address = try bound(channel)
          logger.info("control API at \(address)")
          doors.open(address, order: responder.door == .socket ? 0 : 1)
        } catch {
          failure.withLock { $0 = error }
          channel.close(promise: nil)
        }
      },
      logger: libraryLogger)
    do {
      try await application.run()
    } catch {
      if let failure = failure.withLock({ $0 }) { throw failure }
      if let error = error as? IOError {
        throw ControlServerFailure.cannotListen(address, String(cString: strerror(error.errnoCode)))
      }
      throw error
    }
  }

  private var http: HTTP1Channel.Configuration {
    HTTP1Channel.Configuration(
      additionalChannelHandlers: [ConnectionBooking(connections)], idleTimeout: TimeAmount(ControlLimit.idle))
  }
}
