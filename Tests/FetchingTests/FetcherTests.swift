import Foundation
import TestSupport
import Testing

@testable import Fetching

@Suite struct FetcherTests {
  @Test func anAnswerIsGivenWhole() async throws {
    let answer = "HTTP/1.1 200 Fine\r\nX-A: 1 \r\nx-a:2\r\nEmpty:\r\nContent-Length: 5\r\n\r\nhello"
    try await withServer({ $0.write(answer) }) { endpoint in
      let response = try await Fetcher.perform(FetchRequest(endpoint, path: "/status"))
      #expect(response.status == 200)
      #expect(String(decoding: response.body, as: UTF8.self) == "hello")
      let headers = response.headers.map { "\($0.name)=\($0.value)" }
      #expect(headers == ["X-A=1", "x-a=2", "Empty=", "Content-Length=5"])
      #expect(response.header("x-A") == "1" && response.header("nothing") == nil)
    }
  }

  @Test(arguments: [204, 302, 404, 500, 503])
  func everyStatusIsAnAnswer(_ status: Int) async throws {
    let answer = "HTTP/1.1 \(status) So\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    try await withServer({ $0.write(answer) }) { endpoint in
      let response = try await Fetcher.perform(FetchRequest(endpoint, path: "/"))
      #expect(response.status == status)
    }
  }

  @Test func anInterimAnswerIsNotTheAnswer() async throws {
    let answer = "HTTP/1.1 103 Hints\r\nX-Hint: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Real: 1\r\nContent-Length: 0\r\n\r\n"
    try await withServer({ $0.write(answer) }) { endpoint in
      let response = try await Fetcher.perform(FetchRequest(endpoint, path: "/"))
      #expect(response.status == 200)
      #expect(response.header("x-real") == "1" && response.header("x-hint") == nil)
    }
  }

  @Test func chunksAreJoined() async throws {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    try await withServer({ $0.write(answer) }) { endpoint in
      let response = try await Fetcher.perform(FetchRequest(endpoint, path: "/"))
      #expect(response.body == Array("abcde".utf8))
    }
  }

  /// What the server sees: nothing that was not asked for, and a connection of its own.
  @Test(arguments: [
    ("GET", nil, ["GET /a?b=%20c HTTP/1.1", "Host: localhost", "Accept: */*", "X-One: 1", "Connection: close"], ""),
    (
      "DELETE", nil,
      ["DELETE /a?b=%20c HTTP/1.1", "Host: localhost", "Accept: */*", "X-One: 1", "Connection: close"], ""
    ),
    (
      "POST", "body",
      [
        "POST /a?b=%20c HTTP/1.1", "Host: localhost", "Accept: */*", "X-One: 1", "Connection: close",
        "Content-Length: 4",
      ], "body"
    ),
    (
      "PUT", nil,
      [
        "PUT /a?b=%20c HTTP/1.1", "Host: localhost", "Accept: */*", "X-One: 1", "Connection: close",
        "Content-Length: 0",
      ], ""
    ),
  ])
  func theRequestIsWhatWasAsked(_ method: String, _ body: String?, _ head: [String], _ sent: String) async throws {
    try await withServer({ connection in
      connection.write(
        "HTTP/1.1 200 OK\r\nContent-Length: \(connection.request.utf8.count)\r\n\r\n\(connection.request)")
    }) { endpoint in
      let request = FetchRequest(
        endpoint, method: method, path: "/a?b=%20c", headers: [("X-One", "1")], body: body.map { Array($0.utf8) })
      let text = String(decoding: try await Fetcher.perform(request).body, as: UTF8.self)
      let parts = text.components(separatedBy: "\r\n\r\n")
      #expect(parts.first?.components(separatedBy: "\r\n").sorted() == head.sorted())
      #expect(parts.dropFirst().joined() == sent)
    }
  }

  @Test func aHeadHasNoBody() async throws {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    try await withServer({ $0.write($0.requestLine == "HEAD / HTTP/1.1" ? answer : "") }) { endpoint in
      let response = try await Fetcher.perform(FetchRequest(endpoint, method: "HEAD", path: "/"))
      #expect(response.status == 200 && response.body.isEmpty)
    }
  }

  @Test func aPortIsAskedDirectlyWhateverTheEnvironmentSays() async throws {
    for name in ["http_proxy", "all_proxy", "ALL_PROXY"] { setenv(name, "http://127.0.0.1:1", 1) }
    let port = try freePort()
    let server = try TinyServer(.port(port)) { $0.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }
    defer { server.stop() }
    let response = try await Fetcher.perform(FetchRequest(.network(host: "127.0.0.1", port: port), path: "/"))
    #expect(response.body == Array("ok".utf8))
  }

  @Test func manyAtOnceAreAnsweredEachItsOwn() async throws {
    try await withServer({ connection in
      let path = connection.requestLine.split(separator: " ")[1]
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(path.utf8.count)\r\n\r\n\(path)")
    }) { endpoint in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<200 {
          group.addTask {
            let response = try await Fetcher.perform(FetchRequest(endpoint, path: "/\(number)"))
            return response.body == Array("/\(number)".utf8)
          }
        }
        for try await isRight in group { #expect(isRight) }
      }
    }
  }
}

