import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Files

@Suite struct ChecksumTests {
  @Test(arguments: [
    (ChecksumType.md5, "900150983cd24fb0d6963f7d28e17f72"), (.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (.sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
    (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (.md5lite, "900150983cd24fb0d6963f7d28e17f72"),
  ])
  func areThoseOfTheContent(type: ChecksumType, digest: String) async throws {
    try await withFile("abc") { descriptor in
      #expect(contentDigest(type, of: descriptor) == digest)
    }
  }

  @Test func liteOnesEndAtThe512thByte() async throws {
    let start = String(repeating: "x", count: 512)
    try await withFile(start) { short in
      try await withFile(start + "more") { long in
        #expect(contentDigest(.sha256lite, of: long) == contentDigest(.sha256, of: short))
        #expect(contentDigest(.sha256, of: long) != contentDigest(.sha256, of: short))
      }
    }
  }

  /// Many threads at the same time, and one of them does the work.
  @Test func areComputedOnce() async throws {
    try await withFile("abc") { descriptor in
      var facts = try #require(FileFacts(descriptor: descriptor))
      facts.modified = 1
      facts.changed = 1
      let key = ChecksumCache.Key(path: "/f", facts: facts, type: .sha256)
      let cache = ChecksumCache(capacity: 1000)
      let count = Counter()
      let digests = await withTaskGroup(of: String?.self) { group in
        for _ in 0..<16 {
          group.addTask {
            cache.value(key) {
              count.bump()
              usleep(50_000)
              return "digest"
            }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      let distinct = Set(digests)
      #expect(distinct == ["digest"])
      #expect(count.value == 1)
      #expect(cache.known(key) == "digest")
      var changed = key
      changed.facts.size += 1
      #expect(cache.known(changed) == nil)
    }
  }

  /// Who asks while another is at it goes on at once, and is told.
  @Test func letNobodyWait() {
    let once = OnceForAll<String, Int>()
    let told = Mutex<[String]>([])
    @Sendable func note(_ who: String) -> @Sendable (Int) -> Void {
      { value in told.withLock { $0.append("\(who) \(value)") } }
    }
    once.tell(note("first"), "key") {
      once.tell(note("second"), "key") { 2 }
      once.tell(note("other"), "other key") { 3 }
      let early = told.withLock { $0 }
      #expect(early == ["other 3"])
      return 1
    }
    once.tell(note("later"), "key") { 4 }
    let all = told.withLock { $0 }
    #expect(all == ["other 3", "first 1", "second 1", "later 4"])
  }

  /// Written a moment ago, it could be written again without that being seen.
  @Test func areNotKeptOfAFileThatJustChanged() async throws {
    try await withFile("abc") { descriptor in
      var facts = try #require(FileFacts(descriptor: descriptor))
      facts.changed = Moment.wall()
      let key = ChecksumCache.Key(path: "/f", facts: facts, type: .sha256)
      let cache = ChecksumCache(capacity: 1000)
      let first = cache.value(key) { "first" }
      #expect(first == "first")
      #expect(cache.known(key) == nil)
    }
  }

  @Test func cacheIsBounded() {
    let cache = ChecksumCache(capacity: 1000)
    guard var facts = FileFacts(at: "/") else { return }
    (facts.modified, facts.changed) = (1, 1)
    for number in 0..<(2 * 1000) {
      facts.inode = UInt64(number)
      _ = cache.value(.init(path: "/", facts: facts, type: .md5)) { "" }
    }
    facts.inode = 0
    #expect(cache.known(.init(path: "/", facts: facts, type: .md5)) == nil)
    facts.inode = UInt64(2 * 1000 - 1)
    #expect(cache.known(.init(path: "/", facts: facts, type: .md5)) != nil)
  }

  private func withFile(_ text: String, _ body: (Int32) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      try text.write(toFile: "\(folder)/f")
      let descriptor = open("\(folder)/f", O_RDONLY)
      defer { close(descriptor) }
      try await body(descriptor)
    }
  }
}

private final class Counter: Sendable {
  private let count = Mutex(0)

  func bump() { count.withLock { $0 += 1 } }
  var value: Int { count.withLock { $0 } }
}
