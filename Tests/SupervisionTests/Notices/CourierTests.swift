import Foundation
import Pool
import TestSupport
import Testing

@testable import Supervision

/// Messages on their way to a real receiver.
@Suite struct CourierTests {
  private static let notice = Notice(
    .crashLoop, subject: "some/3", pool: PoolName(rawValue: "some"), slot: 3, summary: "a/3 does not come up",
    details: "see there")

  private static func message(_ number: Int, to name: String = "ops") -> NoticeMessage {
    let now = Clock.now()
    return NoticeMessage(
      number: number, receiver: name, at: now, alerts: [Alert(.firing, notice, since: now)], more: 2)
  }

  private static func policy(
    _ url: NoticeReceiver.Secret, _ change: (inout NoticeReceiver) -> Void = { _ in }
  ) -> NoticePolicy {
    var receiver = NoticeReceiver(name: "ops", url: url)
    receiver.retryWait = .milliseconds(100)
    change(&receiver)
    var policy = NoticePolicy(receivers: [receiver])
    policy.host = "p1"
    policy.link = "https://p1/"
    return policy
  }

  private func withReceiver(
    _ answers: [String] = [WebhookReceiver.taken], _ body: (WebhookReceiver) async throws -> Void
  ) async throws {
    let receiver = try WebhookReceiver(answers)
    defer { receiver.stop() }
    try await body(receiver)
  }

  @Test func aMessageInJSONSaysEverything() async throws {
    try await withReceiver { receiver in
      let courier = NoticeCourier(policy: Self.policy(.text(receiver.url)))
      courier.send([Self.message(7)])
      let message = try #require(try await receiver.messages(1).first)
      let object = message.object
      #expect(message.requestLine == "POST /hook?key=secret HTTP/1.1")
      #expect(message.head.lowercased().contains("content-type: application/json"))
      #expect(object["version"] as? Int == 1)
      #expect((object["id"] as? String)?.hasSuffix("-7") == true)
      for (key, value) in [
        ("status", "firing"), ("severity", "critical"), ("host", "p1"), ("receiver", "ops"), ("link", "https://p1/"),
      ] {
        #expect(object[key] as? String == value)
      }
      #expect(object["more"] as? Int == 2)
      #expect(message.alerts == ["firing crash_loop some/3"])
      let alert = try #require((object["alerts"] as? [[String: Any]])?.first)
      #expect(alert["pool"] as? String == "some")
      #expect(alert["slot"] as? Int == 3)
      #expect((alert["since"] as? String)?.wholeMatch(of: #/\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z/#) != nil)
      #expect((object["text"] as? String)?.hasPrefix("masterpool on p1: critical\na/3 does not come up") == true)
    }
  }

  @Test func slackGetsATextAndHeadersComeFromFiles() async throws {
    try await withTemporaryDirectory { folder in
      try await withReceiver { receiver in
        try Data("\(receiver.url)\n".utf8).write(to: URL(filePath: "\(folder)/url"))
        try Data("  Bearer geheim \nrest".utf8).write(to: URL(filePath: "\(folder)/token"))
        let template = try NoticeTemplate("{host}: {summary}")
        let courier = NoticeCourier(
          policy: Self.policy(.file(path: "\(folder)/url")) {
            $0.format = .slack
            $0.template = template
            $0.headers = [
              .init(name: "Authorization", value: .file(path: "\(folder)/token")),
              .init(name: "X-Team", value: .text("ops")),
            ]
          })
        courier.send([Self.message(1)])
        let message = try #require(try await receiver.messages(1).first)
        #expect(message.text == #"{"text":"p1: a/3 does not come up (see there)"}"#)
        #expect(message.head.contains("Authorization: Bearer geheim\r\n"))
        #expect(message.head.contains("X-Team: ops"))
      }
    }
  }

