import Glibc
import Pool
import TestSupport
import Testing

@Suite struct DownloadTests {
  /// Around the sizes at which a file fits beside its head, at which its end is read, and beyond all buffers.
  private static let sizes = [0, 1, 1000, 16_384, 65_000, 65_536, 82_000, 1 << 20, 20_000_001]

  @Test(arguments: FileSite.Door.allCases)
  func servesWholeFiles(_ door: FileSite.Door) async throws {
    try await withFiles(behind: door) { site in
      try await site.visit { agent in
        for size in Self.sizes {
          let bytes = fileBytes(size)
          try site.put("f", bytes)
          let response = try agent.ask("GET", "/files/f")
          #expect(response.status == 200)
          #expect(response.header("content-type") == "application/octet-stream")
          #expect(response.header("content-length") == "\(size)")
          let same = response.body == bytes
          #expect(same, "\(size) bytes")
          let head = try agent.ask("HEAD", "/files/f")
          #expect(head.header("content-length") == "\(size)")
          #expect(head.body.isEmpty)
        }
      }
      #expect(site.origin.heads.isEmpty)
      let count = 2 * Self.sizes.count
      let counters = try await site.proxy.counters("all") { $0.filesTotal == count && $0.requestsInFlight == 0 }
      #expect(counters.fileBytesTotal == Self.sizes.reduce(0, +))
      #expect(counters.responses == [0, 0, count, 0, 0, 0])
      #expect(site.openings(of: "f") == 0)
    }
  }

  @Test(arguments: FileSite.Door.allCases)
  func servesParts(_ door: FileSite.Door) async throws {
    try await withFiles(behind: door) { site in
      let bytes = fileBytes(3_000_000)
      try site.put("f", bytes)
      try await site.visit { agent in
        for range in [0..<1, 1_000..<1_001, 0..<3_000_000, 2_999_999..<3_000_000, 123_456..<2_345_678] {
          let field = "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
          let response = try agent.ask("GET", "/files/f", headers: [("Range", field)])
          #expect(response.status == 206)
          #expect(response.header("content-range") == "bytes \(range.lowerBound)-\(range.upperBound - 1)/3000000")
          let same = response.body == Array(bytes[range])
          #expect(same)
        }
        let beyond = try agent.ask("GET", "/files/f", headers: [("Range", "bytes=3000000-")])
        #expect(beyond.status == 416)
        #expect(beyond.header("content-range") == "bytes */3000000")
        let several = try agent.ask("GET", "/files/f", headers: [("Range", "bytes=0-0,2-3")])
        #expect(several.status == 200 && several.body.count == 3_000_000)
      }
      #expect(site.origin.heads.isEmpty)
    }
  }

  @Test func sendsNothingTwice() async throws {
    try await withFiles { site in
      try site.put("f", Array("first".utf8))
      try await site.visit { agent in
        let first = try agent.ask("GET", "/files/f")
        let tag = try #require(first.header("etag"))
        let date = try #require(first.header("last-modified"))
        #expect(first.header("accept-ranges") == "bytes")
        #expect(first.header("date") != nil)
        #expect(try agent.ask("GET", "/files/f", headers: [("If-None-Match", tag)]).status == 304)
        #expect(try agent.ask("GET", "/files/f", headers: [("If-Modified-Since", date)]).status == 304)
        #expect(try agent.ask("HEAD", "/files/f", headers: [("If-Match", "\"other\"")]).status == 412)
        try site.put("f", Array("other".utf8))
        let second = try agent.ask("GET", "/files/f", headers: [("If-None-Match", tag)])
        #expect(second.status == 200 && second.text == "other")
        let resumed = try agent.ask("GET", "/files/f", headers: [("Range", "bytes=1-"), ("If-Range", tag)])
        #expect(resumed.status == 200 && resumed.text == "other")
      }
      // The loop closes it after the answer, and before the next request.
      #expect(try await site.text("/next") == "/next")
      #expect(site.openings(of: "f") == 0)
    }
  }

