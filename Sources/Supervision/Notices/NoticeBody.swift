import FoundationEssentials
import Pool

/// What a receiver is sent; `masterpool help notifications` describes it.
struct NoticeBody {
  /// Rises when a known key comes to mean something else.
  static let version = 1

  var message: NoticeMessage
  var sender: NoticeSender
  var offset: WallOffset

  func encoded(for receiver: NoticeReceiver) throws -> [UInt8] {
    let words = NoticeText(message, host: sender.host, link: sender.link)
    let text = words.text(receiver.template, for: receiver.format)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    switch receiver.format {
    case .slack: return Array(try encoder.encode(["text": text]))
    case .json: return Array(try encoder.encode(document(text)))
    }
  }

  private func document(_ text: String) -> Document {
    Document(
      version: Self.version, id: sender.id(of: message), status: message.status.rawValue,
      severity: message.severity.rawValue, host: sender.host, receiver: message.receiver,
      sentAt: written(message.at), text: text, more: message.more, link: sender.link,
      alerts: message.alerts.map(entry))
  }

  private func entry(_ alert: Alert) -> Document.Entry {
    Document.Entry(
      status: alert.status.rawValue, kind: alert.notice.kind.rawValue, severity: alert.notice.severity.rawValue,
      subject: alert.notice.subject, pool: alert.notice.pool?.rawValue, slot: alert.notice.slot,
      generation: alert.notice.generation, summary: alert.notice.summary, details: alert.notice.details,
      since: written(alert.since), endedAt: alert.ended.map(written))
  }

  private func written(_ instant: Instant) -> String { Clock.timestamp(milliseconds: offset.wall(instant)) }

  struct Document: Encodable {
    var version: Int
    var id: String
    var status: String
    var severity: String
    var host: String
    var receiver: String
    var sentAt: String
    var text: String
    var more: Int
    var link: String?
    var alerts: [Entry]

    struct Entry: Encodable {
      var status: String
      var kind: String
      var severity: String
      var subject: String
      var pool: String?
      var slot: Int?
      var generation: Int?
      var summary: String
      var details: String?
      var since: String
      var endedAt: String?

      enum CodingKeys: String, CodingKey {
        case status, kind, severity, subject, pool, slot, generation, summary, details, since
        case endedAt = "ended_at"
      }
    }

    enum CodingKeys: String, CodingKey {
      case version, id, status, severity, host, receiver, text, more, link, alerts
      case sentAt = "sent_at"
    }
  }
}

/// As whose a message is signed.
struct NoticeSender: Sendable {
  var host: String
  var link: String?

  init(_ policy: NoticePolicy) {
    host = policy.host ?? MachineName.current
    link = policy.link
  }

  /// The same however often it is sent, also if somebody sets the clock meanwhile.
  func id(of message: NoticeMessage) -> String {
    "\(host)-\(message.at.nanoseconds / 1_000_000)-\(message.number)"
  }
}
