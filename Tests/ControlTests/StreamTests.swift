import Foundation
import Pool
import Synchronization
import TestSupport
import Testing

@testable import Control

private struct Enough: Error {}

/// What a follower has got, to wait for.
private func follow(
  _ client: ControlClient, after id: Int? = nil, limit: Int = 100, until count: Int,
  onEach: (Event) -> Void = { _ in }
) async throws -> [Int] {
  var ids: [Int] = []
  do {
    try await client.follow(after: id, limit: limit) { event in
      ids.append(event.id)
      onEach(event)
      if ids.count == count { throw Enough() }
    }
  } catch is Enough {}
  return ids
}

@Suite struct StreamTests {
  @Test func aFollowerGetsThePastThenThePresent() async throws {
    try await withServer { served async throws in
      for _ in 1...5 { served.supervisor.append() }
      let ids = try await follow(served.client, limit: 2, until: 6) { event in
        // From here on it follows.
        if event.id == 5 { for _ in 1...4 { served.supervisor.append() } }
      }
      #expect(ids == [4, 5, 6, 7, 8, 9])
    }
  }

  @Test func whatWasMissedIsReadAgainFromTheLedger() async throws {
    try await withServer { served async throws in
      served.supervisor.append()
      let ids = try await follow(served.client, until: 50) { event in
        guard event.id == 1 else { return }
        // Only the last one is told: 48 of them must come from the ledger.
        for _ in 1...48 { served.supervisor.append(isTold: false) }
        served.supervisor.append()
      }
      #expect(ids == Array(1...50))
    }
  }

  @Test func resumingGoesOnWhereItLeftOff() async throws {
    try await withServer { served async throws in
      for _ in 1...600 { served.supervisor.append() }
      #expect(try await follow(served.client, after: 10, until: 590) == Array(11...600))
      let head = requestBytes(
        "GET", "/v1/events", headers: [("Accept", "text/event-stream"), ("Last-Event-ID", "598")])
      let text = try await read(served.socket, head, until: "id: 600\n")
      #expect(!text.contains("id: 598\n"))
      #expect(text.contains("id: 599\nevent: supervisor\ndata: {"))
      #expect(text.contains("text/event-stream"))
    }
  }

  @Test func aFollowerFromAnEarlierSupervisorStartsOver() async throws {
    try await withServer { served async throws in
      for _ in 1...3 { served.supervisor.append() }
      #expect(try await follow(served.client, after: 9000, until: 3) == [1, 2, 3])
    }
  }

  @Test func anIdleStreamShowsThatItIsAlive() async throws {
    try await withServer(pace: FollowerPace(heartbeat: .milliseconds(20))) { served async throws in
      let head = requestBytes("GET", "/v1/events", headers: [("Accept", "text/event-stream")])
      _ = try await read(served.socket, head, until: ":\n\n\r\n3\r\n:\n\n\r\n3\r\n:\n\n")
    }
  }

  @Test func oneThatDoesNotReadIsDropped() async throws {
    try await withServer(pace: FollowerPace(heartbeat: .milliseconds(50), patience: .milliseconds(100))) {
      served async throws in
      let wire = try Wire(to: .unix(served.socket), before: .patient)
      try wire.send(
        requestBytes("GET", "/v1/events", headers: [("Accept", "text/event-stream")]), before: .patient)
      let followers = served.supervisor.followers
      _ = try await followers.first("the follower", before: .patient) { $0.ever == 1 ? true : nil }
      // More than the sockets hold.
      let long = String(repeating: "x", count: 100_000)
      for _ in 1...40 { served.supervisor.append(long) }
      _ = try await followers.first("the follower's end", before: .patient) { $0.now == 0 ? true : nil }
      _ = consume wire
    }
  }