  @Test(arguments: FileSite.Door.allCases)
  func leavesTheRestToTheWorker(_ door: FileSite.Door) async throws {
    try await withFiles(behind: door) { site in
      try site.put("f", Array("file".utf8))
      mkdir("\(site.folder)/sub", 0o755)
      mkfifo("\(site.folder)/fifo", 0o644)
      symlink("/etc/passwd", "\(site.folder)/link")
      try await site.visit { agent in
        let all = "GET /files/f HTTP/1.1\r\nHost: a\r\n\r\n"
        // In one go: the answers must come in order, each from its place.
        try agent.send(all + "GET /files/missing HTTP/1.1\r\nHost: a\r\n\r\n" + all)
        #expect(try agent.response().text == "file")
        #expect(try agent.response().text == "/files/missing")
        #expect(try agent.response().text == "file")
        for path in ["/files/", "/files/sub", "/files/fifo", "/files/link", "/other", "/files/f/"] {
          #expect(try agent.ask("GET", path).text == path)
        }
        #expect(try agent.ask("POST", "/files/f", body: [65]).text == "/files/f")
        // A body with a GET is no file's business, and must not be taken for the next request.
        #expect(try agent.ask("GET", "/files/f", body: Array(all.utf8)).text == "/files/f")
        #expect(try agent.ask("GET", "/files/f").text == "file")
      }
      #expect(site.origin.bodies.contains(Array("GET /files/f HTTP/1.1\r\nHost: a\r\n\r\n".utf8)))
    }
  }

  @Test(arguments: ["../files/f", "%2e%2e/f", "..%2ff", "/f", "%2fetc/passwd", "f%00"])
  func refusesPathsThatWander(_ path: String) async throws {
    try await withFiles { site in
      try site.put("f", Array("file".utf8))
      let response = try await request("GET", "/files/\(path)", at: site.proxy.address)
      #expect(response.status == 400)
      #expect(site.origin.heads.isEmpty)
    }
  }

  @Test func isRuledByTheRoute() async throws {
    var arrangement = Arrangement()
    arrangement.routes = [Route(path: "/files/", allow: .authenticated, pool: masters)]
    try await withFiles(arrangement) { site in
      try site.put("f", Array("file".utf8))
      #expect(try await request("GET", "/files/f", at: site.proxy.address).status == 403)
    }
  }

  @Test func closesForThoseWhoWantIt() async throws {
    try await withFiles { site in
      try site.put("f", fileBytes(200_000))
      for (head, closes) in [
        ("HTTP/1.0\r\n", true), ("HTTP/1.0\r\nConnection: keep-alive\r\n", false),
        ("HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", true), ("HTTP/1.1\r\nHost: a\r\n", false),
      ] {
        try await site.visit { agent in
          try agent.send("GET /files/f \(head)\r\n")
          let response = try agent.response()
          #expect(response.body.count == 200_000)
          #expect(response.saysClose == closes)
          if closes {
            #expect(agent.end() == .closed)
          } else {
            #expect(try agent.ask("GET", "/files/f").body.count == 200_000)
          }
        }
      }
    }
  }

  @Test func takesAnotherPlanWhileItRuns() async throws {
    try await withFiles { site in
      try site.put("f", Array("file".utf8))
      #expect(try await site.text("/files/f") == "file")
      try await site.follow(FilePlan(folders: [FileFolder(path: "/elsewhere/", folder: site.folder)]), slot: 7)
      #expect(try await site.text("/files/f") == "/files/f")
      #expect(try await site.text("/elsewhere/f") == "file")
      try await site.follow(FilePlan(), slot: 8)
      #expect(try await site.text("/elsewhere/f") == "/elsewhere/f")
    }
  }
}

extension FileSite {
  /// An answer to the command behind it tells that the plan is with the loops.
  fileprivate func follow(_ plan: FilePlan, slot: Int) async throws {
    proxy.send(.files(plan))
    proxy.send(.drain(worker(slot)))
    try await proxy.reported(.drained(worker(slot)))
  }
}
