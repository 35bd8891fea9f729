import CLinux
import Foundation
import Glibc
import Pool
import Proxying
import Synchronization
import TestSupport

/// A proxy on a thread of this process, its supervisor played by the test.
final class RunningProxy: Sendable {
  let addresses: [Address]
  let reports = Monitor<[ProxyReport]>([])
  let exit = Monitor<Int32?>(nil)
  private let current: Mutex<LinkEnd>
  private var link: LinkEnd { current.withLock { $0 } }

  var address: Address { addresses[0] }

  /// `output` is what it takes for its standard output; `door` the path of a socket for another supervisor.
  init(
    _ configuration: ProxyConfiguration, folder: String, output: CInt = STDOUT_FILENO, door: String? = nil
  ) throws {
    var pair: [CInt] = [0, 0]
    let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &pair) == 0 else { throw SystemFailure("socketpair") }
    let link = LinkEnd(descriptor: pair[0])
    current = Mutex(link)
    let entrance = try door.map(Self.makeDoor) ?? -1
    let (descriptors, addresses) = try Self.listen(configuration.listeners)
    self.addresses = addresses
    let (theirs, exit, reports) = (pair[1], exit, reports)
    Thread.detachNewThread {
      let status = Proxy.run(
        link: theirs, listeners: descriptors, output: output, door: entrance, leavesSignals: true)
      exit.update { $0 = status }
    }
    Thread.detachNewThread { Self.read(link, into: reports) }
    send(.configure(configuration))
  }

  deinit { link.hangUp() }

  private static func listen(_ listeners: [ListenerConfiguration]) throws -> ([CInt], [Address]) {
    var descriptors: [CInt] = []
    var addresses: [Address] = []
    for listener in listeners {
      switch listener.address {
      case .ip:
        let (descriptor, port) = try listenOnLoopback()
        descriptors.append(descriptor)
        addresses.append(.port(port))
      case .unix(let path):
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard bindUnix(descriptor, path), Glibc.listen(descriptor, 128) == 0 else { throw SystemFailure("listen") }
        descriptors.append(descriptor)
        addresses.append(.unix(path))
      }
    }
    return (descriptors, addresses)
  }

  private static func read(_ link: LinkEnd, into reports: Monitor<[ProxyReport]>) {
    var bytes: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(link.descriptor, &room, room.count, 0)
      guard count > 0 else { return }
      bytes += room[..<count]
      while let end = bytes.firstIndex(of: 10) {
        if let report = try? JSONDecoder().decode(ProxyReport.self, from: Data(bytes[..<end])) {
          reports.update { $0.append(report) }
        }
        bytes.removeSubrange(...end)
      }
    }
  }

  func send(_ command: ProxyCommand) {
    guard var line = try? JSONEncoder().encode(command) else { return }
    line.append(10)
    _ = line.withUnsafeBytes { Glibc.send(link.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
  }

  private static func makeDoor(_ path: String) throws -> CInt {
    let door = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard bindUnix(door, path), Glibc.listen(door, 8) == 0 else { throw SystemFailure("listen") }
    return door
  }

  /// Another supervisor takes the place of this one. Returns how many listeners came with the greeting.
  func come(in door: String) throws -> Int {
    let socket = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard connectUnix(socket, door) else { throw SystemFailure("connect") }
    var byte: UInt8 = 0
    var descriptors = [CInt](repeating: -1, count: Int(CLINUX_MAX_PASSED))
    var found = 0
    guard clinux_receive_descriptors(socket, &byte, 1, &descriptors, &found) == 1 else {
      throw SystemFailure("recvmsg")
    }
    for descriptor in descriptors.prefix(found) { close(descriptor) }
    var none = 0
    while byte != 10, clinux_receive_descriptors(socket, &byte, 1, &descriptors, &none) == 1 {}
    let link = LinkEnd(descriptor: socket)
    current.withLock { $0 = link }
    Thread.detachNewThread { [reports] in Self.read(link, into: reports) }
    return found
  }

  /// The supervisor dies.
  func hangUp() { link.hangUp() }

  func report<Value: Sendable>(
    _ waitedFor: String, _ found: @escaping @Sendable (ProxyReport) -> Value?
  ) async throws -> Value {
    try await reports.first(waitedFor, before: .patient) { $0.lazy.compactMap(found).first }
  }

  func reported(_ report: ProxyReport) async throws {
    try await self.report("\(report)") { $0 == report ? () : nil }
  }

  /// Counters that satisfy the test; they come once a second.
  func counters(
    _ waitedFor: String, _ accepted: @escaping @Sendable (ProxyCounters) -> Bool
  ) async throws -> ProxyCounters {
    try await reports.first(waitedFor, before: .patient) { reports in
      for case .counters(let counters) in reports.reversed() { return accepted(counters) ? counters : nil }
      return nil
    }
  }

  func ended() async throws -> Int32 {
    try await exit.first("the proxy's end", before: .patient) { $0 }
  }
}

/// Closed when nobody reads from it any more either: its number would be the next proxy's, whose reports a late reader
/// would take.
private final class LinkEnd: Sendable {
  let descriptor: CInt

  init(descriptor: CInt) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  func hangUp() { shutdown(descriptor, CInt(SHUT_RDWR)) }
}

func listenOnLoopback(backlog: CInt = 1024) throws -> (CInt, UInt16) {
  let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let result = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, length) == 0 && listen(descriptor, backlog) == 0
        && getsockname(descriptor, $0, &length) == 0
    }
  }
  guard result else { throw SystemFailure("listen") }
  return (descriptor, UInt16(bigEndian: address.sin_port))
}

