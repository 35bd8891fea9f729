import CLinux
import Glibc
import Testing
import TestSupport

@testable import Supervision

/// Processes that somebody else started. Beside the tests of groups, since both look for strays.
extension GroupTests {
  @Suite struct AdoptionTests {
    /// A shell that starts `command` as the leader of a group, says `leader` and its pid, waits for it and says
    /// `reaped`. Its lines and those of the command come in any order.
    private struct Stranger {
      let shell: ChildProcess
      let pid: Int32
      let startTime: UInt64
      let orders: Int32
      private var lines: AsyncStream<OutputLine>.Iterator
      private var unasked: [String] = []

      init(_ command: String) async throws {
        let line = try Lifeline()
        shell = try SupervisionTests.shell(
          "exec 4<&3 3<&-; setsid \(command) 4<&- & pid=$!; echo leader $pid; wait $pid; echo reaped; read never <&4",
          inherited: [InheritedDescriptor(descriptor: line.reading, as: 3)])
        close(line.reading)
        orders = line.writing
        lines = shell.output.makeAsyncIterator()
        let said = try await Self.word("leader ", &lines, &unasked)
        let pid = try #require(Int32(said))
        // It leads its group only once setsid has run.
        try await eventually("it leads a group") { ProcessTable.entry(of: pid)?.group == pid }
        self.pid = pid
        startTime = try #require(ProcessTable.entry(of: pid)).startTime
      }

      /// What follows `beginning` in the line that has it.
      mutating func word(_ beginning: String) async throws -> String {
        try await Self.word(beginning, &lines, &unasked)
      }

      private static func word(
        _ beginning: String, _ lines: inout AsyncStream<OutputLine>.Iterator, _ unasked: inout [String]
      ) async throws -> String {
        while !unasked.contains(where: { $0.hasPrefix(beginning) }), let line = await lines.next() {
          unasked.append(line.text)
        }
        let place = try #require(
          unasked.firstIndex { $0.hasPrefix(beginning) }, "\(beginning)is missing in \(unasked)")
        return String(unasked.remove(at: place).dropFirst(beginning.count))
      }

      func end() async {
        shell.signalGroup(SIGKILL)
        _ = await shell.exit()
        shell.killRemains()
        close(orders)
      }
    }

    @Test func theEndOfAnothersChildIsNoticedAndItsRemainsAreKilled() async throws {
      var stranger = try await Stranger("sh -c 'sleep 1000 & echo sleeper $! >&5; sleep 1000' 5>&1")
      let said = try await stranger.word("sleeper ")
      let sleeper = try #require(Int32(said))
      let child = try ChildProcess.adopt(pid: stranger.pid, startTime: stranger.startTime)
      #expect(child.signal(SIGKILL))
      #expect(await child.exit() == .unknown)
      _ = try await stranger.word("reaped")
      // The group lives on without its leader.
      #expect(child.signalGroup(0))
      child.killRemains()
      try await eventually("it is killed") { ProcessTable.entry(of: sleeper)?.isZombie != false }
      #expect(!child.signalGroup(0))
      await stranger.end()
    }

    @Test func anOrphanThatBecameOursTellsHowItEnded() async throws {
      becomeSubreaper()
      let shell = try shell("setsid sh -c 'echo $$; exec sleep 1000' & ")
      var lines = shell.output.makeAsyncIterator()
      let said = await lines.next().flatMap { Int32($0.text) }
      let pid = try #require(said)
      _ = await shell.exit()
      let startTime = try #require(ProcessTable.entry(of: pid)).startTime
      let child = try ChildProcess.adopt(pid: pid, startTime: startTime)
      shell.killRemains()
      let isKnown = ChildProcess.known.withLock { $0.contains(pid) }
      #expect(isKnown && !ChildProcess.reapStrays().contains(pid), "it is no stray")
      child.signal(SIGTERM)
      #expect(await child.exit() == .signalled(SIGTERM, coreDumped: false))
      #expect(ProcessTable.entry(of: pid)?.isZombie == true)
      child.killRemains()
      #expect(ProcessTable.entry(of: pid) == nil)
    }

    private func outputPipe() throws -> [Int32] {
      var ends: [Int32] = [-1, -1]
      guard pipe(&ends) == 0 else { throw SystemFailure("pipe") }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
      return ends
    }

    @Test func itsOutputIsRead() async throws {
      let ends = try outputPipe()
      let stranger = try await Stranger("sleep 1000")
      let child = try ChildProcess.adopt(pid: stranger.pid, startTime: stranger.startTime, output: ends[0])
      _ = write(ends[1], "one\ntwo", 7)
      close(ends[1])
      #expect(await child.lines() == ["one", "two"])
      child.signal(SIGKILL)
      _ = await child.exit()
      child.killRemains()
      await stranger.end()
    }

    @Test func whoIsGoneOrAnotherIsRefused() async throws {
      let stranger = try await Stranger("sleep 1000")
      let pid = stranger.pid
      #expect(throws: AdoptionFailure.stranger(pid: pid)) {
        try ChildProcess.adopt(pid: pid, startTime: stranger.startTime + 1)
      }
      for nobody in [Int32.max, 0, -1, -pid] {
        #expect(throws: AdoptionFailure.gone(pid: nobody)) {
          try ChildProcess.adopt(pid: nobody, startTime: stranger.startTime)
        }
      }
      #expect(ProcessTable.entry(of: pid)?.isZombie == false)
      kill(pid, SIGKILL)
      await stranger.end()
    }

    @Test func aRefusedOnesOutputIsClosed() async throws {
      let ends = try outputPipe()
      #expect(throws: AdoptionFailure.gone(pid: Int32.max)) {
        try ChildProcess.adopt(pid: Int32.max, startTime: 0, output: ends[0])
      }
      signal(SIGPIPE, SIG_IGN)
      // Another test's child may hold it for the moment between its fork and its exec.
      var failure = Int32(0)
      try await eventually("nobody reads") {
        let isWritten = write(ends[1], "x", 1) == 1
        failure = errno
        return !isWritten
      }
      #expect(failure == EPIPE)
      close(ends[1])
    }

    /// The kernel gives a dead process's number to another: as if it had been given this one's.
    @Test func aGroupThatGotTheNumberOfAnAdoptedOneIsNeverSignalled() async throws {
      var stranger = try await Stranger("sleep 1000")
      let successor = try shell("exec sleep 1000")
      let pidfd = clinux_pidfd_open(stranger.pid)
      try #require(pidfd >= 0)
      let child = ChildProcess(
        pid: successor.pid, pidfd: pidfd, startTime: stranger.startTime, output: nil)
      child.watch()
      child.signal(SIGKILL)
      #expect(await child.exit() == .unknown)
      _ = try await stranger.word("reaped")
      #expect(!child.signalGroup(SIGKILL))
      child.killRemains()
      #expect(ProcessTable.entry(of: successor.pid)?.isZombie == false)
      successor.signal(SIGKILL)
      _ = await successor.exit()
      successor.killRemains()
      await stranger.end()
    }
  }
}
