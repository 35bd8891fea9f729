import Pool

/// The bounds of what the `notify` section may say.
enum NotifyBounds {
  static let receivers = 32
  static let headers = 32
  static let lasting = Duration.zero ... .seconds(86400)
  static let groupWait = Duration.zero ... .seconds(3600)
  static let groupInterval = Duration.seconds(1) ... .seconds(86400)
  static let repeatInterval = Duration.seconds(60) ... .seconds(30 * 86400)
  static let maxMessagesPerHour = 1...10_000
  static let maxAlerts = 1...100_000
  static let maxListed = 1...1000
  static let crashLoop = 2...1000
  static let certificateExpiry = Duration.seconds(60) ... .seconds(3650 * 86400)
  static let lastWait = Duration.zero ... .seconds(60)
  static let timeout = Duration.milliseconds(100) ... .seconds(60)
  static let maxAttempts = 1...1000
  static let maxAge = Duration.seconds(1) ... .seconds(7 * 86400)
  static let retryWait = Duration.milliseconds(100) ... .seconds(3600)
  static let queue = 1...10_000
  static let maxResponse = ByteCount(bytes: 0) ... .mebibytes(16)
}

extension Reader {
  func notify(_ section: Section, of pools: [PlacedPool]) -> NoticePolicy {
    let usual = NoticePolicy()
    let proxy = proxy(section, usual: nil, shown: "off")
    var policy = NoticePolicy(receivers: section.read("receivers", []) { receivers($0, of: pools, through: proxy) })
    policy.host = section.optional("host", shown: "the machine's name", hostName)
    policy.link = section.optional("link", link)
    policy.lasting = section.read("for", usual.lasting) { $0.time(in: NotifyBounds.lasting) }
    policy.groupBy = section.read("group_by", usual.groupBy, shown: "[pool]", grouping)
    policy.groupWait = section.read("group_wait", usual.groupWait) { $0.time(in: NotifyBounds.groupWait) }
    policy.groupInterval = section.read("group_interval", usual.groupInterval) {
      $0.time(in: NotifyBounds.groupInterval)
    }
    policy.repeatInterval = section.read("repeat_interval", usual.repeatInterval) {
      $0.time(in: NotifyBounds.repeatInterval)
    }
    policy.resolved = section.read("resolved", usual.resolved) { $0.yesOrNo() }
    policy.maxMessagesPerHour = section.read("max_messages_per_hour", usual.maxMessagesPerHour) {
      $0.integer(in: NotifyBounds.maxMessagesPerHour)
    }
    policy.maxAlerts = section.read("max_alerts", usual.maxAlerts) { $0.integer(in: NotifyBounds.maxAlerts) }
    policy.maxListed = section.read("max_listed", usual.maxListed) { $0.integer(in: NotifyBounds.maxListed) }
    policy.crashLoop = section.read("crash_loop", usual.crashLoop) { $0.integer(in: NotifyBounds.crashLoop) }
    policy.certificateExpiry = section.read("certificate_expiry", usual.certificateExpiry) {
      $0.time(in: NotifyBounds.certificateExpiry)
    }
    policy.crlExpiry = section.read("crl_expiry", usual.crlExpiry) { $0.time(in: NotifyBounds.certificateExpiry) }
    policy.lastWait = section.read("last_wait", usual.lastWait) { $0.time(in: NotifyBounds.lastWait) }
    refuseRareMessages(section, policy)
    return policy
  }

  private func refuseRareMessages(_ section: Section, _ policy: NoticePolicy) {
    guard policy.repeatInterval < policy.groupInterval,
      let field = section["repeat_interval"] ?? section["group_interval"]
    else { return }
    field.problem(
      "repeat_interval (\(policy.repeatInterval.short)) is shorter than group_interval (\(policy.groupInterval.short))",
      "write a repeat_interval of at least \(policy.groupInterval.short)")
  }

  private func hostName(_ field: Field) -> String? {
    guard let text = field.text(expected: "a host's name") else { return nil }
    guard text.utf8.count <= 253 else {
      field.problem("the name has \(text.utf8.count) bytes", "write at most 253")
      return nil
    }
    return text
  }

  private func link(_ field: Field) -> String? {
    let expected = "https://masterpool.example.com/"
    guard let text = field.text(expected: expected) else { return nil }
    do throws(WebhookURL.Failure) {
      _ = try WebhookURL(text.prefix { $0 != "#" })
      return text
    } catch {
      field.problem("\(quoted(text)) is not a link: \(error)", "write it as in \(expected)")
      return nil
    }
  }

  private func grouping(_ field: Field) -> Set<NoticePolicy.Grouping>? {
    guard let list = field.list(expected: "[pool], [kind], [pool, kind] or []") else { return nil }
    return Set(list.compactMap { $0.choice(NoticePolicy.Grouping.self) })
  }

  /// What goes over a network in the clear.
  func remarks(on policy: NoticePolicy) -> [String] {
    policy.receivers.compactMap { receiver in
      guard case .text(let text) = receiver.url, let url = try? WebhookURL(text), !url.isSecure, !url.isLocal else {
        return nil
      }
      return
        "notify tells \(receiver.name) at \(url.shown) in the clear, with whatever secret its URL and headers hold"
    }
  }
}
