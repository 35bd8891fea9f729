import NIOCore
import Synchronization

/// The open connections, so that a shutdown need not wait for what their peers do.
final class Connections: Sendable {
  private struct State {
    var open: [ObjectIdentifier: any Channel] = [:]
    var isClosed = false
  }

  private let state = Mutex(State())

  func add(_ channel: any Channel) {
    let isClosed = state.withLock { state in
      state.open[ObjectIdentifier(channel)] = channel
      return state.isClosed
    }
    if isClosed { channel.close(promise: nil) }
  }

  func remove(_ channel: any Channel) {
    state.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  /// Those that are open, and any that comes later.
  func closeAll() {
    let open = state.withLock { state in
      state.isClosed = true
      return Array(state.open.values)
    }
    for channel in open { channel.close(promise: nil) }
  }
}

/// Books one connection.
final class ConnectionBooking: ChannelInboundHandler, RemovableChannelHandler {
  // Nothing of what passes is looked at.
  typealias InboundIn = Any

  private let connections: Connections

  init(_ connections: Connections) { self.connections = connections }

  func handlerAdded(context: ChannelHandlerContext) { connections.add(context.channel) }

  func handlerRemoved(context: ChannelHandlerContext) { connections.remove(context.channel) }
}
