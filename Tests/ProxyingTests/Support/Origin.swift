import Glibc
import Synchronization
import TestSupport

/// A worker's stand-in: a unix socket whose connections a test answers by hand, each on a thread of its own.
final class Origin: Sendable {
  let path: String
  private let listener: CInt
  private let state: Monitor<State>

  struct State: Sendable {
    var listens = true
    var accepted = 0
    /// Connections that are open.
    var descriptors: Set<CInt> = []
    var open: Int { descriptors.count }
    /// Heads of the requests, in the order in which they came.
    var heads: [String] = []
    var bodies: [[UInt8]] = []
  }

  /// What a test does with one connection; it ends when this returns.
  typealias Manner = @Sendable (borrowing OriginConnection) throws -> Void

  init(in folder: String, name: String, _ manner: @escaping Manner) throws {
    path = "\(folder)/\(name)"
    listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard listener >= 0, bindUnix(listener, path), listen(listener, 64) == 0 else { throw SystemFailure("listen") }
    let state = Monitor(State())
    self.state = state
    let listener = listener
    Task.detached {
      try await onThread {
        while true {
          let descriptor = accept(listener, nil, nil)
          guard descriptor >= 0 else {
            // Only here: by another thread its number could be a neighbour's before this one has noticed.
            Glibc.close(listener)
            return
          }
          state.update {
            $0.accepted += 1
            $0.descriptors.insert(descriptor)
          }
          Task.detached {
            try await onThread {
              try manner(OriginConnection(descriptor: descriptor, log: state))
            }
          }
        }
      }
    }
  }

  /// Refuses connections from now on; those that are open stay.
  func close() {
    stopListening()
    unlink(path)
  }

  /// As if killed: refuses connections, and those that are open break.
  func die() {
    close()
    state.update { state in
      for descriptor in state.descriptors { shutdown(descriptor, CInt(SHUT_RDWR)) }
    }
  }

  deinit { stopListening() }

  /// Once: the listener's number is the accepting thread's to give back, and after that another's.
  private func stopListening() {
    state.update { state in
      if state.listens { shutdown(listener, CInt(SHUT_RDWR)) }
      state.listens = false
    }
  }

  var heads: [String] { state.read { $0.heads } }
  var bodies: [[UInt8]] { state.read { $0.bodies } }
  var accepted: Int { state.read { $0.accepted } }
  var open: Int { state.read { $0.open } }

  func first<Value: Sendable>(
    _ waitedFor: String, _ body: @escaping @Sendable (State) -> Value?
  ) async throws -> Value {
    try await state.first(waitedFor, before: .patient, body)
  }

  func hasHeads(_ count: Int) async throws {
    _ = try await first("\(count) requests at the origin") { $0.heads.count >= count ? true : nil }
  }
}

func bindUnix(_ descriptor: CInt, _ path: String) -> Bool { withUnixAddress(path) { bind(descriptor, $0, $1) == 0 } }

func connectUnix(_ descriptor: CInt, _ path: String) -> Bool {
  withUnixAddress(path) { connect(descriptor, $0, $1) == 0 }
}

private func withUnixAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
}

struct OriginFailure: Error { var what: String }

/// One connection from the proxy. Calls block.
struct OriginConnection: ~Copyable {
  let descriptor: CInt
  let log: Monitor<Origin.State>

  init(descriptor: CInt, log: Monitor<Origin.State>) {
    self.descriptor = descriptor
    self.log = log
    var patience = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit {
    // A child that another test is just starting may hold a copy of the descriptor.
    shutdown(descriptor, CInt(SHUT_RDWR))
    log.update { state in
      state.descriptors.remove(descriptor)
      Glibc.close(descriptor)
    }
  }

  /// The next request with its body; nil: the proxy closed the connection.
  func request() throws -> (head: String, body: [UInt8])? {
    guard let head = try head() else { return nil }
    let body = try self.body(of: head)
    log.update { $0.bodies.append(body) }
    return (head, body)
  }

  func head() throws -> String? {
    var bytes: [UInt8] = []
    while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) {
      guard let byte = try take(1) else {
        guard bytes.isEmpty else { throw OriginFailure(what: "half a head") }
        return nil
      }
      bytes += byte
    }
    let head = String(decoding: bytes, as: UTF8.self)
    log.update { $0.heads.append(head) }
    return head
  }

  func body(of head: String) throws -> [UInt8] {
    if let length = field("content-length", of: head).flatMap({ Int($0) }) {
      return try take(length) ?? []
    }
    guard field("transfer-encoding", of: head) != nil else { return [] }
    var body: [UInt8] = []
    while true {
      var line: [UInt8] = []
      while !line.suffix(2).elementsEqual([13, 10]) { line += try take(1) ?? [] }
      let size = Int(String(decoding: line.dropLast(2), as: UTF8.self), radix: 16) ?? 0
      body += try take(size) ?? []
      _ = try take(2)
      if size == 0 { return body }
    }
  }

  /// Nil at the end of the stream.
  func take(_ count: Int) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var have = 0
    while have < count {
      let got = bytes.withUnsafeMutableBytes { room in
        recv(descriptor, room.baseAddress.map { $0 + have }, count - have, 0)
      }
      if got == 0, have == 0 { return nil }
      guard got > 0 else { throw OriginFailure(what: "the proxy went away") }
      have += got
    }
    return bytes
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { room in
        Glibc.send(descriptor, room.baseAddress.map { $0 + sent }, room.count - sent, CInt(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw OriginFailure(what: "the proxy does not take more") }
      sent += count
    }
  }

  func respond(_ body: String = "ok", status: String = "200 OK", headers: [String] = []) throws {
    let fields = (headers + ["Content-Length: \(body.utf8.count)"]).map { $0 + "\r\n" }.joined()
    try send("HTTP/1.1 \(status)\r\n\(fields)\r\n\(body)")
  }

  /// Bytes that the socket takes without blocking.
  func offer(_ bytes: [UInt8]) -> Int {
    max(0, Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)))
  }
}

func field(_ name: String, of head: String) -> String? {
  for line in head.split(separator: "\r\n").dropFirst() {
    let parts = line.split(separator: ":", maxSplits: 1)
    if parts.count == 2, parts[0].lowercased() == name { return parts[1].drop { $0 == " " }.description }
  }
  return nil
}

/// Answers every request with 200 and its target.
let echo: Origin.Manner = { connection in
  while let (head, _) = try connection.request() {
    let words = head.split(separator: " ")
    guard words.count > 2 else { throw OriginFailure(what: "no head: \(head)") }
    try connection.respond(words[1].description)
  }
}