let masters = PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }()

func worker(_ slot: Int, _ generation: Int = 1) -> WorkerID {
  WorkerID(slot: SlotID(pool: masters, index: slot), generation: Generation(rawValue: generation))
}

/// What a test wants different from the usual.
struct Arrangement: Sendable {
  var threads = 1
  var concurrency = 1
  var queue = QueuePolicy(limit: 100, timeout: .seconds(20))
  var requestTimeout = Duration.seconds(20)
  var stuck = StuckPolicy()
  var limits = ProxyLimits(threads: 1)
  var listeners = [ListenerConfiguration(address: .ip(host: "127.0.0.1", port: 0))]
  var routes = [Route(path: "/", allow: .any, pool: masters)]
  var files = FilePlan()
  var accessLog: AccessLogConfiguration?
  /// What the proxy takes for its standard output.
  var output: CInt = STDOUT_FILENO

  var configuration: ProxyConfiguration {
    var limits = limits
    limits.threads = threads
    return ProxyConfiguration(
      listeners: listeners, limits: limits,
      pools: [
        ProxiedPool(
          name: masters, concurrency: concurrency, queue: queue, requestTimeout: requestTimeout, stuck: stuck)
      ],
      routes: routes, files: files, accessLog: accessLog)
  }
}

/// A proxy with one origin for each manner, all admitted; stopped afterwards.
func withProxy(
  _ arrangement: Arrangement = Arrangement(), workers: [Origin.Manner],
  _ body: (RunningProxy, [Origin]) async throws -> Void
) async throws {
  try await withTemporaryDirectory { folder in
    let origins = try workers.enumerated().map { try Origin(in: folder, name: "worker\($0).sock", $1) }
    let proxy = try RunningProxy(arrangement.configuration, folder: folder, output: arrangement.output)
    try await proxy.reported(.serving)
    for (slot, origin) in origins.enumerated() { proxy.send(.admit(worker(slot), .unix(path: origin.path))) }
    do {
      try await body(proxy, origins)
    } catch {
      proxy.send(.stop(within: .zero))
      throw error
    }
    proxy.send(.stop(within: .zero))
    _ = try await proxy.ended()
  }
}

/// With one worker.
func withProxy(
  _ arrangement: Arrangement = Arrangement(), worker manner: @escaping Origin.Manner,
  _ body: (RunningProxy, Origin) async throws -> Void
) async throws {
  try await withProxy(arrangement, workers: [manner]) { try await body($0, $1[0]) }
}
