/// A message in words.
public struct NoticeText: Sendable {
  public var message: NoticeMessage
  public var host: String
  public var link: String?

  public init(_ message: NoticeMessage, host: String, link: String?) {
    self.message = message
    self.host = host
    self.link = link
  }

  /// - Parameter format: its receiver's; Slack's markup is taken out of values.
  public func text(_ template: NoticeTemplate?, for format: NoticeReceiver.Format) -> String {
    let escape: (String) -> String =
      switch format {
      case .json: { $0 }
      case .slack: Self.escaped
      }
    guard let template else { return escape(plain) }
    return template.filled(value, escape: escape)
  }

  /// Slack reads `<…>` as a link or a mention (its docs: "Escaping text").
  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }

  private var plain: String {
    (["masterpool on \(host): \(headline)"] + lines + (link.map { [$0] } ?? [])).joined(separator: "\n")
  }

  private var headline: String {
    if message.alerts.contains(where: { $0.notice.kind == .test }) { return "a test" }
    switch message.status {
    case .resolved: return "all is well again"
    case .firing, .occurred: return message.severity.rawValue
    }
  }

  private var lines: [String] {
    message.alerts.map(line) + (message.more > 0 ? ["and \(message.more) more"] : [])
  }

  private func line(_ alert: Alert) -> String {
    switch alert.status {
    case .firing, .occurred:
      let details = alert.notice.details.map { " (\($0))" } ?? ""
      return "\(alert.notice.summary)\(details)"
    case .resolved:
      let lasted = alert.ended.map { ", after \(($0 - alert.since).short)" } ?? ""
      return "over\(lasted): \(alert.notice.summary)"
    }
  }

  private func value(_ placeholder: NoticeTemplate.Placeholder) -> String {
    switch placeholder {
    case .text: plain
    case .summary: message.alerts.first.map(line) ?? ""
    case .list: lines.joined(separator: "\n")
    case .host: host
    case .receiver: message.receiver
    case .status: message.status.rawValue
    case .severity: message.severity.rawValue
    case .count: String(message.alerts.count)
    case .more: String(message.more)
    case .kinds: words(message.alerts.map(\.notice.kind.rawValue))
    case .pools: words(message.alerts.compactMap(\.notice.pool?.rawValue))
    case .link: link ?? ""
    case .newline: "\n"
    }
  }

  private func words(_ all: [String]) -> String { Set(all).sorted().joined(separator: ", ") }
}
