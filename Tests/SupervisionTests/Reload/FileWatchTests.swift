import Foundation
import Pool
import TestSupport
import Testing

@testable import Supervision

/// Files change in many ways; what counts is their content, once it has come to rest.
@Suite struct FileWatchTests {
  private struct Place {
    var folder: String
    var now = Instant(nanoseconds: 1_000_000_000)
    var watch: FileWatch

    init(_ folder: String) throws {
      self.folder = folder
      for (file, text) in [("cert", "one"), ("key", "two"), ("ca", "three")] {
        try text.write(toFile: "\(folder)/\(file)")
      }
      watch = FileWatch(
        ProxyConfiguration(
          listeners: [
            ListenerConfiguration(
              address: .unix(path: "/x"),
              tls: TLSConfiguration(
                certificate: "\(folder)/cert", privateKey: "\(folder)/key", clientCA: "\(folder)/ca",
                clientCRL: "\(folder)/crl"))
          ], limits: ProxyLimits(), pools: [], routes: []))
    }

    /// Looks every second for so long; the names of what it tells at last.
    mutating func look(seconds: Int = 4) -> [String] {
      var told: [String] = []
      for _ in 0..<seconds {
        now = now + .seconds(1)
        told = watch.changes(at: now)
      }
      return told.map { String($0.dropFirst(folder.count + 1)) }
    }
  }

  @Test(arguments: ["write", "rename", "link", "remove", "appear"])
  func aChangeIsToldWhateverItsKind(kind: String) async throws {
    try await withTemporaryDirectory { folder in
      var place = try Place(folder)
      #expect(place.look() == [])
      var file = "cert"
      switch kind {
      case "write": try "new".write(toFile: "\(folder)/cert")
      case "rename":
        try "new".write(toFile: "\(folder)/other")
        try move("\(folder)/other", to: "\(folder)/cert")
      case "link":
        try "new".write(toFile: "\(folder)/target")
        symlink("target", "\(folder)/other")
        try move("\(folder)/other", to: "\(folder)/cert")
      case "remove": unlink("\(folder)/cert")
      default:
        file = "crl"
        try "new".write(toFile: "\(folder)/crl")
      }
      #expect(place.look() == [file])
    }
  }

  @Test func whatIsStillBeingWrittenIsNotToldYet() async throws {
    try await withTemporaryDirectory { folder in
      var place = try Place(folder)
      for round in 0..<5 {
        try "new\(round)".write(toFile: "\(folder)/\(round % 2 == 0 ? "cert" : "key")")
        #expect(place.look(seconds: 1) == [], "round \(round)")
      }
      #expect(place.look() == ["cert", "key"])
    }
  }

  @Test func theSameContentIsNoChange() async throws {
    try await withTemporaryDirectory { folder in
      var place = try Place(folder)
      try "one".write(toFile: "\(folder)/other")
      try move("\(folder)/other", to: "\(folder)/cert")
      #expect(place.look() == [])
      #expect(place.watch.differences() == [])
    }
  }

  @Test func whatNoProxyCouldUseIsNotTriedUntilItChangesAgain() async throws {
    try await withTemporaryDirectory { folder in
      var place = try Place(folder)
      try "bad".write(toFile: "\(folder)/cert")
      #expect(place.look() == ["cert"])
      place.watch.giveUp(on: ["\(folder)/cert"])
      #expect(place.look() == [])
      #expect(place.watch.differences() == ["\(folder)/cert"])
      try "good".write(toFile: "\(folder)/key")
      #expect(place.look() == ["key"])
    }
  }
}
