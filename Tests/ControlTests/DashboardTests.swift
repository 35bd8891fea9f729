import Pool
import TestSupport
import Testing

@testable import Control

@Suite struct DashboardTests {
  @Test(arguments: [
    ("/", "text/html; charset=utf-8", "<!doctype html>"),
    ("/ui/main.js", "text/javascript; charset=utf-8", "import "),
    ("/ui/style.css", "text/css; charset=utf-8", ":root"), ("/ui/icon.svg", "image/svg+xml", "<svg "),
  ])
  func aFileHasItsTypeAndTheStrictestPolicy(path: String, type: String, words: String) async throws {
    try await withServer { served async throws in
      let response = try await request("GET", path, at: served.address)
      #expect(response.status == 200)
      #expect(response.header("content-type") == type)
      #expect(response.text.contains(words))
      #expect(response.header("content-security-policy")?.hasPrefix("default-src 'none'; script-src 'self';") == true)
      #expect(response.header("content-security-policy")?.contains("frame-ancestors 'none'") == true)
      #expect(response.header("content-security-policy")?.contains("unsafe") == false)
      #expect(response.header("x-content-type-options") == "nosniff")
      #expect(response.header("cache-control") == "no-cache")
    }
  }

  @Test func whatIsKnownIsNotSentAgain() async throws {
    try await withServer { served async throws in
      let first = try await request("GET", "/ui/main.js", at: served.address)
      let tag = try #require(first.header("etag"))
      for known in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
        let again = try await request("GET", "/ui/main.js", headers: [("If-None-Match", known)], at: served.address)
        #expect(again.status == 304, "\(known)")
        #expect(again.body.isEmpty)
        #expect(again.header("etag") == tag)
        #expect(again.header("content-security-policy") != nil)
      }
      let other = try await request(
        "GET", "/ui/main.js", headers: [("If-None-Match", "\"other\"")], at: served.address)
      #expect(other.status == 200 && other.body == first.body)
      #expect(try await request("GET", "/ui/live.js", at: served.address).header("etag") != tag)
    }
  }

  /// A file that is not in the program's list would be missed by the page alone.
  @Test func allThatFilesAskForIsThere() async throws {
    try await withServer { served async throws in
      var wanted = ["/"]
      var seen: Set<String> = []
      while let path = wanted.popLast() {
        guard seen.insert(path).inserted else { continue }
        let response = try await request("GET", path, at: served.address)
        #expect(response.status == 200, "\(path)")
        let words = response.text.split(whereSeparator: { $0 == "\"" || $0.isWhitespace }).map(String.init)
        wanted += words.filter { $0.hasPrefix("/ui/") }
        wanted += words.filter { $0.hasPrefix("./") && $0.hasSuffix(".js") }.map { "/ui/\($0.dropFirst(2))" }
      }
      #expect(seen.count > 15)
    }
  }

  @Test func itIsOnlyRead() async throws {
    try await withServer { served async throws in
      let head = try await request("HEAD", "/", at: served.address)
      #expect(head.status == 200 && head.header("content-length") != "0" && head.body.isEmpty)
      #expect(try await request("POST", "/", at: served.address).status == 403)
      #expect(try await request("GET", "/ui/../masterpool.yaml", at: served.address).status == 404)
      #expect(try await request("GET", "/ui/nothing.js", at: served.address).status == 404)
    }
  }
}
