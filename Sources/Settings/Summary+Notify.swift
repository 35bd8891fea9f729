import Pool

/// Who is told, and how; without what may be a secret.
func notify(_ policy: NoticePolicy) -> [String] {
  guard !policy.receivers.isEmpty else { return [] }
  let rows = policy.receivers.enumerated().map { index, receiver in
    (index == 0 ? "notify" : "", told(receiver))
  }
  let pace =
    "\(policy.lasting == .zero ? "at once" : "after \(policy.lasting.short)"), gathered for \(policy.groupWait.short), news every \(policy.groupInterval.short), "
    + "again every \(policy.repeatInterval.short), at most \(policy.maxMessagesPerHour) an hour"
  return (rows + [("", pace)]).map { "\($0.padding(to: 12))\($1)" }
}

private func told(_ receiver: NoticeReceiver) -> String {
  let kinds = receiver.kinds.isEmpty ? "everything" : listed(receiver.kinds.map(\.rawValue).sorted())
  let pools = receiver.pools.isEmpty ? "" : " of \(listed(receiver.pools.map(\.rawValue).sorted()))"
  let severity = receiver.minSeverity == .critical ? ", if critical" : ""
  return
    "\(receiver.name) at \(place(receiver))\(way(receiver)) as \(receiver.format.rawValue): \(kinds)\(pools)\(severity)"
}

private func place(_ receiver: NoticeReceiver) -> String {
  switch receiver.url {
  case .file(let path): "the URL in \(path)"
  case .text(let text): (try? WebhookURL(text))?.shown ?? "…"
  }
}

private func way(_ receiver: NoticeReceiver) -> String {
  switch receiver.proxy {
  case .file(let path): " by way of the proxy in \(path)"
  case .text(let text): " by way of \((try? ProxyURL(text))?.shown ?? "…")"
  case nil: ""
  }
}

extension String {
  fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
