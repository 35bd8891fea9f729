import Pool

/// How much of a value may be shown: some hold what is nobody else's business.
enum Concealment {
  case nothing
  /// Of a mapping its keys are left, and of anything else nothing.
  case everything
  /// Of a URL its host is left.
  case urls
  /// Receivers of notifications: their URLs and headers.
  case receivers

  func shown(_ text: String) -> String {
    switch self {
    case .nothing, .receivers: text
    case .everything: "…"
    case .urls: (try? WebhookURL(text))?.shown ?? "…"
    }
  }

  var isOpen: Bool {
    switch self {
    case .nothing, .receivers: true
    case .everything, .urls: false
    }
  }

  /// Of what a mapping has under this key.
  func below(_ key: String?) -> Concealment {
    switch (self, key) {
    case (.receivers, "url"?): .urls
    case (.receivers, "headers"?): .everything
    case (.receivers, _), (.nothing, _), (.everything, _), (.urls, _): self
    }
  }
}

extension Vocabulary {
  static func concealment(of key: String) -> Concealment {
    if key.hasPrefix("pools."), key.hasSuffix(".environment") { return .everything }
    return key == "notify.receivers" ? .receivers : .nothing
  }
}