  @Test func whatIsRefusedForNowIsTriedAgainAndSaidOnce() async throws {
    try await withReceiver([
      WebhookReceiver.answer(500), WebhookReceiver.answer(429, "Retry-After: 0\r\n"), WebhookReceiver.taken,
    ]) { receiver in
      let courier = NoticeCourier(policy: Self.policy(.text(receiver.url)))
      courier.send([Self.message(1), Self.message(2)])
      let messages = try await receiver.messages(4)
      await courier.finish(within: .seconds(10))
      let ids = messages.compactMap { $0.object["id"] as? String }
      #expect(Set(ids.prefix(3)).count == 1)
      #expect(Set(ids).count == 2)
      let standing = try #require(courier.standing.first)
      #expect(standing.deliveredTotal == 2)
      #expect(standing.trouble == nil)
      let news = await courier.news.reduce(into: [String]()) { $0.append($1) }
      #expect(news == ["ops does not take notifications: HTTP 500", "ops takes notifications again"])
    }
  }

  @Test func whatIsRefusedForGoodIsGivenUp() async throws {
    try await withReceiver([WebhookReceiver.answer(404, body: "no_service")]) { receiver in
      let courier = NoticeCourier(policy: Self.policy(.text(receiver.url)))
      courier.send([Self.message(1)])
      await courier.finish(within: .seconds(10))
      let standing = try #require(courier.standing.first)
      #expect(standing.failedTotal == 1)
      #expect(standing.trouble == "HTTP 404")
      #expect(receiver.messages.count == 1)
      let news = await courier.news.reduce(into: [String]()) { $0.append($1) }
      #expect(news == ["ops does not take notifications: HTTP 404, 1 given up"])
    }
  }

  @Test func aSecretThatIsMendedIsTakenUp() async throws {
    try await withTemporaryDirectory { folder in
      try await withReceiver { receiver in
        let courier = NoticeCourier(policy: Self.policy(.file(path: "\(folder)/url")))
        courier.send([Self.message(1)])
        var news = courier.news.makeAsyncIterator()
        let first = await news.next()
        #expect(
          first == "ops does not take notifications: \(folder)/url cannot be read: No such file or directory")
        try Data(receiver.url.utf8).write(to: URL(filePath: "\(folder)/url"))
        let messages = try await receiver.messages(1)
        #expect(messages.count == 1)
      }
    }
  }

  @Test func aTestTellsWhatCameBack() async throws {
    try await withReceiver([WebhookReceiver.answer(403, body: "invalid\u{1B}[1m\ntoken")]) { receiver in
      let courier = NoticeCourier(policy: Self.policy(.text(receiver.url)))
      let refused = await courier.test(["ops"])
      receiver.answer([WebhookReceiver.taken])
      let taken = await courier.test(["ops"])
      receiver.stop()
      #expect(refused.map(\.isTaken) == [false])
      #expect(refused.first?.words.hasPrefix("HTTP 403: invalid [1m token, after ") == true)
      #expect(taken.map(\.isTaken) == [true])
      #expect(taken.first?.words.hasPrefix("HTTP 200, after ") == true)
      #expect(receiver.messages.last?.alerts == ["occurred test test"])
      let counted = courier.standing.first.map { $0.deliveredTotal + $0.failedTotal }
      #expect(counted == 0)
    }
  }

  @Test func aSuccessorGoesOnWithWhatWaits() async throws {
    try await withReceiver { receiver in
      let dead = NoticeCourier(policy: Self.policy(.text("http://127.0.0.1:\(try freePort())/")))
      dead.send([Self.message(1)])
      var news = dead.news.makeAsyncIterator()
      _ = await news.next()
      let successor = NoticeCourier(policy: Self.policy(.text(receiver.url)))
      successor.recall(dead.memory.messages, ["ops": NoticeOutbox.Tally()])
      let message = try #require(try await receiver.messages(1).first)
      #expect((message.object["id"] as? String)?.hasSuffix("-1") == true)
    }
  }

  @Test(arguments: [
    ("", "is empty"), ("\nhttps://a/", "is empty"), (String(repeating: "x", count: 5000), "longer than 4096 bytes"),
  ])
  func whatIsNoSecretIsSaid(_ text: String, _ why: String) async throws {
    try await withTemporaryDirectory { folder in
      try Data(text.utf8).write(to: URL(filePath: "\(folder)/secret"))
      #expect { _ = try SecretFile.firstLine(of: "\(folder)/secret") } throws: { error in
        (error as? SecretFile.Unusable)?.why.contains(why) == true
      }
    }
  }
}
