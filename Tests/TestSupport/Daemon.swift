import Foundation

extension Child {
  /// Waits until it accepts connections: servers of all makes do when they are ready, and say so in as many ways.
  public func accepts(at address: Address) async throws {
    try await onThread {
      let deadline = Deadline.patient
      while (try? Wire(to: address, before: deadline)) == nil {
        if let ended = self.ended { throw HarnessFailure("process \(self.pid): \(ended): \(self.standardError)") }
        guard !deadline.passed else { throw TimedOut("process \(self.pid) to accept at \(address)") }
        usleep(20_000)
      }
    }
  }
}

/// A server that stays in the foreground, for the time of `body`, once it accepts connections; ended by its pid.
public func withDaemon<Value>(
  _ program: String, _ arguments: [String], at address: Address, _ body: (Child) async throws -> Value
) async throws -> Value {
  let child = try Child(program, arguments)
  do {
    try await child.accepts(at: address)
    let value = try await body(child)
    child.send(SIGTERM)
    _ = try await child.end()
    return value
  } catch {
    child.send(SIGKILL)
    throw error
  }
}

/// Debian's HAProxy ends TLS at two ports in front of `target`, with these certificates and their keys.
public func withTLSFront<Value>(
  _ certificates: Certificates, _ first: String, _ second: String, before target: UInt16,
  _ body: (UInt16, UInt16) async throws -> Value
) async throws -> Value {
  let (one, other) = (try freePort(), try freePort())
  let file = "\(certificates.folder)/haproxy.cfg"
  try """
  defaults
    mode http
    option httpclose
    timeout connect 5s
    timeout client 20s
    timeout server 20s
  listen front
    bind 127.0.0.1:\(one) ssl crt \(try certificates.bundle(first))
    bind 127.0.0.1:\(other) ssl crt \(try certificates.bundle(second))
    server target 127.0.0.1:\(target)

  """.write(toFile: file)
  return try await withDaemon("/usr/sbin/haproxy", ["-db", "-f", file], at: .port(one)) { _ in
    try await body(one, other)
  }
}
