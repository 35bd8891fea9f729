import Foundation
import Pool
import TestSupport
import Testing

/// Receivers behind TLS that Debian's HAProxy ends.
@Suite struct NotifyTLSTests {
  /// A receiver's name, at which of two ports it is, and whom it trusts.
  private struct Hook {
    var name: String
    var port: UInt16
    var authorities: String?
  }

  private func withReceivers(
    _ body: (WebhookReceiver, Certificates, _ rightName: UInt16, _ otherName: UInt16) async throws -> Void
  ) async throws {
    let receiver = try WebhookReceiver()
    defer { receiver.stop() }
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: ["hooks.example"])
      try await withTLSFront(certificates, "server", "hooks.example", before: receiver.port) {
        try await body(receiver, certificates, $0, $1)
      }
    }
  }

  @Test func aReceiverIsToldIfItsCertificateIsTrustedAndForItsHost() async throws {
    try await withReceivers { receiver, certificates, rightName, otherName in
      let foreign = "\(certificates.folder)/foreign/ca.pem"
      let hooks = [
        Hook(name: "right", port: rightName, authorities: certificates.ca), Hook(name: "usual", port: rightName),
        Hook(name: "foreign", port: rightName, authorities: foreign),
        Hook(name: "misnamed", port: otherName, authorities: certificates.ca),
      ]
      let untrusted = "its certificate is not trusted: unable to get local issuer certificate; trusted are "
      let reasons = [
        "usual": untrusted + "this machine's authorities, others by ca",
        "foreign": untrusted + "the authorities in \(foreign)",
        "misnamed": "its certificate is for another host than localhost",
      ]
      try await withMasterpool(Self.setup(hooks)) { masterpool in
        try await expectTests(masterpool, reasons)
        #expect(receiver.messages.map(\.receiver) == ["right", "right"])

        let wrong = try await refuseAReload(masterpool)
        _ = try await receiver.messages(3)
        let status = try await masterpool.status("what is not delivered") { status in
          status.notify?.receivers.filter { $0.trouble != nil }.count == reasons.count
        }
        for told in status.notify?.receivers ?? [] {
          #expect(told.trouble == reasons[told.name])
          #expect(told.waiting == (told.name == "right" ? 0 : 1))
          #expect(told.deliveredTotal == (told.name == "right" ? 1 : 0))
        }
        let words = try await masterpool.cli("status").output
        for (name, reason) in reasons { #expect(words.contains("\(name) does not take notifications: \(reason);")) }
        #expect(receiver.messages.count == 3)

        // With the right authorities and the right host, what waited is told.
        try FileManager.default.removeItem(atPath: wrong)
        let mended = hooks.map { Hook(name: $0.name, port: rightName, authorities: certificates.ca) }
        try masterpool.rewrite(Self.setup(mended))
        #expect(try await masterpool.cli("reload").status == .exited(0))
        let all = try await receiver.messages(6)
        let late = Set(all.suffix(3).map(\.receiver))
        #expect(late == ["usual", "foreign", "misnamed"])
        #expect(all.suffix(3).map(\.alerts) == Array(repeating: ["occurred reload_refused settings"], count: 3))
      }
    }
  }

  private func expectTests(_ masterpool: Masterpool, _ reasons: [String: String]) async throws {
    let all = try await masterpool.cli("notify", "test")
    #expect(all.status == .exited(1))
    #expect(all.errors.contains("right: taken, HTTP 200, after "))
    for (name, reason) in reasons {
      #expect(all.errors.contains("\(name): not taken, \(reason), after "), "\(all.errors)")
      let alone = try await masterpool.cli("notify", "test", name)
      #expect(alone.status == .exited(1))
      #expect(alone.errors.contains(reason), "\(alone.errors)")
    }
    let right = try await masterpool.cli("notify", "test", "right")
    #expect(right.status == .exited(0))
  }

  /// What is refused waits for longer than a test.
  private static func setup(_ hooks: [Hook]) -> Setup {
    var setup = Setup()
    setup.workers = 1
    setup.top =
      ["notify:", "  group_wait: 0s", "  last_wait: 0s", "  receivers:"]
      + hooks.map { hook in
        let trust = hook.authorities.map { ", ca: \"\($0)\"" } ?? ""
        return "    - {name: \(hook.name), url: \"https://localhost:\(hook.port)/hook\", retry_wait: 5m\(trust)}"
      }
    return setup
  }
}

/// A file beside the settings is wrong, which is told to every receiver. Its path.
@discardableResult
func refuseAReload(_ masterpool: Masterpool) async throws -> String {
  let folder = "\(masterpool.directory)/masterpool.d"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  let file = "\(folder)/9.yaml"
  try "pools: {stubs: {workers: none}}\n".write(toFile: file)
  masterpool.process.send(SIGHUP)
  try await masterpool.event("the refusal") { $0.kind == .reload && $0.message.contains("refused") }
  return file
}
