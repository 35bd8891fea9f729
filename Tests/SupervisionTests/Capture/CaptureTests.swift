import Glibc
import Pool
import TestSupport
import Testing

@testable import Supervision

@Suite(.timeLimit(.minutes(5))) struct CaptureTests {
  private func ended(_ child: ChildProcess) async {
    child.signalGroup(SIGKILL)
    _ = await child.exit()
    child.killRemains()
  }

  /// The child says a word once it is where it should be seen.
  private func started(_ script: String, in folder: String? = nil) async throws -> ChildProcess {
    let child = try shell(script, directory: folder)
    var lines = child.output.makeAsyncIterator()
    let first = await lines.next()?.text
    #expect(first == "here")
    return child
  }

  private func stop(_ child: ChildProcess) async throws {
    child.signal(SIGSTOP)
    try await eventually("it stops") {
      ProcessTable.wholeFile("/proc/\(child.pid)/stat").flatMap { ThreadStat($0) }?.state == UInt8(ascii: "T")
    }
  }

  @Test func tellsWhereAProcessWaitsAndWhatItHasOpen() async throws {
    let child = try await started("exec 7</dev/zero; echo here; exec sleep 1000")
    try await eventually("it sleeps") {
      ProcessTable.wholeFile("/proc/\(child.pid)/comm")?.starts(with: Array("sleep".utf8)) == true
        && ProcessTable.wholeFile("/proc/\(child.pid)/stat").flatMap { ThreadStat($0) }?.state == UInt8(ascii: "S")
    }
    let seen = await Capturer().capture(.init(child: child, directory: "/nowhere"), asking: true)
    for part in [
      "process \(child.pid): sleep\n", "  State: S (sleeping)\n", "  Threads: 1\n", "  VmRSS: ", "  processor time: ",
      "  io: rchar: ", "  thread \(child.pid) (sleep): state S, waits in ", "system call ", "7 -> /dev/zero\n",
      "voluntary_ctxt_switches: ", "descriptors: ",
    ] {
      #expect(seen.contains(part), "\(part) is missing in:\n\(seen)")
    }
    await ended(child)
    let gone = await Capturer().capture(.init(child: child, directory: "/nowhere"), asking: true)
    #expect(gone == "")
  }

  @Test func tellsOfChildrenToo() async throws {
    let child = try await started("(exec sleep 1000) & echo here; wait")
    let seen = await Capturer().capture(.init(child: child, directory: "/nowhere"), asking: false)
    #expect(seen.contains(", a child: "))
    #expect(seen.hasPrefix("process \(child.pid): "))
    await ended(child)
  }

  // MARK: Stillness

  struct Doing: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var script: String
    var isStill: Bool
  }

  static let doings = [
    Doing(testDescription: "it sleeps", script: "echo here; exec sleep 1000", isStill: true),
    Doing(testDescription: "it is stopped", script: "echo here; while :; do :; done", isStill: true),
    Doing(testDescription: "it spins", script: "echo here; while :; do :; done", isStill: false),
    Doing(testDescription: "its child spins", script: "(while :; do :; done) & echo here; wait", isStill: false),
    Doing(
      testDescription: "it reads and writes",
      script: "echo here; while read -r line </proc/uptime; do sleep 0.02; done", isStill: false),
  ]

  @Test(arguments: doings) func stillIsWhoDoesNothing(_ doing: Doing) async throws {
    let child = try await started(doing.script)
    if doing.testDescription == "it is stopped" { try await stop(child) }
    let capturer = Capturer()
    // One that was just started may still be on its way to where it waits.
    var verdicts: [Bool] = []
    var earlier = (look: await capturer.look(at: child.pid), at: Clock.now())
    for _ in 0..<5 where verdicts.last != true {
      try await Task.sleep(for: .milliseconds(300))
      let now = (look: await capturer.look(at: child.pid), at: Clock.now())
      let (before, after) = (try #require(earlier.look), try #require(now.look))
      verdicts.append(after.isStill(since: before, over: now.at - earlier.at))
      earlier = now
    }
    #expect(verdicts.last == doing.isStill)
    await ended(child)
    // A killed child takes a moment to die.
    try await eventually("it is gone") { WorkerLook(group: child.pid) == nil }
  }

  // MARK: Backtraces

  private static let telling =
    "trap 'echo it sleeps >b.new; mv b.new backtrace.txt' USR2; echo here; while :; do sleep 0.05; done"

  @Test func asksForABacktrace() async throws {
    try await withTemporaryDirectory { folder in
      try "an old one".write(toFile: "\(folder)/backtrace.txt")
      let child = try await started(Self.telling, in: folder)
      let source = Capturer.Source(child: child, directory: folder, backtrace: .usr2)
      let seen = await Capturer().capture(source, asking: true)
      #expect(seen.hasPrefix("it sleeps\n\nprocess \(child.pid): "), "\(seen)")
      let unasked = await Capturer().capture(source, asking: false)
      #expect(unasked.hasPrefix("process \(child.pid): "))
      await ended(child)
    }
  }

  @Test func aWorkerThatCannotAnswerIsNotWaitedForLong() async throws {
    try await withTemporaryDirectory { folder in
      let child = try await started(Self.telling, in: folder)
      try await stop(child)
      let seen = await Capturer().capture(.init(child: child, directory: folder, backtrace: .usr2), asking: true)
      #expect(seen.hasPrefix("no backtrace within 1s of SIGUSR2: "), "\(seen)")
      #expect(seen.contains("State: T (stopped)"))
      await ended(child)
    }
  }

  /// The folder is the worker's own, and what it points at may be anybody's.
  @Test(arguments: ["ln -s secret backtrace.txt", "ln secret backtrace.txt", "mkfifo backtrace.txt"])
  func whatIsNoPlainFileIsNotRead(_ trick: String) async throws {
    try await withTemporaryDirectory { folder in
      try "a secret".write(toFile: "\(folder)/secret")
      let child = try await started("trap '\(trick)' USR2; echo here; while :; do sleep 0.05; done", in: folder)
      let seen = await Capturer().capture(.init(child: child, directory: folder, backtrace: .usr2), asking: true)
      #expect(seen.hasPrefix("no backtrace within"), "\(seen)")
      #expect(!seen.contains("a secret"))
      await ended(child)
    }
  }

  @Test func textIsBoundedAndPlain() {
    let long = Capture.bounded(String(repeating: "ä", count: Capture.maxBytes))
    #expect(long.utf8.count < Capture.maxBytes + 50)
    #expect(long.hasSuffix("… cut here\n"))
    #expect(Capture.bounded("a\u{1B}[31mb\tc\nd\u{9B}e") == "a [31mb c\nd e")
  }
}