  /// As a person does who presses Ctrl-C; the next event or heartbeat finds out.
  @Test func oneThatLeavesIsForgotten() async throws {
    try await withServer(pace: FollowerPace(heartbeat: .milliseconds(20))) { served async throws in
      var wire: Wire? = try Wire(to: .unix(served.socket), before: .patient)
      try wire?.send(
        requestBytes("GET", "/v1/events", headers: [("Accept", "text/event-stream")]), before: .patient)
      let followers = served.supervisor.followers
      _ = try await followers.first("the follower", before: .patient) { $0.ever == 1 ? true : nil }
      wire = nil
      _ = try await followers.first("the follower's end", before: .patient) { $0.now == 0 ? true : nil }
    }
  }

  @Test func aShutdownWaitsForNoStream() async throws {
    let longPatience = FollowerPace(heartbeat: .seconds(3600), patience: .seconds(3600))
    try await withServer(pace: longPatience) { served async throws in
      served.supervisor.append()
      // One that reads, one that does not, and one that never ends its request.
      let stalled = try Wire(to: .unix(served.socket), before: .patient)
      let half = try Wire(to: .unix(served.socket), before: .patient)
      try half.send(
        Array("POST /v1/commands HTTP/1.1\r\nContent-Length: 10\r\n\r\n".utf8), before: .patient)
      try stalled.send(
        requestBytes("GET", "/v1/events", headers: [("Accept", "text/event-stream")]), before: .patient)
      let followers = served.supervisor.followers
      _ = try await followers.first("the stalled one", before: .patient) { $0.ever == 1 ? true : nil }
      let long = String(repeating: "x", count: 100_000)
      for _ in 1...40 { served.supervisor.append(long) }
      let seen = Monitor(0)
      let reading = Task {
        try await served.client.follow(limit: 1) { event in seen.update { $0 = event.id } }
      }
      _ = try await seen.first("the reader's event", before: .patient) { $0 == 41 ? true : nil }
      await served.group.triggerGracefulShutdown()
      // Ends on its own, without an error.
      try await reading.value
      _ = try await followers.first("all streams' ends", before: .patient) { $0.now == 0 ? true : nil }
      _ = consume stalled
      _ = consume half
    }
  }

  /// What the server sends until the text is among it.
  private func read(_ socket: String, _ head: [UInt8], until end: String) async throws -> String {
    try await onThread {
      let deadline = Deadline.patient
      let wire = try Wire(to: .unix(socket), before: deadline)
      try wire.send(head, before: deadline)
      var bytes: [UInt8] = []
      while !String(decoding: bytes, as: UTF8.self).contains(end) {
        guard try wire.receive(into: &bytes, before: deadline) else { throw TimedOut("\(end) before the end") }
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}

@Suite struct ClientTests {
  @Test func nobodyThereIs69() async throws {
    try await withTemporaryDirectory { directory async throws in
      let client = ControlClient(socketPath: "\(directory)/control.sock")
      let asked = await #expect(throws: ControlFailure.self) { try await client.status() }
      let followed = await #expect(throws: ControlFailure.self) { try await client.follow(limit: 1) { _ in } }
      for failure in [asked, followed] {
        #expect(failure?.exitStatus == 69)
        #expect(failure?.description.contains(client.socketPath) == true)
      }
    }
  }

  @Test func aStreamIsTakenApartWhereverItIsCut() throws {
    let events = (1...3).map { Event(id: $0, at: "now", kind: .ready, message: "é \($0)") }
    let bytes = Array((":\n\n" + events.map(ServerSentEvent.text).joined(separator: ":\n\n")).utf8)
    for size in [1, 2, 7, bytes.count] {
      var reader = StreamReader()
      var read: [Event] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        let taken = reader.take(Array(bytes[start..<min(start + size, bytes.count)]))
        read += try #require(taken)
      }
      #expect(read == events)
    }
  }

  @Test func whatIsNotOurStreamIsGivenUp() {
    var endless = StreamReader()
    #expect(endless.take([UInt8](repeating: 65, count: StreamReader.maxLineBytes + 1)) == nil)
    var foreign = StreamReader()
    #expect(foreign.take(Array("data: hello\n".utf8)) == nil)
  }
}
