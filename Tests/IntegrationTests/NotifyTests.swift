import Foundation
import Pool
import TestSupport
import Testing

/// Somebody is told when something is wrong, and when it is over.
@Suite struct NotifyTests {
  private func withReceiver(_ body: (WebhookReceiver, Masterpool, String) async throws -> Void) async throws {
    let receiver = try WebhookReceiver()
    defer { receiver.stop() }
    try await withTemporaryDirectory { scratch in
      try await withMasterpool(Self.setup(receiver, crashWhile: "\(scratch)/crash")) {
        try await body(receiver, $0, scratch)
      }
    }
  }

  /// Both workers die and crash on their start, again and again: one message tells of it.
  @Test func aCrashLoopIsOneMessageAndItsEndAnother() async throws {
    try await withReceiver { receiver, masterpool, scratch in
      try Data().write(to: URL(filePath: "\(scratch)/crash"))
      for worker in try await masterpool.workers() { kill(try #require(worker.pid), SIGKILL) }
      let first = try #require(try await receiver.messages(1).first)
      #expect(first.object["host"] as? String == "p1")
      #expect(first.object["severity"] as? String == "critical")
      #expect(first.alerts == ["firing no_worker stubs", "firing back_off stubs/0", "firing back_off stubs/1"])
      try FileManager.default.removeItem(atPath: "\(scratch)/crash")
      _ = try await receiver.message("the end") { $0.alerts.contains("resolved no_worker stubs") }
      let status = try await masterpool.status()
      #expect(status.notify?.receivers.map(\.name) == ["ops"])
      #expect(status.notify?.receivers.first?.failedTotal == 0)
    }
  }

  @Test func aTestSaysWhatCameBackAndNoSecret() async throws {
    try await withReceiver { receiver, masterpool, _ in
      let taken = try await masterpool.cli("notify", "test")
      #expect(taken.status == .exited(0))
      #expect(taken.output.hasPrefix("ops: taken, HTTP 200, after "))
      #expect(receiver.messages.first?.alerts == ["occurred test test"])
      receiver.answer([WebhookReceiver.answer(404, body: "no_service")])
      let refused = try await masterpool.cli("notify", "test", "ops")
      #expect(refused.status == .exited(1))
      #expect(refused.errors.contains("ops: not taken, HTTP 404: no_service, after "))
      let unknown = try await masterpool.cli("notify", "test", "mail")
      #expect(unknown.status == .exited(1))
      #expect(unknown.errors.contains("no receiver mail; there is ops"))
      let settings = try await masterpool.cli("get", "notify.receivers")
      #expect(settings.output.contains("http://127.0.0.1:\(receiver.port)/…"))
      for text in ["\(settings)", "\(refused)", masterpool.log] { #expect(!text.contains("secret")) }
    }
  }

  /// What is new when masterpool is stopped is told all the same; and receivers change while it runs.
  @Test func whoIsToldChangesLiveAndTheLastWordsArrive() async throws {
    let receiver = try WebhookReceiver()
    defer { receiver.stop() }
    try await withMasterpool(Setup()) { masterpool in
      let none = try await masterpool.cli("notify", "test")
      #expect(none.errors.contains("the settings have no notify.receivers"))
      let set = try await masterpool.cli(
        "set", "notify.receivers=[{name: ops, url: '\(receiver.url)'}]", "notify.group_wait=1h")
      #expect(set.status == .exited(0), "\(set)")
      try await refuseAReload(masterpool)
    }
    let last = try #require(try await receiver.messages(1).first)
    #expect(last.alerts == ["occurred reload_refused settings"])
    #expect(last.text.contains("stubs.workers"))
  }

  /// The next supervisor tells nothing twice, and that it is over.
  @Test func aKilledSupervisorsSuccessorGoesOn() async throws {
    let receiver = try WebhookReceiver()
    defer { receiver.stop() }
    try await withTemporaryDirectory { directory in
      let setup = Self.setup(receiver, crashWhile: "\(directory)/crash")
      let yaml = setup.yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      try Data().write(to: URL(filePath: "\(directory)/crash"))
      for worker in before.pools.flatMap(\.workers) { if let pid = worker.pid { kill(pid, SIGKILL) } }
      _ = try await receiver.messages(1)
      // The state is written soon after a message is on its way.
      try await eventually("the message in the state") {
        (text(ofFile: "\(directory)/run/state.json") ?? "").contains(#""isTold":true"#)
      }
      try await murder(first)
      try FileManager.default.removeItem(atPath: "\(directory)/crash")
      try await withMasterpool(yaml: yaml, in: directory, setup) { _ in
        _ = try await receiver.message("the end") { $0.alerts.contains("resolved no_worker stubs") }
        // What was just on its way may arrive twice, and says so.
        let before = receiver.messages.filter { !$0.alerts.contains("resolved no_worker stubs") }
        let ids = Set(before.map { $0.object["id"] as? String })
        #expect(ids.count == 1, "\(before.map(\.text))")
      }
    }
  }

  private static func setup(_ receiver: WebhookReceiver, crashWhile path: String) -> Setup {
    var setup = Setup()
    setup.stubOptions = ["--crash-while", path]
    setup.top = [
      "notify:", "  for: 0s", "  group_wait: 2s", "  group_interval: 1s", "  host: p1", "  crash_loop: 1000",
      "  receivers: [{name: ops, url: \"\(receiver.url)\", retry_wait: 100ms}]",
    ]
    return setup
  }
}
