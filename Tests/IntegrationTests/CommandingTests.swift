import Foundation
import Pool
import TestSupport
import Testing

/// Who commands: told by the ledger, and over the network only with the token.
@Suite struct CommandingTests {
  private func command(_ token: String?, at port: UInt16, _ body: String) async throws -> Int {
    let headers = [("Host", "localhost")] + (token.map { [("Authorization", "Bearer \($0)")] } ?? [])
    return try await request("POST", "/v1/commands", headers: headers, body: Array(body.utf8), at: .port(port)).status
  }

  @Test func theTokenCommandsOverTheNetworkAndChangesWithAReload() async throws {
    try await withTemporaryDirectory { folder async throws in
      let file = "\(folder)/token"
      try "the-first-token-of-all\n".write(toFile: file, mode: 0o600)
      let port = try freePort()
      var setup = Setup()
      setup.control = ["listen: 127.0.0.1:\(port)", "token_file: \(file)"]
      try await withMasterpool(setup) { masterpool in
        let drain = #"{"command":"drain","slot":"stubs/0"}"#
        #expect(try await command(nil, at: port, drain) == 401)
        #expect(try await command("the-second-token-of-all", at: port, drain) == 401)
        #expect(try await command("the-first-token-of-all", at: port, drain) == 200)
        let told = try await masterpool.event("the command") { $0.kind == .command }
        #expect(told.by == "token from 127.0.0.1")

        try "the-second-token-of-all\n".write(toFile: file, mode: 0o600)
        let resume = #"{"command":"resume","slot":"stubs/0"}"#
        #expect(try await command("the-second-token-of-all", at: port, resume) == 401)
        let reloaded = try await masterpool.cli("reload")
        #expect(reloaded.status == .exited(0) && reloaded.output.contains("control.token_file"), "\(reloaded.output)")
        #expect(try await command("the-first-token-of-all", at: port, resume) == 401)
        #expect(try await command("the-second-token-of-all", at: port, resume) == 200)

        // One that has become unusable changes nothing.
        try "short\n".write(toFile: file, mode: 0o600)
        let refused = try await masterpool.cli("reload")
        #expect(refused.status == .exited(1) && refused.errors.contains("has 5 characters"), "\(refused.errors)")
        #expect(try await command("the-second-token-of-all", at: port, resume) == 200)
      }
    }
  }

  @Test func theLedgerTellsWhoAskedOverTheSocket() async throws {
    try await withMasterpool(Setup()) { masterpool in
      #expect(try await masterpool.cli("drain", "stubs/0").status == .exited(0))
      #expect(try await masterpool.cli("drain", "stubs/77").status == .exited(1))
      #expect(try await masterpool.cli("reload").status == .exited(0))
      let who = "\(NSUserName()) (uid \(geteuid()), pid "
      for what in ["stubs/0 is taken out", "refused: no slot", "reload by command"] {
        let told = try await masterpool.event("\(what)") { $0.message.contains(what) }
        #expect(told.by?.hasPrefix(who) == true, "\(told)")
      }
      // What follows from it was nobody's command.
      let drained = try await masterpool.event("the drain") { $0.kind == .drain }
      #expect(drained.by == nil)
      let shown = try await masterpool.cli("events")
      #expect(shown.output.contains("stubs/0 is taken out  by \(who)"), "\(shown.output)")
      let kept = try await masterpool.cli("events", "--json")
      #expect(kept.output.contains("\"by\" : \"\(who)"))
    }
  }

  @Test func atTheStartAnUnusableTokenIsABadSetting() async throws {
    try await withTemporaryDirectory { folder async throws in
      let file = "\(folder)/token"
      try "short\n".write(toFile: file, mode: 0o600)
      var setup = Setup()
      setup.control = ["listen: 127.0.0.1:\(try freePort())", "token_file: \(file)"]
      let yaml = "\(folder)/masterpool.yaml"
      try setup.yaml(directory: folder).write(toFile: yaml, mode: 0o600)
      for verb in ["check", "run"] {
        let ended = try await run(Programs.masterpool, [verb, "--config", yaml])
        #expect(ended.status == .exited(78), "\(verb)")
        #expect(ended.errors.contains("control.token_file \(file): its token has 5 characters"), "\(ended.errors)")
      }
    }
  }
}
