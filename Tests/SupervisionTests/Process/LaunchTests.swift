import Glibc
import Testing
import TestSupport

@testable import Supervision

let searchPath = ["PATH": "/usr/bin:/bin"]
let isRoot = geteuid() == 0

func shell(
  _ script: String, user: String? = nil, directory: String? = nil, inherited: [InheritedDescriptor] = []
) throws -> ChildProcess {
  try ChildProcess.spawn(
    LaunchOrder(
      arguments: ["sh", "-c", script], environment: searchPath, user: user, workingDirectory: directory,
      inherited: inherited))
}

extension ChildProcess {
  /// All of its output; its remains are cleared away.
  func finish() async -> [String] {
    _ = await exit()
    killRemains()
    return await lines()
  }

  func lines() async -> [String] {
    var lines: [String] = []
    for await line in output { lines.append(line.text) }
    return lines
  }
}

@Suite struct LaunchTests {
  @Test(arguments: [
    ("exit 0", "exit 0"), ("exit 3", "exit 3"), ("kill -KILL $$", "SIGKILL"), ("kill -TERM $$", "SIGTERM"),
  ])
  func itsEndIsTold(_ script: String, _ end: String) async throws {
    let child = try shell(script)
    #expect(await child.exit().description == end)
    child.killRemains()
    #expect(await child.exit().description == end)
  }

  @Test func anyNumberMayAwaitTheEnd() async throws {
    let line = try Lifeline()
    let child = try shell(
      "read go <&3; exit 7", inherited: [InheritedDescriptor(descriptor: line.reading, as: 3)])
    let ends = await withTaskGroup { group in
      for _ in 0..<20 { group.addTask { await child.exit() } }
      line.letGo()
      return await group.reduce(into: []) { $0.append($1) }
    }
    let alike = ends.allSatisfy { $0 == .exited(7) }
    #expect(ends.count == 20 && alike)
    child.killRemains()
  }

  @Test func environmentIsWhatWasOrderedAndNothingElse() async throws {
    setenv("MASTERPOOL_TEST_LEAK", "1", 1)
    let environment = ["PATH": "/usr/bin:/bin", "A": "1=2", "B": "", "LANG": "C.UTF-8"]
    let child = try ChildProcess.spawn(LaunchOrder(arguments: ["env"], environment: environment))
    let ordered = environment.map { "\($0)=\($1)" }.sorted()
    #expect(await child.finish().sorted() == ordered)
  }

  @Test func signalsAreClean() async throws {
    // As a careless parent leaves them: one ignored, one blocked.
    signal(SIGUSR2, SIG_IGN)
    var blocked = sigset_t()
    sigemptyset(&blocked)
    sigaddset(&blocked, SIGUSR1)
    pthread_sigmask(SIG_BLOCK, &blocked, nil)
    let child = try shell("exec grep -E '^Sig(Blk|Ign):' /proc/self/status")
    pthread_sigmask(SIG_UNBLOCK, &blocked, nil)
    let lines = await child.finish()
    #expect(lines == ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"])
  }

