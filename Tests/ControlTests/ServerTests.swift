import Foundation
import Pool
import TestSupport
import Testing

@testable import Control

@Suite struct ServerTests {
  @Test func statusIsOneDocument() async throws {
    try await withServer { served async throws in
      #expect(try await served.client.status() == .sample)
      let response = try await request("GET", "/v1/status", at: .unix(served.socket))
      #expect(response.header("content-type") == "application/json")
      #expect(response.header("cache-control") == "no-store")
      #expect(response.text.contains("\"uptime_seconds\":3725.5"))
    }
  }

  @Test func theSocketIsItsOwnersAlone() async throws {
    try await withServer { served async throws in
      let attributes = try FileManager.default.attributesOfItem(atPath: served.socket)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      let folder = (served.socket as NSString).deletingLastPathComponent
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["control.sock"])
    }
  }

  @Test func commandsReachTheSupervisorAndItsReplyTheClient() async throws {
    try await withServer { served async throws in
      let worker = worker(0, 3)
      served.supervisor.state.withLock { $0.reply = .accepted(message: "recycling", workers: [worker]) }
      let commands: [ControlCommand] = [
        .restart(targets: [.pool(worker.pool), .slot(worker.slot)], reason: .deploy), .drain(worker.slot),
        .resume(worker.slot), .scale(worker.pool, size: 3), .release(node: "web7.example"), .reload, .stop,
      ]
      for command in commands {
        let reply = try await served.client.perform(command)
        #expect(reply.message == "recycling")
        #expect(reply.workers == [worker])
      }
      let heard = served.supervisor.state.withLock { $0.commands }
      #expect(heard == commands)
    }
  }

  @Test func aRefusalIs409AndAnError() async throws {
    try await withServer { served async throws in
      served.supervisor.state.withLock { $0.reply = .refused(message: "no pool x") }
      await #expect(throws: ControlFailure.refused("no pool x")) { try await served.client.perform(.stop) }
      let response = try await request(
        "POST", "/v1/commands", body: Array(#"{"command":"stop"}"#.utf8), at: .unix(served.socket))
      #expect(response.status == 409)
      #expect(response.text.contains(#""error":"no pool x""#))
      #expect(
        try JSONDecoder().decode(ControlReply.self, from: Data(response.body)) == .refused(message: "no pool x"))
    }
  }

  @Test(arguments: [
    ("GET", "/nowhere", "", 404, "there is no /nowhere here"),
    ("GET", "/v1/", "", 404, "/metrics"),
    ("GET", "/ui/", "", 404, "/ for the dashboard"),
    ("POST", "/", "", 405, "takes GET"),
    ("DELETE", "/v1/status", "", 405, "takes GET"),
    ("GET", "/v1/commands", "", 405, "takes POST"),
    ("POST", "/v1/commands", "", 400, "not a command"),
    ("POST", "/v1/commands", "{", 400, "not a command"),
    ("POST", "/v1/commands", "[]", 400, "not a command"),
    ("POST", "/v1/commands", #"{"command":"explode"}"#, 400, "is not one of restart"),
    ("POST", "/v1/commands", #"{"command":"drain"}"#, 400, "\\\"slot\\\" is missing"),
    ("POST", "/v1/commands", #"{"command":"drain","slot":"masters"}"#, 400, "is not POOL/SLOT"),
    ("POST", "/v1/commands", #"{"command":"scale","pool":"a","size":1e99}"#, 400, "not a command"),
    ("GET", "/v1/events?limit=-1", "", 400, "limit=-1"),
    ("GET", "/v1/events?limit=10001", "", 400, "0 to 10000"),
    ("GET", "/v1/events?after=x", "", 400, "after=x"),
    ("GET", "/v1/events?colour=1", "", 400, "not colour"),
    ("GET", "/v1/events?since=1", "", 400, "since=1 is not a time"),
    ("GET", "/v1/events?kind=end", "", 400, "kind=end is none of spawn"),
    ("GET", "/v1/events?reason=age", "", 400, "reason=age is none of timer"),
    ("GET", "/v1/history?slot=masters", "", 400, "slot=masters is not POOL/SLOT"),
    ("GET", "/v1/history?pool=a.b", "", 400, "pool=a.b is not a pool's name"),
    ("GET", "/v1/history?kind=exit", "", 400, "not kind"),
    ("GET", "/v1/samples?step_seconds=0", "", 400, "1 to 86400"),
    ("POST", "/v1/samples", "", 405, "takes GET"),
  ])
  func badRequestsGetJSONErrors(method: String, path: String, body: String, status: Int, words: String) async throws {
    try await withServer { served async throws in
      let response = try await request(method, path, body: Array(body.utf8), at: .unix(served.socket))
      #expect(response.status == status)
      #expect(response.text.hasPrefix(#"{"error":""#))
      #expect(response.text.contains(words), "\(response.text)")
      let heard = served.supervisor.state.withLock { $0.commands }
      #expect(heard.isEmpty)
    }
  }

  @Test func aCommandHasALimit() async throws {
    try await withServer { served async throws in
      let body = [UInt8](repeating: UInt8(ascii: " "), count: ControlLimit.bodyBytes + 1)
      let response = try await request("POST", "/v1/commands", body: body, at: .unix(served.socket))
      #expect(response.status == 413)
      #expect(response.text.contains("error"))
    }
  }

  @Test func theNetworkAddressOnlyReads() async throws {
    try await withServer { served async throws in
      #expect(try await request("GET", "/v1/status", at: served.address).status == 200)
      for (method, path) in [("POST", "/v1/commands"), ("GET", "/v1/commands"), ("POST", "/v1/status")] {
        let response = try await request(method, path, body: Array(#"{"command":"stop"}"#.utf8), at: served.address)
        #expect(response.status == 403, "\(method) \(path)")
        #expect(response.text.contains("read-only"))
      }
      let heard = served.supervisor.state.withLock { $0.commands }
      #expect(heard.isEmpty)
    }
  }

  @Test func healthAndReadiness() async throws {
    try await withServer { served async throws in
      #expect(try await request("GET", "/healthz", at: served.address).status == 200)
      #expect(try await request("GET", "/readyz", at: served.address).status == 200)
      served.supervisor.state.withLock { $0.isReady = false }
      #expect(try await request("GET", "/healthz", at: served.address).status == 200)
      #expect(try await request("GET", "/readyz", at: served.address).status == 503)
      let head = try await request("HEAD", "/readyz", at: served.address)
      #expect(head.status == 503)
      #expect(head.header("content-length") == "10")
    }
  }

  @Test func metricsAreServed() async throws {
    try await withServer { served async throws in
      let response = try await request("GET", "/metrics", at: served.address)
      #expect(response.header("content-type") == MetricsFormat.prometheus.contentType)
      #expect(response.text == MetricsText.render(.sample, .sample, isReady: true))
      let open = try await request(
        "GET", "/metrics", headers: [("Accept", "application/openmetrics-text;version=1.0.0")], at: served.address)
      #expect(open.header("content-type") == MetricsFormat.openMetrics.contentType)
      #expect(open.text == MetricsText.render(.sample, .sample, isReady: true, as: .openMetrics))
    }
  }

  @Test func eventsComeInPages() async throws {
    try await withServer { served async throws in
      for _ in 1...7 { served.supervisor.append() }
      let client = served.client
      #expect(try await client.events(limit: 3).map(\.id) == [5, 6, 7])
      #expect(try await client.events(after: 2, limit: 3).map(\.id) == [3, 4, 5])
      #expect(try await client.events(after: 7, limit: 3).isEmpty)
      #expect(try await client.events(limit: 0).isEmpty)
      // The number is an earlier supervisor's.
      #expect(try await client.events(after: 500, limit: 100).map(\.id) == [1, 2, 3, 4, 5, 6, 7])
    }
  }
}

@Suite struct SocketPlaceTests {
  /// Starts a server that is expected to fail; it says so before, too, but of a folder that may yet be made.
  private func failure(
    at socket: String, listen: ListenAddress? = nil, isForetold: Bool = true
  ) async -> ControlServerFailure? {
    let server = ControlServer(socketPath: socket, listen: listen, controlled: FakeSupervisor(), logger: .silent)
    var foretold: ControlServerFailure?
    do throws(ControlServerFailure) { try server.check() } catch { foretold = error }
    do {
      try await server.run()
      return nil
    } catch {
      let failure = error as? ControlServerFailure
      #expect(foretold == (isForetold ? failure : nil))
      return failure
    }
  }

  @Test func aServedSocketIsNotTakenOver() async throws {
    try await withServer { served async throws in
      #expect(await failure(at: served.socket) == .inUse(served.socket))
      #expect(try await served.client.status().pid == 100)
    }
  }

  @Test func aForeignFileIsLeftAlone() async throws {
    try await withTemporaryDirectory { directory async throws in
      let path = "\(directory)/control.sock"
      try "mine".write(toFile: path, mode: 0o600)
      #expect(await failure(at: path) == .notASocket(path))
      #expect(text(ofFile: path) == "mine")
    }
  }

  @Test func aStaleSocketIsReplacedAndOursRemovedAtTheEnd() async throws {
    try await withTemporaryDirectory { directory async throws in
      let path = "\(directory)/control.sock"
      let stale = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      let isBound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
        }
      }
      close(stale)
      #expect(isBound)

      let isServing = Monitor(false)
      let server = ControlServer(
        socketPath: path, listen: nil, controlled: FakeSupervisor(), logger: .silent
      ) { _ in isServing.update { $0 = true } }
      let running = Task { try await server.run() }
      _ = try await isServing.first("the server", before: .patient) { $0 ? true : nil }
      #expect(try await ControlClient(socketPath: path).status() == .sample)
      running.cancel()
      _ = await running.result
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
    }
  }

  @Test func impossiblePlacesSayWhy() async throws {
    try await withTemporaryDirectory { directory async throws in
      let long = directory + "/" + String(repeating: "x", count: 110)
      #expect(await failure(at: long) == .pathTooLong(long))
      let nowhere = await failure(at: "\(directory)/none/control.sock", isForetold: false)
      #expect(nowhere?.description.contains("No such file or directory") == true)
      let foreign = ListenAddress.ip(host: "192.0.2.1", port: 0)
      #expect(
        await failure(at: "\(directory)/c.sock", listen: foreign)
          == .cannotListen(foreign, "Cannot assign requested address"))
    }
  }

  @Test func aTakenPortSaysWhich() async throws {
    try await withServer { served async throws in
      guard case .port(let port) = served.address else { return }
      try await withTemporaryDirectory { directory async throws in
        let taken = ListenAddress.ip(host: "127.0.0.1", port: port)
        #expect(
          await failure(at: "\(directory)/c.sock", listen: taken) == .cannotListen(taken, "Address already in use"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
      }
    }
  }
}
