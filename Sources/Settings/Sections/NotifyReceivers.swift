import Pool

/// Who is told. No problem here repeats a URL or a header: they may be secrets, and problems are logged.
extension Reader {
  /// - Parameter proxy: that of all that do not name another.
  func receivers(
    _ field: Field, of pools: [PlacedPool], through proxy: NoticeReceiver.Secret?
  ) -> [NoticeReceiver]? {
    guard let fields = field.list(expected: "[{name: ops, url_file: ops.url}]") else { return nil }
    guard fields.count <= NotifyBounds.receivers else {
      field.problem("there are \(fields.count) receivers", "write at most \(NotifyBounds.receivers)")
      return nil
    }
    var first: [String: Spot] = [:]
    return fields.compactMap { entry in
      let section = Section(reading: entry, .receiver)
      guard case .mapping = entry.shape, let receiver = receiver(section, of: pools, through: proxy) else {
        return nil
      }
      guard let name = section["name"], let spot = first[receiver.name] else {
        first[receiver.name] = section["name"]?.spot
        return receiver
      }
      let line = findings.line(of: spot, seenFrom: name.spot)
      name.problem("\(receiver.name) is taken by \(line)", "write another name")
      return nil
    }
  }

  private func receiver(
    _ section: Section, of pools: [PlacedPool], through proxy: NoticeReceiver.Secret?
  ) -> NoticeReceiver? {
    let name = section.required("name", example: "ops", receiverName)
    let url = place(section)
    var receiver = NoticeReceiver(name: name ?? "", url: url ?? .text(""))
    let usual = receiver
    receiver.format = section.read("format", usual.format) { $0.choice(NoticeReceiver.Format.self) }
    receiver.template = section.optional("template", template)
    receiver.headers = headers(section)
    receiver.kinds = Set(section.read("on", []) { list($0, expected: "[crash_loop, no_worker]", kind) })
    receiver.pools = Set(section.read("pools", []) { list($0, expected: "[masters]") { poolName($0, pools) } })
    receiver.minSeverity = section.read("min_severity", usual.minSeverity) { $0.choice(Severity.self) }
    receiver.authorities = section.optional("ca", file)
    receiver.proxy = self.proxy(section, usual: proxy, shown: "that of notify")
    receiver.timeout = section.read("timeout", usual.timeout) { $0.time(in: NotifyBounds.timeout) }
    receiver.maxAttempts = section.read("max_attempts", usual.maxAttempts) {
      $0.integer(in: NotifyBounds.maxAttempts)
    }
    receiver.maxAge = section.read("max_age", usual.maxAge) { $0.time(in: NotifyBounds.maxAge) }
    receiver.retryWait = section.read("retry_wait", usual.retryWait) { $0.time(in: NotifyBounds.retryWait) }
    receiver.maxRetryWait = section.read("max_retry_wait", usual.maxRetryWait) { $0.time(in: NotifyBounds.retryWait) }
    receiver.queue = section.read("queue", usual.queue) { $0.integer(in: NotifyBounds.queue) }
    receiver.maxResponse = section.read("max_response", usual.maxResponse) { $0.size(in: NotifyBounds.maxResponse) }
    return name == nil || url == nil ? nil : receiver
  }

  private func receiverName(_ field: Field) -> String? {
    guard let text = field.text(expected: "a name") else { return nil }
    // The same letters as a pool's: it is a metric's label too.
    guard PoolName(rawValue: text) != nil else {
      field.problem("\(quoted(text)) cannot be a receiver's name", "write letters, digits, - and _, at most 64")
      return nil
    }
    return text
  }

  private func place(_ section: Section) -> NoticeReceiver.Secret? {
    switch (section["url"], section["url_file"]) {
    case (let field?, let other?):
      findings.add(other.keySpot, other.path, "there is a url too", "keep one of the two")
      return url(field).map(NoticeReceiver.Secret.text)
    case (let field?, nil): return url(field).map(NoticeReceiver.Secret.text)
    case (nil, let field?): return secret(field).map(NoticeReceiver.Secret.file)
    case (nil, nil):
      section.missing("url_file", example: "ops.url")
      return nil
    }
  }

  private func url(_ field: Field) -> String? {
    let expected = "https://hooks.example.com/PATH"
    guard let text = hiddenText(field, expected: expected) else { return nil }
    do throws(WebhookURL.Failure) {
      _ = try WebhookURL(text)
      return text
    } catch {
      field.problem("\(error)", "write it as in \(expected)")
      return nil
    }
  }

  /// Like `text`, without its words in a problem.
  func hiddenText(_ field: Field, expected: String) -> String? {
    switch field.shape {
    case .plain(let text), .quoted(let text):
      let isFine =
        (1...Field.maxTextBytes).contains(text.utf8.count)
        && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
      if isFine { return text }
      field.problem("the text is empty, too long, or holds a control character", "write \(expected) in one line")
    case .empty, .list, .mapping, .tagged: field.wrongShape(expected: expected)
    }
    return nil
  }

  private func template(_ field: Field) -> NoticeTemplate? {
    guard let text = field.text(expected: "a text such as \"{host}: {summary}\"") else { return nil }
    let known = NoticeTemplate.Placeholder.allCases.map(\.rawValue)
    do throws(NoticeTemplate.Failure) {
      return try NoticeTemplate(text)
    } catch {
      switch error {
      case .unknown(let name):
        let near = nearest(to: name, among: known).map { "{\($0)}" }
        field.problem(
          "there is no {\(String(name.prefix(60)))} here", "write \(near ?? listed(known.map { "{\($0)}" }))")
      case .brace: field.problem("a brace has no partner", "write {{ and }} for braces of the text")
      }
      return nil
    }
  }

  private func kind(_ field: Field) -> NoticeKind? {
    let words = NoticeKind.choices.map(\.rawValue)
    guard let text = field.text(expected: listed(words)) else { return nil }
    if let kind = NoticeKind(rawValue: text), NoticeKind.choices.contains(kind) { return kind }
    field.problem("\(quoted(text)) is unknown", "write \(nearest(to: text, among: words) ?? listed(words))")
    return nil
  }

  private func poolName(_ field: Field, _ pools: [PlacedPool]) -> PoolName? {
    let names = pools.map(\.name.rawValue)
    guard let text = field.text(expected: listed(names)) else { return nil }
    if let pool = pools.first(where: { $0.name.rawValue == text }) { return pool.name }
    field.problem("there is no pool \(quoted(text))", "write \(nearest(to: text, among: names) ?? listed(names))")
    return nil
  }

  private func list<Value>(_ field: Field, expected: String, _ read: (Field) -> Value?) -> [Value]? {
    field.filledList(expected: "\(expected), or leave the key out for all").map { $0.compactMap(read) }
  }
}