  @Test func onlyTheNamedDescriptorsArrive() async throws {
    try await withTemporaryDirectory { folder in
      let files = try (0..<3).map { index in
        let descriptor = open("\(folder)/\(index)", O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0 else { throw SystemFailure("open") }
        return descriptor
      }
      defer { for file in files { close(file) } }
      // Each wants the number that another has now; the third, open without close-on-exec, goes to nobody.
      let child = try shell(
        "exec perl -e 'for (glob \"/proc/self/fd/*\") { print m{([0-9]+)$}, \" \", readlink, \"\\n\" }'",
        inherited: [
          InheritedDescriptor(descriptor: files[0], as: files[1]),
          InheritedDescriptor(descriptor: files[1], as: files[0]),
        ])
      var found: [Int32: String] = [:]
      for line in await child.finish() {
        let parts = line.split(separator: " ")
        guard parts.count == 2, let number = Int32(parts[0]) else { continue }
        found[number] = String(parts[1])
      }
      #expect(found[0] == "/dev/null")
      #expect(found[1]?.hasPrefix("pipe:") == true && found[1] == found[2])
      #expect(found[files[0]] == "\(folder)/1" && found[files[1]] == "\(folder)/0")
      #expect(Set(found.keys) == [0, 1, 2, files[0], files[1]])
    }
  }

  @Test func itLeadsAGroupOfItsOwnUnderItsMask() async throws {
    let child = try shell("umask; pwd; exec cat /proc/self/stat", directory: "/usr")
    let lines = await child.finish()
    #expect(lines.prefix(2) == ["0027", "/usr"])
    let entry = try #require(ProcessTable.Entry(stat: Array((lines.last ?? "").utf8)))
    #expect(entry.pid == child.pid && entry.group == child.pid)
    #expect(entry.startTime == child.startTime && child.startTime > 0)
  }

  @Test(.enabled(if: isRoot)) func itRunsAsItsUserWithTheGroupsOfThat() async throws {
    let user = try UserIdentity.named("nobody")
    let child = try shell("id -u; id -g; id -G; grep -E '^(Uid|CapEff)' /proc/self/status", user: "nobody")
    let id = "\(user.uid)"
    #expect(
      await child.finish() == [
        id, "\(user.gid)", user.groups.map(String.init).joined(separator: " "),
        "Uid:\t\(id)\t\(id)\t\(id)\t\(id)", "CapEff:\t0000000000000000",
      ])
  }

  @Test(arguments: [
    ([], "the command is empty"),
    (["no-such-program"], "no-such-program is not an executable on PATH"),
    (["/no/such/program"], "/no/such/program does not exist or is not executable"),
    (["/etc/passwd"], "/etc/passwd does not exist or is not executable"),
    (["/usr"], "/usr does not exist or is not executable"),
    (["sh", "a\0b"], "the argument \"a\\0b\" contains a zero byte"),
  ])
  func aCommandThatCannotRunIsRefused(_ arguments: [String], _ why: String) throws {
    let failure = #expect(throws: SpawnFailure.self) {
      try ChildProcess.spawn(LaunchOrder(arguments: arguments, environment: searchPath))
    }
    #expect(failure?.description == why)
  }

  @Test func aRelativeEntryOfThePathIsNotSearched() async throws {
    try await withTemporaryDirectory { folder in
      try "#!/bin/sh\n".write(toFile: "\(folder)/trap", mode: 0o755)
      let order = LaunchOrder(
        arguments: ["trap"], environment: ["PATH": ".::/usr/bin"], workingDirectory: folder)
      #expect(throws: SpawnFailure.executableMissing("trap")) { try ChildProcess.spawn(order) }
    }
  }

  @Test func whatFailsInTheChildIsToldAndLeavesNoZombie() async throws {
    try await withTemporaryDirectory { folder in
      try "#!/no/such/interpreter\n".write(toFile: "\(folder)/script", mode: 0o755)
      for _ in 0..<20 {
        #expect(throws: SpawnFailure.failed(stage: "executing its program", errno: ENOENT)) {
          try ChildProcess.spawn(LaunchOrder(arguments: ["\(folder)/script"], environment: [:]))
        }
        #expect(throws: SpawnFailure.failed(stage: "entering its working directory", errno: ENOENT)) {
          try shell("true", directory: "\(folder)/missing")
        }
        #expect(throws: SpawnFailure.failed(stage: "handing over descriptors", errno: EBADF)) {
          try shell("true", inherited: [InheritedDescriptor(descriptor: 100_000, as: 3)])
        }
      }
    }
    let zombies = ChildProcess.known.withLock { known in
      ProcessTable.children().filter { $0.isZombie && !known.contains($0.pid) }
    }
    #expect(zombies.count < 20)
  }

  @Test(arguments: [[2], [256], [5, 5]])
  func impossibleDescriptorNumbersAreRefused(_ numbers: [Int32]) {
    #expect(throws: SpawnFailure.self) {
      try shell("true", inherited: numbers.map { InheritedDescriptor(descriptor: 0, as: $0) })
    }
  }

  @Test func anUnknownUserIsRefused() {
    #expect(throws: SpawnFailure.unknownUser("no-such-user")) { try shell("true", user: "no-such-user") }
  }
}
