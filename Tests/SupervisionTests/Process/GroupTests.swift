import Glibc
import TestSupport
import Testing

@testable import Supervision

/// One after the other: strays are whoever is there.
@Suite(.serialized, .timeLimit(.minutes(5))) struct GroupTests {
  /// A killed process takes a moment to die.
  private func reap(_ pid: Int32) async throws {
    try await eventually("it is reaped") {
      ChildProcess.reapStrays(marked: "NOBODY=")
      return ProcessTable.entry(of: pid) == nil
    }
  }

  @Test func aSignalReachesTheWholeGroup() async throws {
    let line = try Lifeline()
    let child = try shell(
      "sleep 1000 & sleep 1000 & wait", inherited: [InheritedDescriptor(descriptor: line.writing, as: 3)])
    line.letGo()
    #expect(child.signalGroup(SIGTERM))
    #expect(await child.exit() == .signalled(SIGTERM, coreDumped: false))
    child.killRemains()
    try await line.end()
  }

  @Test func remainsAreKilledAfterTheLeadersEnd() async throws {
    let line = try Lifeline()
    let child = try shell(
      "trap '' TERM; sleep 1000 & exit 0", inherited: [InheritedDescriptor(descriptor: line.writing, as: 3)])
    line.letGo()
    #expect(await child.exit() == .exited(0))
    #expect(line.isHeld)
    // Its zombie keeps the number, so that the group is still its own.
    #expect(ProcessTable.entry(of: child.pid)?.isZombie == true)
    #expect(child.signalGroup(0))
    child.killRemains()
    try await line.end()
    #expect(!child.signalGroup(SIGKILL))
    #expect(!child.signal(SIGKILL))
    let isKnown = ChildProcess.known.withLock { $0.contains(child.pid) }
    #expect(!isKnown)
  }

  @Test func aHandleThatIsDroppedLeavesNothing() async throws {
    let line = try Lifeline()
    var child: ChildProcess? = try shell(
      "sleep 1000 & exit 0", inherited: [InheritedDescriptor(descriptor: line.writing, as: 3)])
    line.letGo()
    _ = await child?.exit()
    child = nil
    try await line.end()
  }

  @Test func straysThatLeftTheGroupAreKilled() async throws {
    becomeSubreaper()
    let line = try Lifeline()
    let child = try shell(
      "setsid sh -c 'echo $$; exec sleep 1000' & read never",
      inherited: [InheritedDescriptor(descriptor: line.writing, as: 3)])
    line.letGo()
    #expect(await child.exit() == .exited(1))
    var lines = child.output.makeAsyncIterator()
    let said = await lines.next().flatMap { Int32($0.text) }
    let stray = try #require(said)
    child.killRemains()
    #expect(line.isHeld)
    #expect(ChildProcess.reapStrays(except: [stray]) == [])
    #expect(ChildProcess.reapStrays() == [stray])
    try await line.end()
    try await reap(stray)
  }

  @Test func onlyTheStraysOfOneWorkerAreKilled() async throws {
    becomeSubreaper()
    let order = "setsid sh -c 'echo $$; exec sleep 1000' & read never"
    var strays: [Int32] = []
    for mark in ["WORKER=masters/0#1", "WORKER=masters/0#11"] {
      let child = try shell("export \(mark.replacing("#", with: "\\#")); \(order)")
      _ = await child.exit()
      var lines = child.output.makeAsyncIterator()
      let said = await lines.next().flatMap { Int32($0.text) }
      strays.append(try #require(said))
      child.killRemains()
    }
    #expect(ChildProcess.reapStrays(marked: "WORKER=masters/0#1") == [strays[0]])
    try await reap(strays[0])
    #expect(ProcessTable.entry(of: strays[1])?.isZombie == false)
    #expect(ChildProcess.reapStrays() == [strays[1]])
    try await reap(strays[1])
  }

  @Test func orphansAreReapedWithTheirGroup() async throws {
    becomeSubreaper()
    let child = try shell("sleep 1000 & echo $!")
    var lines = child.output.makeAsyncIterator()
    let said = await lines.next().flatMap { Int32($0.text) }
    let orphan = try #require(said)
    _ = await child.exit()
    child.killRemains()
    try await eventually("it is reaped") { ProcessTable.entry(of: orphan) == nil }
  }

  @Test func anOrphanInTheGroupOfALivingWorkerStays() async throws {
    becomeSubreaper()
    let line = try Lifeline()
    let child = try shell(
      "(sleep 1000 & echo $!); exec sleep 1000", inherited: [InheritedDescriptor(descriptor: line.writing, as: 3)])
    line.letGo()
    var lines = child.output.makeAsyncIterator()
    let said = await lines.next().flatMap { Int32($0.text) }
    let orphan = try #require(said)
    try await eventually("it is ours") { ProcessTable.entry(of: orphan)?.parent == getpid() }
    #expect(!ChildProcess.reapStrays().contains(orphan))
    #expect(ProcessTable.entry(of: orphan)?.isZombie == false)
    child.signal(SIGKILL)
    _ = await child.exit()
    child.killRemains()
    try await line.end()
    try await reap(orphan)
  }
}
