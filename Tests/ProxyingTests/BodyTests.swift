import Foundation
import Pool
import TestSupport
import Testing

/// Answers with the number of body bytes and how they were framed.
private let measure: Origin.Manner = { connection in
  while let (head, body) = try connection.request() {
    let framing = field("content-length", of: head).map { "length \($0)" } ?? field("transfer-encoding", of: head)
    try connection.respond("\(body.count) \(digest(body)) \(framing ?? "none")")
  }
}

@Suite struct BodyTests {
  @Test(arguments: [0, 1, 1000, 20_000, 70_000, 300_000, 1 << 20, 3 << 20])
  func bringsUpBodiesOfEverySize(_ size: Int) async throws {
    try await withProxy(worker: measure) { proxy, origin in
      let body = patternBytes(size)
      try await agent(at: proxy.address) { agent in
        for _ in 0..<2 {
          let response = try agent.ask("POST", "/", body: body)
          #expect(response.text == "\(size) \(digest(body)) length \(size)")
        }
      }
      #expect(origin.accepted == 1)
    }
  }

  @Test(arguments: [(0, "length 0"), (1, "length 1"), (50_000, "length 50000"), (2 << 20, "chunked")])
  func takesTheChunksOutOfWhatItStores(_ size: Int, _ framing: String) async throws {
    try await withProxy(worker: measure) { proxy, _ in
      let body = patternBytes(size)
      try await agent(at: proxy.address) { agent in
        for _ in 0..<2 {
          try agent.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
          for start in stride(from: 0, to: size, by: 7001) {
            let piece = body[start..<min(size, start + 7001)]
            try agent.send(Array("\(String(piece.count, radix: 16));x=y\r\n".utf8) + piece + Array("\r\n".utf8))
          }
          try agent.send("0\r\nX-Trailer: 1\r\n\r\n")
          let response = try agent.response()
          #expect(response.text == "\(size) \(digest(body)) \(framing)")
        }
      }
    }
  }

