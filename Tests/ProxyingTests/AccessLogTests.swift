import Foundation
import Pool
import TestSupport
import Testing

/// What a line says of a request that went well.
@Suite struct AccessLogTests {
  @Test func tellsAllOfARequest() async throws {
    let request = Array("GET /a/b?c=%20d HTTP/1.1\r\nHost: x\r\nUser-Agent: Puppet/8\r\n\r\n".utf8)
    var answer = 0
    var told: String?
    let lines = try await logLines { proxy, origins in
      answer = try await agent(at: proxy.address) { agent in
        try agent.send(request)
        let text = try agent.text(40)
        return text.utf8.count
      }
      told = field("x-request-id", of: origins[0].heads[0])
    }
    let line = try #require(lines.first)
    #expect(lines.count == 1)
    #expect(line.method == "GET")
    #expect(line.path == "/a/b?c=%20d")
    #expect(line.http == "1.1")
    #expect(line.status == 200)
    #expect(line.bytesReceived == request.count)
    #expect(line.bytesSent == answer)
    #expect(line.address == "127.0.0.1")
    #expect(line.certname == nil)
    #expect(line.userAgent == "Puppet/8")
    #expect(line.route == "/")
    #expect(line.pool == "masters")
    #expect(line.slot == 0)
    #expect(line.generation == 1)
    #expect(line.retries == 0)
    #expect(line.tls == nil)
    #expect(line.ended == nil)
    #expect(line.cause == nil)
    #expect(line.id?.count == 32)
    #expect(line.id == told)
    let time = try #require(line.time.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#)).output
    let date = try Date(String(time), strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true))
    #expect(abs(date.timeIntervalSinceNow) < 60)
    let total = try #require(line.totalMs)
    for part in [line.firstByteMs, line.queueMs, line.workerMs] {
      let time = try #require(part)
      #expect(time <= total)
    }
  }

  @Test func tellsPipelinedRequestsApart() async throws {
    let requests = (1...3).map { requestBytes("POST", "/\($0)", body: patternBytes(100 * $0)) }
    var told: [String?] = []
    let lines = try await logLines { proxy, origins in
      try await agent(at: proxy.address) { agent in
        try agent.send(Array(requests.joined()))
        for number in 1...3 {
          let response = try agent.response()
          #expect(response.text == "/\(number)")
        }
      }
      told = origins[0].heads.map { field("x-request-id", of: $0) }
    }
    #expect(lines.map(\.path) == ["/1", "/2", "/3"])
    #expect(lines.map(\.bytesReceived) == requests.map(\.count))
    #expect(lines.map(\.id) == told)
    #expect(Set(told).count == 3)
  }

  @Test func keepsTheAgentsNameForARequest() async throws {
    var told: [String?] = []
    let lines = try await logLines { proxy, origins in
      for id in ["run-7:catalog", "not fit"] {
        _ = try await request("GET", "/", headers: [("X-Request-Id", id)], at: proxy.address)
      }
      told = origins[0].heads.map { field("x-request-id", of: $0) }
    }
    #expect(lines.map(\.id) == told)
    #expect(told.first == "run-7:catalog")
    #expect(told.last??.count == 32)
  }

  @Test func countsWhatALargeRequestAndAnswerTook() async throws {
    let body = patternBytes(3 << 20)
    let answer = String(repeating: "x", count: 5 << 20)
    let worker: Origin.Manner = { connection in
      _ = try connection.request()
      try connection.respond(answer)
    }
    let sent = requestBytes("PUT", "/large", body: body).count
    let lines = try await logLines(workers: [worker]) { proxy, _ in
      _ = try await request("PUT", "/large", body: body, at: proxy.address)
    }
    #expect(lines.map(\.bytesReceived) == [sent])
    let added = lines.map { ($0.bytesSent ?? 0) - answer.utf8.count }
    #expect(added.count == 1 && (1..<200).contains(added[0]))
  }

  @Test func writesTheCombinedFormat() async throws {
    let text = try await accessLog(format: .combined) { proxy, _, _ in
      _ = try await request(
        "GET", "/a?b", headers: [("User-Agent", "one \"two\""), ("Referer", "r")], at: proxy.address)
      _ = try await exchange(Array("NONSENSE\r\n\r\n".utf8), at: proxy.address)
    }
    let lines = text.split(separator: "\n")
    let time = #/\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]/#
    #expect(lines.count == 2)
    #expect(
      lines.map { $0.replacing(time, with: "[T]") } == [
        #"127.0.0.1 - - [T] "GET /a?b HTTP/1.1" 200 4 "r" "one \x22two\x22""#,
        #"127.0.0.1 - - [T] "NONSENSE" 400 54 "-" "-""#,
      ])
  }

  @Test func cutsWhatIsTooLong() async throws {
    let path = "/" + String(repeating: "p", count: 3000)
    let lines = try await logLines(maxField: ByteCount(bytes: 256)) { proxy, _ in
      _ = try await request(
        "GET", path, headers: [("User-Agent", String(repeating: "\u{fc}", count: 200))], at: proxy.address)
      _ = try await exchange(Array("\(path) /\r\n\r\n".utf8), at: proxy.address)
    }
    #expect(lines.first?.path == path.prefix(256) + "...")
    #expect(lines.first?.userAgent == String(repeating: "\u{fc}", count: 128) + "...")
    #expect(lines.last?.requestLine == path.prefix(256) + "...")
  }

  @Test func tellsWhoSpokeHowOverTLS() async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: ["agent1.example"])
      var arrangement = Arrangement()
      arrangement.listeners = [
        ListenerConfiguration(
          address: .ip(host: "127.0.0.1", port: 0),
          tls: TLSConfiguration(
            certificate: certificates.serverCertificate, privateKey: certificates.serverKey,
            clientCA: certificates.ca, clientCRL: certificates.crl, verifyClient: .required))
      ]
      let lines = try await logLines(arrangement) { proxy, _ in
        let client = try certificates.client("agent1.example")
        _ = try await request("GET", "/", at: proxy.address, tls: client)
        let stranger = try certificates.stranger("agent1.example")
        _ = try? await exchange(requestBytes("GET", "/"), at: proxy.address, tls: stranger)
      }
      let (good, bad) = (lines.first { $0.kind == nil }, lines.first { $0.kind != nil })
      #expect(lines.count == 2)
      #expect(good?.certname == "agent1.example")
      #expect(good?.tls == "TLSv1.3")
      #expect(good?.cipher?.hasPrefix("TLS_") == true)
      #expect(good?.resumed == false)
      #expect(good?.status == 200)
      #expect(bad?.kind == "handshake")
      #expect(bad?.address == "127.0.0.1")
      #expect(bad?.ended == "failed")
      #expect(bad?.cause?.isEmpty == false)
      #expect(bad?.id == nil)
    }
  }

  @Test func tellsWhatCameFromDisk() async throws {
    try await withTemporaryDirectory { folder in
      let path = "\(folder)/access.log"
      var arrangement = Arrangement()
      arrangement.accessLog = AccessLogConfiguration(destination: .file(path: path))
      try await withFiles(arrangement) { site in
        try site.put("f", fileBytes(3_000_000))
        let response = try await request("GET", "/files/f", at: site.proxy.address)
        #expect(response.body.count == 3_000_000)
      }
      let lines = try LogLine.all(in: text(ofFile: path) ?? "")
      #expect(lines.count == 1)
      #expect(lines.first?.disk == true)
      #expect(lines.first?.ended == nil)
      #expect(lines.first?.slot == nil)
      let sent = lines.first?.bytesSent ?? 0
      #expect((3_000_000..<3_001_000).contains(sent))
    }
  }

  @Test func makesNoNameWhereNoLogIsWritten() async throws {
    try await withProxy(worker: echo) { proxy, origin in
      _ = try await request("GET", "/", at: proxy.address)
      _ = try await request("GET", "/", headers: [("X-Request-ID", "7")], at: proxy.address)
      _ = try await request("GET", "/", headers: [("X-Request-ID", "7 8")], at: proxy.address)
      let told = origin.heads.map { field("x-request-id", of: $0) }
      #expect(told == [nil, "7", nil])
    }
  }
}
