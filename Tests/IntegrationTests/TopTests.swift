import Foundation
import Pool
import TestSupport
import Testing

/// `masterpool top` at a real terminal.
@Suite struct TopTests {
  /// Nothing but events and keys has it look anew.
  private func top(in directory: String, columns: Int = 120, rows: Int = 30) throws -> TerminalProgram {
    try TerminalProgram(
      Programs.masterpool, ["top", "--control", "\(directory)/run/control.sock", "--interval", "1h"],
      columns: columns, rows: rows)
  }

  @Test func keysAndEventsChangeThePicture() async throws {
    try await withMasterpool(Setup()) { masterpool in
      let top = try top(in: masterpool.directory)
      let before = top.modesBefore
      try await top.shows("both workers") {
        $0.contains { $0.hasPrefix(">  stubs/0") } && $0.contains { $0.hasPrefix("   stubs/1") }
      }
      top.type("j")
      try await top.shows(">  stubs/1")
      top.type("s")
      try await top.shows("sorted by age")
      top.type("\r")
      try await top.shows("events of stubs/1, the last below")
      try await top.shows("stubs/1#1 is ready after")
      top.type("q")
      top.type("R")
      try await top.shows("recycle stubs/1? y/n")
      top.type("n")
      try await top.shows("not recycled")
      top.type("Ry")
      try await top.shows("the successor") { lines in
        lines.contains { $0.hasPrefix(">  stubs/1") && $0.split(separator: " ").dropFirst(2).first == "2" }
      }
      // Somebody else's doing is seen too.
      _ = try await masterpool.cli("drain", "stubs/0")
      try await top.shows("a drained worker") { $0.contains { $0.contains("stubs/0") && $0.contains("drained") } }

      top.resize(columns: 50, rows: 9)
      let small = try await top.shows("a smaller picture") { $0.count == 9 }
      #expect(small.map(\.count).max() ?? 0 <= 50)
      try await top.isOnItsOwnScreen(true)
      #expect(top.modes != before)
      top.type("q")
      #expect(try await top.end() == .exited(0))
      try await top.isOnItsOwnScreen(false)
      #expect(top.modes == before)
    }
  }

  @Test func itOutlivesTheSupervisorAndFindsTheNext() async throws {
    try await withTemporaryDirectory { directory in
      do {
        let (first, status) = try await startFirst(Setup().yaml(directory: directory), in: directory)
        let top = try top(in: directory)
        try await top.shows("pid \(status.pid), running")
        first.send(SIGKILL)
        try await top.shows("! no supervisor for")
        try await top.shows("stubs/0")
        let (second, next) = try await startFirst(Setup().yaml(directory: directory), in: directory)
        let picture = try await top.shows("the next supervisor") {
          $0.contains { $0.contains("pid \(next.pid), running") }
        }
        let isGrey = picture.contains { $0.contains("no supervisor") }
        #expect(!isGrey)
        top.type("\u{3}")
        #expect(try await top.end() == .exited(0))
        second.send(SIGTERM)
        #expect(try await second.end() == .exited(0))
      } catch {
        for pid in Processes.marked("MASTERPOOL_TEST=\(directory)") { kill(pid, SIGKILL) }
        throw error
      }
    }
  }

  /// Nobody there to look at is no reason to leave a terminal in disorder.
  @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func whateverEndsItLeavesTheTerminalAsItWas(signal: Int32) async throws
  {
    try await withTemporaryDirectory { directory in
      let top = try top(in: directory)
      let before = top.modesBefore
      try await top.shows("waiting for the supervisor")
      top.send(signal)
      #expect(try await top.end() == .exited(128 + signal))
      try await top.isOnItsOwnScreen(false)
      #expect(top.modes == before)
      #expect(top.output.hasSuffix("\u{1B}[?25h\u{1B}[?1049l"))
    }
  }

  @Test(arguments: ["by a signal", "by a key"]) func stoppedItGivesTheTerminalBackAndTakesItAgain(_ way: String)
    async throws
  {
    try await withTemporaryDirectory { directory in
      let top = try top(in: directory)
      let before = top.modesBefore
      try await top.shows("waiting for the supervisor")
      let own = top.modes
      for _ in 0..<2 {
        if way == "by a key" { top.type("\u{1A}") } else { top.send(SIGTSTP) }
        try await top.becomes(.stopped)
        try await top.isOnItsOwnScreen(false)
        #expect(top.modes == before)
        top.send(SIGCONT)
        try await top.becomes(.running)
        try await top.isOnItsOwnScreen(true)
        #expect(top.modes == own)
      }
      top.type("q")
      #expect(try await top.end() == .exited(0))
      #expect(top.modes == before)
    }
  }

  @Test func aTerminalThatTakesNothingMoreDoesNotHoldItsEndUp() async throws {
    try await withTemporaryDirectory { directory in
      let top = try top(in: directory, columns: 400, rows: 100)
      let before = top.modesBefore
      try await top.shows("waiting for the supervisor")
      top.stopReading()
      for number in 1...40 { top.resize(columns: 400 - number, rows: 100) }
      top.send(SIGTERM)
      #expect(try await top.end(within: .seconds(15)) == .exited(128 + SIGTERM))
      #expect(top.modes == before)
    }
  }
}
