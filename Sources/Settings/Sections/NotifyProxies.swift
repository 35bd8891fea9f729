import Pool

/// The way to receivers that are reached by an HTTP proxy only. No problem here repeats a URL: it may hold a password.
extension Reader {
  private enum Way {
    case direct
    case proxy(String)
  }

  /// - Parameter usual: where the section says nothing, and how that is written.
  func proxy(
    _ section: Section, usual: NoticeReceiver.Secret?, shown: String
  ) -> NoticeReceiver.Secret? {
    let way = section.optional("proxy", shown: shown, way)
    let file = section.optional("proxy_file", secret)
    if section["proxy"] != nil, let other = section["proxy_file"] {
      findings.add(other.keySpot, other.path, "there is a proxy too", "keep one of the two")
    }
    switch way {
    case .direct: return nil
    case .proxy(let url): return .text(url)
    case nil: return file.map(NoticeReceiver.Secret.file) ?? usual
    }
  }

  private func way(_ field: Field) -> Way? {
    let expected = "off or http://proxy.example.com:3128"
    guard let text = hiddenText(field, expected: expected) else { return nil }
    if text == "off" { return .direct }
    do throws(ProxyURL.Failure) {
      let url = try ProxyURL(text)
      guard url.login == nil else {
        field.problem("it has a user and a password", "put the URL into a file of mode 600, and write proxy_file")
        return nil
      }
      return .proxy(text)
    } catch {
      field.problem("\(error)", "write \(expected)")
      return nil
    }
  }
}
