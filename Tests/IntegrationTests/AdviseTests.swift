import Foundation
import Pool
import TestSupport
import Testing

/// Advice from a real ledger, which is too young to say more than that.
@Suite struct AdviseTests {
  @Test func aYoungLedgerSaysHowMuchMoreItTakes() async throws {
    let setup = Setup()
    try await withTemporaryDirectory { directory in
      try await withMasterpool(yaml: setup.yaml(directory: directory), in: directory, setup) { pool in
        _ = try await pool.status("all are ready") { $0.pools.allSatisfy { $0.ready == $0.size } }
        #expect(try await pool.cli("restart", "--wait").status == .exited(0))
        try await pool.events(2, "exits") { $0.kind == .exit }

        let printed = try await pool.cli("advise", "--json")
        #expect(printed.status == .exited(0), "\(printed)")
        let advice = try JSONDecoder().decode(AdviceDocument.self, from: Data(printed.output.utf8))
        #expect(advice.pools.map(\.pool.rawValue) == ["stubs"])
        #expect(advice.pools.first?.verdict == .notEnoughData && advice.pools.first?.hoursMore == 1)
        #expect(advice.pools.first?.advice == PoolAdvice.Values())

        let response = try await request("GET", "/v1/advice?pool=stubs", at: .unix("\(directory)/run/control.sock"))
        #expect(response.status == 200)
        let told = try JSONDecoder().decode(AdviceDocument.self, from: Data(response.body))
        #expect(told.pools.first?.verdict == .notEnoughData)
        let other = try await request("GET", "/v1/advice?pool=others", at: .unix("\(directory)/run/control.sock"))
        #expect(try JSONDecoder().decode(AdviceDocument.self, from: Data(other.body)).pools.isEmpty)

        let words = try await pool.cli("advise", "stubs")
        #expect(words.output.hasPrefix("stubs: Not enough data yet: 1 hour more."), "\(words.output)")
        let unknown = try await pool.cli("advise", "others")
        #expect(unknown.status == .exited(1) && unknown.errors.contains("no pool others is known"), "\(unknown)")
        let replayed = try await pool.cli("advise", "--what-if", "every=4h,memory=350MiB")
        #expect(replayed.status == .exited(1) && replayed.errors.contains("lived long enough"), "\(replayed)")
        for (wrong, words) in [
          ("every", "takes every=4h or every=off"), ("every=soon", "takes every=4h or every=off"),
          ("memory=5", "takes memory=350MiB or memory=off"), ("every=4h,", "not \"\""), ("", "not \"\""),
          ("colour=red", "takes every, memory, memory_limit, requests, not \"colour\""),
        ] {
          let refused = try await pool.cli("advise", "--what-if", wrong)
          #expect(refused.status == .exited(64) && refused.errors.contains(words), "\(wrong): \(refused)")
        }
      }
    }
  }
}
