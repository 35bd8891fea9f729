import Glibc
import Pool
import TestSupport
import Testing

/// More than all buffers between here and there take.
private let size = 24_000_000

@Suite struct SlowDownloadTests {
  @Test(arguments: FileSite.Door.allCases)
  func slowAgentsGetItWholeAndHoldUpNobody(_ door: FileSite.Door) async throws {
    try await withFiles(behind: door) { site in
      let bytes = fileBytes(size)
      try site.put("f", bytes)
      let goOn = Gate()
      let others = site
      let body = try await site.visit { agent in
        try agent.send(requestBytes("GET", "/files/f"))
        Task {
          for _ in 0..<3 {
            guard try await others.text("/quick") == "/quick" else { return }
          }
          goOn.open()
        }
        try goOn.pass()
        return try agent.response().body
      }
      let same = body == bytes
      #expect(same)
      #expect(site.origin.heads.count == 3)
    }
  }

  @Test(arguments: FileSite.Door.allCases)
  func replacedFileIsServedAsItWas(_ door: FileSite.Door) async throws {
    try await withFiles(behind: door) { site in
      let (old, new) = (fileBytes(size, seed: 1), fileBytes(size, seed: 2))
      try site.put("f", old)
      let bodies = try await site.visit { agent in
        try agent.send(requestBytes("GET", "/files/f"))
        // It has begun, and cannot be over.
        try begun(site)
        try site.put("f", new)
        return (try agent.response().body, try agent.ask("GET", "/files/f").body)
      }
      let sameAsOld = bodies.0 == old
      let sameAsNew = bodies.1 == new
      #expect(sameAsOld)
      #expect(sameAsNew)
    }
  }

  enum Damage: CaseIterable, Sendable { case truncated, overwritten, grown }

  @Test(arguments: FileSite.Door.allCases, Damage.allCases)
  func damagedFileIsCutOff(_ door: FileSite.Door, _ damage: Damage) async throws {
    try await withFiles(behind: door) { site in
      try site.put("f", fileBytes(size))
      let end = try await site.visit { agent in
        try agent.send(requestBytes("GET", "/files/f"))
        try begun(site)
        try harm("\(site.folder)/f", damage)
        return agent.end()
      }
      #expect(end.isReset)
      _ = try await site.proxy.counters("the end") { $0.connections == 0 }
      #expect(site.openings(of: "f") == 0)
      // The proxy serves on.
      #expect(try await site.text("/other") == "/other")
    }
  }

  @Test(arguments: FileSite.Door.allCases)
  func agentsThatLeaveCostNothing(_ door: FileSite.Door) async throws {
    try await withFiles(behind: door) { site in
      try site.put("f", fileBytes(size))
      try await site.visit { agent in
        try agent.send(requestBytes("GET", "/files/f"))
        try begun(site)
      }
      _ = try await site.proxy.counters("nobody") { $0.connections == 0 && $0.requestsInFlight == 0 }
      #expect(site.openings(of: "f") == 0)
    }
  }

  @Test(arguments: FileSite.Door.allCases)
  func agentsThatTakeNothingAreCutOff(_ door: FileSite.Door) async throws {
    var arrangement = Arrangement()
    arrangement.limits.idleTimeout = .milliseconds(300)
    try await withFiles(arrangement, behind: door) { site in
      try site.put("f", fileBytes(size))
      let proxy = site.proxy
      let end = try await site.visit { agent in
        try agent.send(requestBytes("GET", "/files/f"))
        let isOver = Gate()
        Task {
          _ = try await proxy.counters("the end") { $0.connections == 0 && $0.filesTotal == 1 }
          isOver.open()
        }
        try isOver.pass()
        return agent.end()
      }
      #expect(end.isReset)
    }
  }

  @Test(arguments: FileSite.Door.allCases)
  func endsDownloadsBeforeItStops(_ door: FileSite.Door) async throws {
    try await withFiles(behind: door) { site in
      let bytes = fileBytes(size)
      try site.put("f", bytes)
      let body = try await site.visit { agent in
        try agent.send(requestBytes("GET", "/files/f"))
        try begun(site)
        site.proxy.send(.stop(within: .seconds(20)))
        return try agent.response().body
      }
      let same = body == bytes
      #expect(same)
      #expect(try await site.proxy.ended() == 0)
    }
  }

  /// Until the file is open, so that the answer has begun.
  private func begun(_ site: FileSite) throws {
    let deadline = Deadline.patient
    while site.openings(of: "f") == 0 {
      if deadline.passed { throw TimedOut("the file to be open") }
      usleep(1000)
    }
  }

  private func harm(_ path: String, _ damage: Damage) throws {
    switch damage {
    case .truncated: truncate(path, 1000)
    case .overwritten, .grown:
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      defer { close(descriptor) }
      var byte: UInt8 = 0
      guard pwrite(descriptor, &byte, 1, damage == .grown ? size : size - 1) == 1 else {
        throw SystemFailure("writing to \(path)")
      }
    }
  }
}
