import Foundation
import Pool
import TestSupport
import Testing

/// Settings beside the file, and over it.
@Suite struct TuningTests {
  @Test func dropInsAreReadWithTheFileAndToldInTheirOwnPlaces() async throws {
    try await withMasterpool(Setup()) { masterpool in
      let folder = "\(masterpool.directory)/masterpool.d"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
      try "pools: {stubs: {recycle: {every: 20m}}}\n".write(toFile: "\(folder)/50-site.yaml")
      try "garbage: [\n".write(toFile: "\(folder)/.60-site.yaml.new")
      let reloaded = try await masterpool.cli("reload")
      #expect(reloaded.status == .exited(0), "\(reloaded)")
      #expect(reloaded.output == "changed: pools.stubs.recycle.every\n")

      try "pools:\n  stubs:\n    workers: none\n".write(toFile: "\(folder)/70-late.yaml")
      let refused = try await masterpool.cli("reload")
      #expect(refused.status == .exited(1))
      #expect(
        refused.errors.contains("\(folder)/70-late.yaml:3:14: pools.stubs.workers: \"none\" is not"), "\(refused)")
    }
  }

  /// Answered with what it took.
  @Test func aTimerIsSetWithoutAnyRecycle() async throws {
    var setup = Setup()
    setup.workers = 2
    setup.pool = ["recycle: {every: 1h}"]
    try await withMasterpool(setup) { masterpool in
      let before = try await masterpool.status()
      let set = try await masterpool.cli("set", "pools.stubs.recycle.every=20m")
      #expect(set.status == .exited(0), "\(set)")
      #expect(set.output == "pools.stubs.recycle.every is 20m, was 1h: live\n")
      #expect(try await masterpool.cli("get", "pools.stubs.recycle.every").output == "20m\n")
      let after = try await masterpool.status()
      #expect(pids(after) == pids(before) && after.proxy?.pid == before.proxy?.pid)
      #expect(after.pools.first?.limits?.everySeconds == 1200)

      let told = try await masterpool.event("the command") { $0.kind == .command }
      #expect(told.message == "set: pools.stubs.recycle.every is 20m, was 1h: live")
      #expect(told.by?.hasPrefix("\(NSUserName()) (uid \(geteuid()), pid ") == true, "\(told)")
      let shown = try await masterpool.cli("get", "pools.stubs.recycle")
      #expect(shown.output.contains("set by \(NSUserName()) "), "\(shown.output)")
      #expect(shown.output.contains("pools.stubs.recycle.jitter"), "\(shown.output)")
      let found = try await masterpool.cli("diff")
      #expect(found.output.contains("pools.stubs.recycle.every  20m      1h "), "\(found.output)")

      // Taken back, and once more is once too often.
      let back = try await masterpool.cli("set", "pools.stubs.recycle.every=")
      #expect(back.output == "pools.stubs.recycle.every is 1h, was 20m: live\n", "\(back)")
      #expect(try await masterpool.cli("diff").output == "What runs is what the files say.\n")
      let again = try await masterpool.cli("set", "pools.stubs.recycle.every=")
      #expect(again.status == .exited(1) && again.errors.contains("is not set live, but nothing is"), "\(again)")
    }
  }

  @Test func eachChangeTakesWhatItTakes() async throws {
    var setup = Setup()
    setup.workers = 2
    try await withMasterpool(setup) { masterpool in
      let load = Load(Load.Plan(masterpool.address, connections: 3, requests: [.get(bytes: 100, "&ms=2")]))
      let before = try await masterpool.status()
      let more = try await masterpool.cli("set", "pools.stubs.workers=3")
      #expect(more.output.hasPrefix("pools.stubs.workers is 3, was 2: live\n"), "\(more)")
      try await masterpool.status("three workers") { $0.pools.first?.ready == 3 }

      let environment = try await masterpool.cli("set", "pools.stubs.environment.SECRET=geheim")
      #expect(environment.output.hasPrefix("pools.stubs.environment is {"), "\(environment)")
      #expect(environment.output.contains(": recycle\nrecycling stubs, reload\n"), "\(environment)")
      #expect(!environment.output.contains("geheim"))
      try await masterpool.status("each worker is another one") { status in
        status.pools.first?.ready == 3
          && status.pools.flatMap(\.workers).allSatisfy { $0.generation > 1 && $0.state == "ready" }
      }

      let threads = try await masterpool.cli("set", "proxy.threads=2")
      #expect(threads.output.hasSuffix(": proxy\nproxy 2 serves\n"), "\(threads)")
      let after = try await masterpool.status()
      #expect(after.proxy?.generation == 2 && before.proxy?.generation == 1)

      // Whoever sets the number means it, whatever scale has made of it.
      #expect(try await masterpool.cli("scale", "stubs", "1").status == .exited(0))
      let scaled = try await masterpool.cli("diff")
      #expect(scaled.output.contains("masterpool scale"), "\(scaled.output)")
      let three = try await masterpool.cli("set", "pools.stubs.workers=3")
      #expect(three.output.hasPrefix("pools.stubs.workers is 3, was 1: live"), "\(three)")
      try await masterpool.status("three workers again") { $0.pools.first?.ready == 3 }
      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")
    }
  }

  static let changes = [
    "proxy.idle_timeout=30s", "proxy.max_connections=900", "pools.stubs.queue.limit=99",
    "pools.stubs.queue.retry_after.max=9m", "pools.stubs.request_timeout=5m", "pools.stubs.stuck.factor=11",
    "pools.stubs.quarantine.strikes=4", "pools.stubs.ready.timeout=50s", "pools.stubs.alive.every=9s",
    "pools.stubs.recycle.memory=700MiB", "pools.stubs.recycle.windows=[{never: 'Mon-Fri 07:00-08:00'}]",
    "pools.stubs.stop.terminate=9s", "pools.stubs.memory_budget=1GiB", "pools.stubs.deploy.settle=3s",
    "pools.stubs.working_directory=/tmp", "pools.stubs.backtrace=USR1", "pools.stubs.cache.wipe=['{slot}/cache']",
    "history.keep=20d", "nodes.overdue=3h", "nodes.limit=5000", "access_log.to=stdout",
    "routes=[{path: /, allow: any, pool: stubs, retry: yes}]",
  ]

  /// What each key is said to take is what it took.
  @Test func whatAChangeIsSaidToTakeIsWhatItTakes() async throws {
    try await withMasterpool(Setup()) { masterpool in
      for assignment in Self.changes {
        let key = String(assignment.prefix { $0 != "=" })
        let before = try await masterpool.status().proxy?.generation
        let set = try await masterpool.cli("set", assignment)
        #expect(set.status == .exited(0), "\(assignment): \(set)")
        let hasProxy = try await masterpool.status().proxy?.generation != before
        let hasRecycled = set.output.contains("recycling stubs")
        let words = set.output.split(separator: "\n").first.map(String.init) ?? ""
        let expected = hasRecycled ? "recycle" : hasProxy ? "proxy" : "live"
        #expect(words.hasPrefix("\(key) is ") && words.hasSuffix(": \(expected)"), "\(assignment): \(set.output)")
      }
    }
  }

  static let refused: [(String, String)] = [
    ("pools.stubs.workers=0", "pools.stubs.workers: 0 is too small; write auto, or a number from 1 to 1024"),
    ("pools.stubs.recycle.evry=1m", "pools.stubs.recycle.evry: unknown key; write every"),
    ("pools.stub.workers=1", "pools.stub.workers: there is no pool stub; write stubs"),
    ("state_dir=/tmp/other", "state_dir cannot change while masterpool runs, so nothing was changed"),
    ("control.listen=127.0.0.1:1", "control.listen cannot change while masterpool runs, so nothing was changed"),
  ]

  @Test func whatIsWrongIsRefusedInTheFilesWordsAndNothingIsChanged() async throws {
    try await withMasterpool(Setup()) { masterpool in
      let before = try await masterpool.cli("get")
      for (assignment, words) in Self.refused {
        let set = try await masterpool.cli("set", "pools.stubs.recycle.every=20m", assignment)
        #expect(set.status == .exited(1) && set.errors.contains(words), "\(set)")
      }
      #expect(try await masterpool.cli("set", "pools.stubs.workers").status == .exited(64))
      #expect(try await masterpool.cli("set", "a=1", "a=2").status == .exited(64))
      let missing = try await masterpool.cli("get", "pools.stubs.wrkers")
      #expect(missing.status == .exited(1) && missing.errors.contains("pools.stubs.workers?"), "\(missing)")
      #expect(try await masterpool.cli("get").output == before.output)
      #expect(try await masterpool.cli("diff").output == "What runs is what the files say.\n")
    }
  }

  @Test func aReloadDropsWhatWasSetAndSaysSo() async throws {
    var setup = Setup()
    try await withMasterpool(setup) { masterpool in
      #expect(try await masterpool.cli("set", "pools.stubs.recycle.every=20m").status == .exited(0))
      // What was changed in the file is not put in force by the way.
      setup.proxy = ["threads: 1", "max_connections: 777"]
      try masterpool.rewrite(setup)
      let set = try await masterpool.cli("set", "pools.stubs.recycle.jitter=7%")
      #expect(set.output == "pools.stubs.recycle.jitter is 7%, was 20%: live\n")
      let found = try await masterpool.cli("diff")
      #expect(found.output.contains("proxy.max_connections") && found.output.contains("777"), "\(found.output)")
      let reloaded = try await masterpool.cli("reload")
      #expect(reloaded.output.contains("pools.stubs.recycle.every"), "\(reloaded)")
      let told = try await masterpool.event("what is dropped") { $0.message.contains("holds no longer") }
      #expect(told.message.contains("pools.stubs.recycle.every, pools.stubs.recycle.jitter"), "\(told)")
      #expect(try await masterpool.cli("diff").output == "What runs is what the files say.\n")

      try masterpool.rewrite(yaml: "listen: []\n")
      let broken = try await masterpool.cli("diff")
      #expect(broken.status == .exited(0) && broken.output.contains("A reload would be refused:"), "\(broken)")
    }
  }

  @Test func whatIsSetOutlivesAKilledSupervisorAndWhatIsKeptAnyStart() async throws {
    var setup = Setup()
    setup.workers = 2
    try await withTemporaryDirectory { directory in
      let yaml = setup.yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      let set = try await command("set", "pools.stubs.recycle.every=20m", in: directory)
      #expect(set.status == .exited(0), "\(set)")
      let kept = try await command(
        "set", "pools.stubs.recycle.jitter=7%", "pools.stubs.queue.limit=99", "--persist", in: directory)
      #expect(kept.output.hasSuffix("kept in \(directory)/masterpool.d/90-set.yaml\n"), "\(kept)")
      let text = try String(contentsOfFile: "\(directory)/masterpool.d/90-set.yaml", encoding: .utf8)
      #expect(
        text.hasSuffix("pools:\n  stubs:\n    queue:\n      limit: 99\n    recycle:\n      jitter: 7%\n")
          && text.hasPrefix("# "), "\(text)")
      #expect(try String(contentsOfFile: "\(directory)/masterpool.yaml", encoding: .utf8) == yaml)
      try await murder(first)

      try await withMasterpool(yaml: yaml, in: directory, setup) { second in
        let after = try await second.status("the proxy serves") { $0.proxy != nil && $0.state == "running" }
        #expect(pids(after) == pids(before))
        #expect(try await second.cli("get", "pools.stubs.recycle.every").output == "20m\n")
        #expect(try await second.cli("get", "pools.stubs.recycle.jitter").output == "7%\n")
        let told = try await second.cli("get", "pools.stubs.recycle")
        #expect(told.output.contains("\(directory)/masterpool.d/90-set.yaml:"), "\(told.output)")
        #expect(after.pools.first?.limits?.everySeconds == 1200)
        // And taken out again.
        let out = try await second.cli("set", "pools.stubs.recycle.jitter=", "pools.stubs.queue.limit=", "--persist")
        #expect(out.status == .exited(0) && out.output.contains("jitter is 20%, was 7%: live"), "\(out)")
        let twice = try await second.cli("set", "pools.stubs.queue.limit=", "--persist")
        #expect(twice.status == .exited(1) && twice.errors.contains("it is not set in "), "\(twice)")
        // A later drop-in would have the last word.
        try "pools: {stubs: {recycle: {jitter: 9%}}}\n".write(toFile: "\(directory)/masterpool.d/95-late.yaml")
        #expect(try await second.cli("reload").status == .exited(0))
        let vain = try await second.cli("set", "pools.stubs.recycle.jitter=7%", "--persist")
        #expect(vain.status == .exited(1) && vain.errors.contains("95-late.yaml:1 comes after"), "\(vain)")
        #expect(try await second.cli("get", "pools.stubs.recycle.jitter").output == "9%\n")
      }
    }
  }

  /// What bash offers behind the words.
  private func offered(_ words: [String], control: String) async throws -> [String] {
    let script = """
      eval "$('\(Programs.masterpool)' --generate-completion-script bash)"
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
      _masterpool "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let result = try await run(
      "/bin/bash", ["-c", script, "bash", Programs.masterpool] + words, environment: ["MASTERPOOL_CONTROL": control])
    return result.output.split(separator: "\n").map(String.init)
  }

  @Test func theShellCompletesKeysPoolsAndSlots() async throws {
    try await withMasterpool(Setup()) { masterpool in
      let control = masterpool.controlSocket
      let keys = try await offered(["get", "pools.stubs.recycle.e"], control: control)
      #expect(keys == ["pools.stubs.recycle.every"])
      let assignments = try await offered(["set", "pools.stubs.workers"], control: control)
      #expect(assignments == ["pools.stubs.workers="])
      // What cannot be set is not offered.
      #expect(try await offered(["set", "state"], control: control) == [])
      #expect(try await offered(["scale", ""], control: control).contains("stubs"))
      #expect(try await offered(["drain", "stubs/"], control: control) == ["stubs/0", "stubs/1"])
      #expect(try await offered(["restart", "st"], control: control) == ["stubs", "stubs/0", "stubs/1"])
      // Nobody there: nothing, and no complaint.
      #expect(try await offered(["get", "pools"], control: "\(masterpool.directory)/none.sock") == [])
    }
  }

  private func command(_ arguments: String..., in directory: String) async throws -> CommandResult {
    try await run(Programs.masterpool, arguments + ["--control", "\(directory)/run/control.sock"])
  }
}