  /// Sizes so close together that the socket to the worker, which does not read at once, is full right before the last
  /// chunk of some: that has to wait then, and goes once all the same.
  @Test func sendsTheLastChunkOnce() async throws {
    var arrangement = Arrangement()
    arrangement.limits.maxBufferedBody = ByteCount(bytes: 1000)
    let worker: Origin.Manner = { connection in
      while let head = try connection.head() {
        usleep(10_000)
        try connection.respond("\(try connection.body(of: head).count)")
      }
    }
    try await withProxy(arrangement, worker: worker) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        let chunk = "1000\r\n" + String(repeating: "x", count: 0x1000) + "\r\n"
        for chunks in 12..<72 {
          let body = String(repeating: chunk, count: chunks) + "0\r\n\r\n"
          try agent.send("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)")
          let response = try agent.response()
          #expect(response.text == "\(chunks << 12)")
        }
      }
      #expect(origin.accepted == 1)
      let strays = origin.heads.filter { !$0.hasPrefix("POST /a ") }
      #expect(strays == [])
    }
  }

  @Test func aSlowUploadHoldsNoWorker() async throws {
    try await withProxy(worker: measure) { proxy, origin in
      let (begun, finish) = (Gate(), Gate())
      async let slow = agent(at: proxy.address) { agent in
        try agent.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nab")
        begun.open()
        try finish.pass()
        try agent.send([UInt8](repeating: 99, count: 99_998))
        return try agent.response()
      }
      try await onThread { try begun.pass() }
      _ = try await proxy.counters("the slow request") { $0.requestsInFlight == 1 }
      // The only worker is free for others all the time.
      #expect(try await request("GET", "/quick", at: proxy.address).status == 200)
      #expect(origin.heads.count == 1)
      finish.open()
      #expect(try await slow.text.hasPrefix("100000 "))
    }
  }

  @Test(arguments: ["Content-Length: 2000001\r\n", "Transfer-Encoding: chunked\r\n"])
  func refusesBodiesThatAreTooLarge(_ framing: String) async throws {
    var arrangement = Arrangement()
    arrangement.limits.maxBodySize = ByteCount(bytes: 2_000_000)
    arrangement.limits.maxBufferedBody = ByteCount(bytes: 4_000_000)
    try await withProxy(arrangement, worker: measure) { proxy, origin in
      let chunk = "fffff\r\n" + String(repeating: "x", count: 0xfffff) + "\r\n"
      let body = framing.hasPrefix("T") ? chunk + chunk + "0\r\n\r\n" : String(repeating: "x", count: 2_000_001)
      let answer = try await exchange(
        Array("POST / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\(body)".utf8), at: proxy.address, within: .patience)
      #expect(answer.status == 413)
      #expect(answer.text.contains("Connection: close\r\n"))
      #expect(answer.closed)
      #expect(origin.heads.isEmpty)
    }
  }

  @Test func breaksOffAStreamedBodyThatIsTooLarge() async throws {
    var arrangement = Arrangement()
    arrangement.limits.maxBodySize = ByteCount(bytes: 1_000_000)
    arrangement.limits.maxBufferedBody = ByteCount(bytes: 100_000)
    try await withProxy(arrangement, worker: measure) { proxy, origin in
      let chunk = "1000\r\n" + String(repeating: "x", count: 0x1000) + "\r\n"
      let body = String(repeating: chunk, count: 300) + "0\r\n\r\n"
      let answer = try await exchange(
        Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)".utf8), at: proxy.address,
        within: .patience)
      #expect(answer.status == 413)
      #expect(origin.bodies.isEmpty)
      // The worker is free again.
      #expect(try await request("GET", "/", at: proxy.address).status == 200)
    }
  }

  @Test func refusesAnExpectationThatIsTooLargeBeforeTheBodyComes() async throws {
    var arrangement = Arrangement()
    arrangement.limits.maxBodySize = ByteCount(bytes: 1000)
    try await withProxy(arrangement, worker: measure) { proxy, _ in
      let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n"
      let answer = try await exchange(Array(head.utf8), at: proxy.address)
      #expect(answer.status == 413)
    }
  }

  @Test func relaysAnAnswerThatComesBeforeTheBodyWasRead() async throws {
    let worker: Origin.Manner = { connection in
      while let head = try connection.head() {
        if head.hasPrefix("GET") {
          try connection.respond("next")
          continue
        }
        try connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        return
      }
    }
    try await withProxy(worker: worker) { proxy, _ in
      let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n"
      let answer = try await exchange(
        Array(head.utf8) + [UInt8](repeating: 120, count: 3 << 20), at: proxy.address, within: .patience)
      #expect(answer.status == 403)
      #expect(answer.text.hasSuffix("\r\n\r\nno"))
      #expect(answer.text.contains("Connection: close\r\n"))
      #expect(try await request("GET", "/", at: proxy.address).status == 200)
    }
  }

  @Test func stopsReadingTheWorkerWhenTheAgentIsSlow() async throws {
    let total = 64 << 20
    let taken = Monitor(0)
    let worker: Origin.Manner = { connection in
      _ = try connection.request()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
      let piece = [UInt8](repeating: 120, count: 1 << 16)
      var sent = 0
      var idle = 0
      // The proxy has stopped reading once its socket takes nothing for a while.
      while sent < total, idle < 50 {
        let count = connection.offer(piece)
        sent += count
        idle = count == 0 ? idle + 1 : 0
        if count == 0 { usleep(10_000) }
      }
      taken.update { $0 = sent }
      try connection.send([UInt8](repeating: 120, count: total - sent))
    }
    try await withProxy(worker: worker) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/"))
        // Nothing is read until the worker is stuck.
        let stuck = Deadline.patient
        while taken.read({ $0 }) == 0, !stuck.passed { usleep(10_000) }
        let buffered = taken.read { $0 }
        #expect(buffered > 0 && buffered < 16 << 20)
        let response = try agent.response()
        #expect(response.body.count == total)
      }
    }
  }

  @Test func stopsReadingTheAgentWhenTheWorkerIsSlow() async throws {
    let goOn = Gate()
    let worker: Origin.Manner = { connection in
      guard let head = try connection.head() else { return }
      try goOn.pass()
      let body = try connection.body(of: head)
      try connection.respond("\(body.count)")
    }
    try await withProxy(worker: worker) { proxy, origin in
      let total = 48 << 20
      let sent = Monitor(0)
      async let response = agent(at: proxy.address) { agent in
        try agent.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(total)\r\n\r\n")
        for _ in 0..<(total >> 16) {
          try agent.send([UInt8](repeating: 120, count: 1 << 16))
          sent.update { $0 += 1 << 16 }
        }
        return try agent.response()
      }
      try await origin.hasHeads(1)
      try await onThread {
        var (last, idle) = (-1, 0)
        while idle < 30 {
          let now = sent.read { $0 }
          idle = now == last ? idle + 1 : 0
          last = now
          usleep(10_000)
        }
        #expect(last < 32 << 20)
      }
      goOn.open()
      #expect(try await response.text == "\(total)")
    }
  }
}