@Suite struct FetchFailureTests {
  @Test func nobodyThere() async throws {
    try await withTemporaryDirectory { folder in
      await #expect(throws: FetchFailure.cannotConnect("No such file or directory")) {
        try await Fetcher.perform(FetchRequest(.unixSocket("\(folder)/missing"), path: "/"))
      }
      let port = try freePort()
      await #expect(throws: FetchFailure.cannotConnect("Connection refused")) {
        try await Fetcher.perform(FetchRequest(.network(host: "127.0.0.1", port: port), path: "/"))
      }
    }
  }

  @Test func aSlowServerIsTimedOut() async throws {
    try await withServer({ $0.waitForTheClient() }) { endpoint in
      await #expect(throws: FetchFailure.timedOut) {
        try await Fetcher.perform(FetchRequest(endpoint, path: "/", timeout: .milliseconds(50)))
      }
    }
    // The time is for the whole exchange, not for each part of it.
    try await withServer({
      $0.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
      $0.waitForTheClient()
    }) { endpoint in
      await #expect(throws: FetchFailure.timedOut) {
        try await Fetcher.perform(FetchRequest(endpoint, path: "/", timeout: .milliseconds(50)))
      }
    }
  }

  @Test(arguments: [
    "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "not HTTP\r\n\r\n", "SSH-2.0-OpenSSH\r\n",
  ])
  func aBrokenAnswerIsNone(_ answer: String) async throws {
    try await withServer({ $0.write(answer) }) { endpoint in
      let failure = await #expect(throws: FetchFailure.self) {
        try await Fetcher.perform(FetchRequest(endpoint, path: "/"))
      }
      guard case .other(let why) = failure else {
        Issue.record("\(String(describing: failure))")
        return
      }
      #expect(!why.isEmpty)
    }
  }

  @Test(arguments: [(5, true), (4, false), (0, false)])
  func aBodyOverTheLimitIsTooLarge(_ limit: Int, _ fits: Bool) async throws {
    for head in ["Content-Length: 5", "X-Until: the end"] {
      try await withServer({ $0.write("HTTP/1.1 200 OK\r\n\(head)\r\n\r\nhello") }) { endpoint in
        let request = FetchRequest(endpoint, path: "/", maxBodyBytes: limit)
        if fits {
          let response = try await Fetcher.perform(request)
          #expect(response.body.count == 5)
        } else {
          await #expect(throws: FetchFailure.tooLarge) { try await Fetcher.perform(request) }
        }
      }
    }
  }

  @Test func endlessHeadersAreTooLarge() async throws {
    let line = "X-Long: \(String(repeating: "x", count: 1000))\r\n"
    try await withServer({ $0.write("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 200)) }) { endpoint in
      await #expect(throws: FetchFailure.tooLarge) { try await Fetcher.perform(FetchRequest(endpoint, path: "/")) }
    }
  }

  @Test(arguments: [
    FetchRequest(.unixSocket("/run/x"), path: "no-slash"),
    FetchRequest(.unixSocket("/run/x"), path: "/with space"),
    FetchRequest(.unixSocket("/run/x"), path: "/line\r\nX-Evil: 1"),
    FetchRequest(.unixSocket("/run/x"), path: ""),
    FetchRequest(.unixSocket("/run/x"), method: "GET /", path: "/"),
    FetchRequest(.unixSocket("/run/x"), method: "", path: "/"),
    FetchRequest(.unixSocket("/run/x"), path: "/", headers: [("X", "1\r\nX-Evil: 1")]),
    FetchRequest(.unixSocket("/run/x"), path: "/", headers: [("X: Y", "1")]),
    FetchRequest(.unixSocket("relative"), path: "/"),
    FetchRequest(.unixSocket("/" + String(repeating: "x", count: 200)), path: "/"),
    FetchRequest(.network(host: "a/b", port: 80), path: "/"),
    FetchRequest(.network(host: "", port: 80), path: "/"),
    FetchRequest(.network(host: "u@h", port: 80), path: "/"),
  ])
  func whatIsNoRequestIsRefused(_ request: FetchRequest) async {
    await #expect(throws: FetchFailure.self) { try await Fetcher.perform(request) }
  }
}

@Suite struct CancellationTests {
  @Test func aCancelledTaskLetsGoOfItsServer() async throws {
    let (arrived, arrive) = AsyncStream<Void>.makeStream()
    let (left, leave) = AsyncStream<Void>.makeStream()
    try await withServer({
      arrive.yield()
      $0.waitForTheClient()
      leave.yield()
    }) { endpoint in
      let task = Task { try await Fetcher.perform(FetchRequest(endpoint, path: "/", timeout: nil)) }
      for await _ in arrived { break }
      task.cancel()
      await #expect(throws: FetchFailure.cancelled) { try await task.value }
      for await _ in left { break }
    }
  }

  @Test func aTaskThatIsCancelledAlreadyGetsNothing() async throws {
    try await withServer({ $0.waitForTheClient() }) { endpoint in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await Fetcher.perform(FetchRequest(endpoint, path: "/", timeout: nil))
      }
      await #expect(throws: FetchFailure.cancelled) { try await task.value }
    }
  }
}

