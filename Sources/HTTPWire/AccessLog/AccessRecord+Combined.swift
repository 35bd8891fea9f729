extension AccessRecord {
  /// Writes one line of the combined format of Apache and nginx with its line end; bytes are those of the body, a
  /// request without an answer has status 499 where its agent went away and 000 otherwise. Nothing for a handshake,
  /// which has no place in that format. False, with nothing written, where it does not fit.
  @_lifetime(out: copy out)
  public func writeCombined(_ text: Span<UInt8>, into out: inout OutputSpan<UInt8>) -> Bool {
    guard out.freeCapacity >= AccessRecord.lineAtMost(text: text.count) else { return false }
    switch kind {
    case .handshake: return true
    case .request: break
    }
    out.appendOrDash(text.extracting(address), keepingSpaces: false)
    out.append(copying: " - ")
    out.appendOrDash(text.extracting(certname), keepingSpaces: false)
    out.append(copying: " [")
    out.append(combinedTime: time)
    out.append(copying: "] \"")
    appendRequestLine(text, into: &out)
    out.append(copying: "\" ")
    appendStatus(into: &out)
    out.append(ASCII.space)
    out.append(decimal: max(0, sent &- sentHeads))
    out.append(copying: " \"")
    out.appendOrDash(text.extracting(referer))
    out.append(copying: "\" \"")
    out.appendOrDash(text.extracting(userAgent))
    out.append(copying: "\"\n")
    return true
  }

  @_lifetime(out: copy out)
  private func appendRequestLine(_ text: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
    if method.isEmpty { return out.appendOrDash(text.extracting(requestLine)) }
    out.append(combined: text.extracting(method))
    out.append(ASCII.space)
    out.append(combined: text.extracting(target))
    out.append(copying: version == .http11 ? " HTTP/1.1" : " HTTP/1.0")
  }

  @_lifetime(out: copy out)
  private func appendStatus(into out: inout OutputSpan<UInt8>) {
    if status != 0 {
      out.append(decimal: status)
    } else {
      out.append(copying: ending == .agentGone ? "499" : "000")
    }
  }
}

extension OutputSpan where Element == UInt8 {
  /// Fields outside quotes are told apart by spaces, so a name's own are escaped there.
  @_lifetime(self: copy self)
  fileprivate mutating func appendOrDash(_ text: Span<UInt8>, keepingSpaces: Bool = true) {
    if text.isEmpty { return append(ASCII.dash) }
    append(combined: text, keepingSpaces: keepingSpaces)
  }
}
