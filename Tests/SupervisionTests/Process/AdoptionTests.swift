import Glibc
import Testing
import TestSupport

@testable import Supervision

/// Processes that somebody else started. Beside the tests of groups, since both look for strays.
extension GroupTests {
  @Suite struct AdoptionTests {
    /// A shell that starts `command` as the leader of a group, tells its pid, waits for it, says `reaped` and goes on
    /// with `after` when it is told to.
    private struct Stranger {
      let shell: ChildProcess
      let pid: Int32
      let startTime: UInt64
      let orders: Int32
      var lines: AsyncStream<OutputLine>.Iterator

      init(_ command: String, after: String = "read never") async throws {
        let line = try Lifeline()
        shell = try SupervisionTests.shell(
          "exec 4<&3 3<&-; setsid \(command) 4<&- & pid=$!; echo $pid; wait $pid; echo reaped; read go <&4; \(after)",
          inherited: [InheritedDescriptor(descriptor: line.reading, as: 3)])
        close(line.reading)
        orders = line.writing
        lines = shell.output.makeAsyncIterator()
        pid = try await Self.number(&lines)
        // It leads its group only once setsid has run.
        while ProcessTable.entry(of: pid)?.group != pid { await Task.yield() }
        startTime = try #require(ProcessTable.entry(of: pid)).startTime
      }

      static func number(_ lines: inout AsyncStream<OutputLine>.Iterator) async throws -> Int32 {
        let said = await lines.next().flatMap { Int32($0.text) }
        return try #require(said)
      }

      mutating func reaped() async { while let line = await lines.next(), line.text != "reaped" {} }

      func go() { _ = write(orders, "\n", 1) }

      func end() async {
        shell.signalGroup(SIGKILL)
        _ = await shell.exit()
        shell.killRemains()
        close(orders)
      }
    }

    @Test func theEndOfAnothersChildIsNoticedAndItsRemainsAreKilled() async throws {
      var stranger = try await Stranger("sh -c 'sleep 1000 & echo $! >&5; sleep 1000' 5>&1")
      let sleeper = try await Stranger.number(&stranger.lines)
      let child = try ChildProcess.adopt(pid: stranger.pid, startTime: stranger.startTime)
      #expect(child.signal(SIGKILL))
      #expect(await child.exit() == .unknown)
      await stranger.reaped()
      // The group lives on without its leader.
      #expect(child.signalGroup(0))
      child.killRemains()
      while ProcessTable.entry(of: sleeper)?.isZombie == false { await Task.yield() }
      #expect(!child.signalGroup(0))
      await stranger.end()
    }

    @Test func anOrphanThatBecameOursTellsHowItEnded() async throws {
      becomeSubreaper()
      let shell = try shell("setsid sh -c 'echo $$; read never < /dev/zero; exit 9' & ")
      var lines = shell.output.makeAsyncIterator()
      let pid = try await Stranger.number(&lines)
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

    @Test func aRefusedOnesOutputIsClosed() throws {
      let ends = try outputPipe()
      #expect(throws: AdoptionFailure.gone(pid: Int32.max)) {
        try ChildProcess.adopt(pid: Int32.max, startTime: 0, output: ends[0])
      }
      signal(SIGPIPE, SIG_IGN)
      #expect(write(ends[1], "x", 1) == -1 && errno == EPIPE)
      close(ends[1])
    }

    /// The kernel gives the next process the number that we wish, where we may say so.
    @Test(.enabled(if: access("/proc/sys/kernel/ns_last_pid", W_OK) == 0))
    func aGroupThatGotTheNumberOfAnAdoptedOneIsNeverSignalled() async throws {
      let again = """
        for i in $(seq 200); do
          echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid; setsid sleep 1000 & new=$!
          [ $new = $pid ] && break; kill $new
        done; echo $new; read never <&4
        """
      var stranger = try await Stranger("sleep 1000", after: again)
      let child = try ChildProcess.adopt(pid: stranger.pid, startTime: stranger.startTime)
      child.signal(SIGKILL)
      #expect(await child.exit() == .unknown)
      await stranger.reaped()
      stranger.go()
      let new = await stranger.lines.next().flatMap { Int32($0.text) }
      try #require(new == stranger.pid, "others were faster each time")
      while ProcessTable.entry(of: stranger.pid)?.group != stranger.pid { await Task.yield() }
      #expect(!child.signalGroup(SIGKILL))
      child.killRemains()
      #expect(ProcessTable.entry(of: stranger.pid)?.isZombie == false)
      kill(stranger.pid, SIGKILL)
      await stranger.end()
    }
  }
}