@Suite struct StreamTests {
  @Test func bytesComeAsTheyAreSent() async throws {
    let (seen, see) = AsyncStream<Void>.makeStream()
    let received = Monitor<[UInt8]>([])
    try await withServer({ connection in
      connection.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
      // The second event is not sent before the first was seen.
      let wait = DispatchSemaphore(value: 0)
      Task {
        for await _ in seen { break }
        wait.signal()
      }
      wait.wait()
      connection.write("data: 2\n\n")
    }) { endpoint in
      let status = try await Fetcher.stream(FetchRequest(endpoint, path: "/", timeout: nil)) { bytes in
        received.update { $0 += bytes }
        see.yield()
        return true
      }
      #expect(status == 200)
      let text = received.read { String(decoding: $0, as: UTF8.self) }
      #expect(text == "data: 1\n\ndata: 2\n\n")
    }
  }

  @Test func theReaderMayEndIt() async throws {
    try await withServer({
      $0.write("HTTP/1.1 503 Busy\r\n\r\nenough")
      $0.waitForTheClient()
    }) { endpoint in
      let status = try await Fetcher.stream(FetchRequest(endpoint, path: "/", timeout: nil)) { _ in false }
      #expect(status == 503)
    }
  }

  @Test func aCancelledStreamEnds() async throws {
    let (seen, see) = AsyncStream<Void>.makeStream()
    try await withServer({
      $0.write("HTTP/1.1 200 OK\r\n\r\nfirst")
      $0.waitForTheClient()
    }) { endpoint in
      let task = Task {
        try await Fetcher.stream(FetchRequest(endpoint, path: "/", timeout: nil)) { _ in
          see.yield()
          return true
        }
      }
      for await _ in seen { break }
      task.cancel()
      await #expect(throws: FetchFailure.cancelled) { try await task.value }
    }
  }
}
