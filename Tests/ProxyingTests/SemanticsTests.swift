import Glibc
import Pool
import TestSupport
import Testing

/// RFC 9110 and 9112, point by point, where a proxy has something to do.
@Suite struct SemanticsTests {
  // MARK: Requests

  /// RFC 9110 §9.3.7, §7.6.2.
  @Test func answersOptionsAboutTheServerItself() async throws {
    try await withProxy(worker: echo) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        for request in [
          "OPTIONS * HTTP/1.1\r\n", "OPTIONS /a HTTP/1.1\r\nMax-Forwards: 0\r\n",
          "OPTIONS /a HTTP/1.1\r\nMax-Forwards: 00\r\n",
        ] {
          try agent.send("\(request)Host: a\r\n\r\n")
          let response = try agent.response()
          #expect(response.status == 200)
          #expect(response.body.isEmpty && response.header("content-length") == "0")
        }
        try agent.send("OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try agent.response().text == "/a")
      }
      #expect(origin.heads.count == 1)
    }
  }

  /// RFC 9110 §7.6.2.
  @Test(arguments: [("1", "0"), ("10", "09"), ("200", "199"), ("09", "08"), ("-1", "-1"), ("x", "x"), ("", "")])
  func countsHopsOfOptions(_ given: String, _ left: String) async throws {
    try await withProxy(worker: echo) { proxy, origin in
      for method in ["OPTIONS", "GET"] {
        let response = try await request(method, "/a", headers: [("Max-Forwards", given)], at: proxy.address)
        #expect(response.text == "/a")
      }
      let hops = origin.heads.map { field("max-forwards", of: $0) ?? "" }
      #expect(hops == [left, given])
    }
  }

  /// RFC 9110 §7.6.3.
  @Test func saysThatItStandsBetween() async throws {
    try await withProxy(worker: echo) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        try agent.send("GET /1 HTTP/1.1\r\nHost: a\r\nVia: 1.1 other\r\n\r\n")
        _ = try agent.response()
        try agent.send("GET /0 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        _ = try agent.response()
        _ = try agent.ask("GET", "/2")
      }
      let via = origin.heads.map { head in head.split(separator: "\r\n").filter { $0.hasPrefix("Via: ") } }
      #expect(via == [["Via: 1.1 other", "Via: 1.1 masterpool"], ["Via: 1.0 masterpool"], ["Via: 1.1 masterpool"]])
    }
  }

  /// RFC 9112 §3.2.2: the target's host counts, not the field's.
  @Test func takesTheHostOfAWholeURL() async throws {
    try await withProxy(worker: echo) { proxy, origin in
      let answer = try await exchange(
        Array("GET http://puppet:8140/a?b HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n".utf8),
        at: proxy.address)
      #expect(answer.text.hasSuffix("\r\n\r\n/a?b"))
      #expect(field("host", of: origin.heads[0]) == "puppet:8140")
      #expect(origin.heads[0].components(of: "other") == 0)
    }
  }

  /// RFC 9110 §7.6.1 and §7.8, RFC 9112 §7.4: what speaks to the next hop stays here, whatever Connection names too.
  @Test func keepsBackWhatIsForThisHop() async throws {
    let worker: Origin.Manner = { connection in
      while try connection.request() != nil {
        try connection.respond(headers: [
          "Connection: X-Own", "X-Own: secret", "Keep-Alive: timeout=9", "Proxy-Authenticate: x", "Upgrade: h2c",
          "X-Kept: yes",
        ])
      }
    }
    try await withProxy(worker: worker) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        try agent.send(
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Upgrade, HTTP2-Settings, X-Mine, close\r\nTE: trailers, gzip\r\n"
            + "Upgrade: h2c\r\nHTTP2-Settings: AA\r\nX-Mine: secret\r\nKeep-Alive: 1\r\nProxy-Authorization: x\r\n"
            + "Proxy-Connection: keep-alive\r\nX-Kept: yes\r\n\r\n")
        let response = try agent.response()
        #expect(response.status == 200 && response.header("x-kept") == "yes" && response.saysClose)
        for name in ["x-own", "keep-alive", "proxy-authenticate", "upgrade"] { #expect(response.header(name) == nil) }
      }
      let head = origin.heads[0]
      #expect(field("x-kept", of: head) == "yes")
      for name in [
        "connection", "te", "upgrade", "http2-settings", "x-mine", "keep-alive", "proxy-authorization",
        "proxy-connection",
      ] {
        #expect(field(name, of: head) == nil)
      }
    }
  }

  /// What Connection names cannot take away what we say or what frames the message.
  @Test func connectionTakesNothingOfOursAway() async throws {
    try await withProxy(worker: echo) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        try agent.send(
          "POST /a HTTP/1.1\r\nHost: a\r\nConnection: Host, Content-Length, X-Client-Verify, X-Real-IP, Via\r\n"
            + "Content-Length: 3\r\n\r\nabc")
        #expect(try agent.response().text == "/a")
      }
      #expect(origin.bodies == [[97, 98, 99]])
      #expect(field("host", of: origin.heads[0]) == "a")
      #expect(field("x-client-verify", of: origin.heads[0]) == "NONE")
      #expect(field("x-real-ip", of: origin.heads[0]) == "127.0.0.1")
      #expect(field("via", of: origin.heads[0]) == "1.1 masterpool")
    }
  }

  /// RFC 9110 §6.5.1: an agent's trailers are dropped, and it cannot name itself in one.
  @Test(arguments: [1 << 10, 2 << 20]) func dropsAnAgentsTrailers(_ size: Int) async throws {
    try await withProxy(worker: echo) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        let chunk = "\(String(size, radix: 16))\r\n" + String(repeating: "x", count: size) + "\r\n"
        try agent.send("PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
        try agent.send(chunk + "0\r\nX-Sum: 1\r\n\r\n")
        #expect(try agent.response().text == "/a")
        #expect(try agent.ask("GET", "/next").text == "/next")
      }
      #expect(origin.bodies[0].count == size)
      #expect(origin.accepted == 1)
    }
  }

  // MARK: Expect

  /// RFC 9110 §10.1.1: only once it is known that the body is wanted, and not where some of it is here already.
  @Test func invitesABodyOnlyWhenItIsWanted() async throws {
    var arrangement = Arrangement()
    arrangement.routes = [
      Route(path: "/closed", allow: .authenticated, pool: masters), Route(path: "/", allow: .any, pool: masters),
    ]
    try await withProxy(arrangement, worker: echo) { proxy, origin in
      let expecting = "Host: a\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n"
      // A final answer instead: the body never comes, and what follows is no request of this connection.
      let refused = try await exchange(
        Array("PUT /closed HTTP/1.1\r\n\(expecting)GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".utf8), at: proxy.address
      )
      #expect(refused.status == 403 && refused.closed)
      #expect(refused.text.components(of: "HTTP/1.1 ") == 1)
      #expect(refused.text.contains("\r\nConnection: close\r\n"))
      let whole = try await exchange(
        Array("PUT /whole HTTP/1.1\r\nConnection: close\r\n\(expecting)body".utf8), at: proxy.address)
      #expect(whole.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
      // HTTP/1.0 knows no interim answers.
      let old = try await exchange(Array("PUT /old HTTP/1.0\r\n\(expecting)body".utf8), at: proxy.address)
      #expect(old.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(origin.bodies == [Array("body".utf8), Array("body".utf8)])
    }
  }

  // MARK: Answers

  /// RFC 9110 §6.6.1.
  @Test func saysWhenAWorkerAnsweredWhereItDoesNot() async throws {
    let worker: Origin.Manner = { connection in
      while let (head, _) = try connection.request() {
        try connection.respond(headers: head.contains("/own") ? ["Date: Thu, 01 Jan 1970 00:00:00 GMT"] : [])
      }
    }
    try await withProxy(worker: worker) { proxy, _ in
      let own = try await request("GET", "/own", at: proxy.address)
      let dates = own.headers.filter { $0.name.lowercased() == "date" }.map(\.value)
      #expect(dates == ["Thu, 01 Jan 1970 00:00:00 GMT"])
      let ours = try await request("GET", "/", at: proxy.address)
      let added = ours.headers.filter { $0.name == "Date" }.count
      #expect(added == 1)
    }
  }

  /// RFC 9112 §6.1, §6.3: what a worker frames in two ways goes to nobody.
  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
  ])
  func passesNothingAmbiguousOn(_ answer: String) async throws {
    let worker: Origin.Manner = { connection in
      while let (head, _) = try connection.request() {
        if head.contains("/fine") { try connection.respond("fine") } else { try connection.send(answer) }
      }
    }
    try await withProxy(worker: worker) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        let refused = try agent.ask("POST", "/x")
        let next = try agent.ask("GET", "/fine")
        #expect(refused.status == 502 && next.text == "fine")
      }
      #expect(origin.accepted == 2)
    }
  }

  /// RFC 9112 §9.3: a worker of HTTP/1.0 closes after each answer, unless it says that it does not.
  @Test(arguments: [("", 3), ("Connection: keep-alive\r\n", 1)])
  func speaksToWorkersOfHTTP10(_ field: String, _ connections: Int) async throws {
    let worker: Origin.Manner = { connection in
      while try connection.request() != nil {
        try connection.send("HTTP/1.0 200 OK\r\n\(field)Content-Length: 2\r\n\r\nok")
        if field.isEmpty { return }
      }
    }
    try await withProxy(worker: worker) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        for _ in 0..<3 {
          let response = try agent.ask("GET", "/")
          #expect(response.text == "ok" && !response.saysClose)
        }
      }
      #expect(origin.accepted == connections)
    }
  }

  // MARK: Early answers, and agents that end their side

  @Test(arguments: [false, true])
  func anEarlyAnswerReachesAnAgentThatSendsOn(_ overTLS: Bool) async throws {
    let worker: Origin.Manner = { connection in
      while let head = try connection.head() {
        if head.hasPrefix("GET") {
          try connection.respond("next")
          continue
        }
        return try connection.respond("no", status: "403 Forbidden", headers: ["Connection: close"])
      }
    }
    let play: (RunningProxy, TLSClient?) async throws -> Void = { proxy, client in
      let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16000000\r\n\r\n"
      let answer = try await exchange(
        Array(head.utf8) + [UInt8](repeating: 120, count: 16_000_000), at: proxy.address, tls: client)
      #expect(answer.status == 403 && answer.text.hasSuffix("\r\n\r\nno"))
      #expect(answer.text.contains("\r\nConnection: close\r\n") && answer.failure == nil)
      #expect(try await request("GET", "/", at: proxy.address, tls: client).text == "next")
    }
    if overTLS {
      try await withTLSProxy(Arrangement(), worker: worker) { proxy, _, client in try await play(proxy, client) }
    } else {
      try await withProxy(worker: worker) { proxy, _ in try await play(proxy, nil) }
    }
  }

  @Test func anAgentThatEndedItsSideGetsItsAnswerHoweverLate() async throws {
    let goOn = Gate()
    let worker: Origin.Manner = { connection in
      guard let (_, body) = try connection.request() else { return }
      try goOn.pass()
      try connection.respond("\(body.count)")
    }
    try await withProxy(worker: worker) { proxy, origin in
      async let response = agent(at: proxy.address) { agent in
        try agent.send(requestBytes("POST", "/", body: patternBytes(3 << 20)))
        agent.wire.finishSending()
        return try agent.response()
      }
      try await origin.hasHeads(1)
      goOn.open()
      #expect(try await response.text == "\(3 << 20)")
    }
  }
}
