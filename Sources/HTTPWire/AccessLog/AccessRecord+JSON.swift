extension AccessRecord {
  /// Writes one line of JSON with its line end. Keys carry their unit; what there is nothing to say about is left out.
  /// `text` is the buffer that the record's ranges point into. False, with nothing written, where it does not fit.
  @_lifetime(out: copy out)
  public func writeJSON(_ text: Span<UInt8>, into out: inout OutputSpan<UInt8>) -> Bool {
    guard out.freeCapacity >= AccessRecord.lineAtMost(text: text.count) else { return false }
    out.append(copying: "{\"time\":\"")
    out.append(rfc3339: time)
    out.append(ASCII.quote)
    switch kind {
    case .request: appendRequest(text, into: &out)
    case .handshake:
      out.append(copying: ",\"kind\":\"handshake\"")
      out.append(key: ",\"address\":\"", address, of: text)
    }
    if let word = ending.word {
      out.append(copying: ",\"ended\":\"")
      out.append(copying: kind == .handshake ? "failed" : word)
      out.append(ASCII.quote)
    }
    out.append(key: ",\"cause\":\"", cause, of: text)
    out.append(copying: "}\n")
    return true
  }

  @_lifetime(out: copy out)
  private func appendRequest(_ text: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
    out.append(key: ",\"id\":\"", id, of: text)
    out.append(key: ",\"address\":\"", address, of: text)
    out.append(key: ",\"certname\":\"", certname, of: text)
    out.append(key: ",\"method\":\"", method, of: text)
    out.append(key: ",\"path\":\"", target, of: text)
    if !method.isEmpty { out.append(copying: version == .http11 ? ",\"http\":\"1.1\"" : ",\"http\":\"1.0\"") }
    out.append(key: ",\"request_line\":\"", requestLine, of: text)
    out.append(key: ",\"status\":", status)
    out.append(key: ",\"bytes_sent\":", sent)
    out.append(key: ",\"bytes_received\":", received)
    out.append(key: ",\"total_ms\":", milliseconds: total)
    if status != 0 { out.append(key: ",\"first_byte_ms\":", milliseconds: firstByte) }
    if !pool.isEmpty, !isFromDisk { out.append(key: ",\"queue_ms\":", milliseconds: queue) }
    if slot >= 0 { out.append(key: ",\"worker_ms\":", milliseconds: worker) }
    out.append(key: ",\"route\":\"", route, of: text)
    out.append(key: ",\"pool\":\"", pool, of: text)
    if isFromDisk { out.append(copying: ",\"disk\":true") }
    if slot >= 0 {
      out.append(key: ",\"slot\":", slot)
      out.append(key: ",\"generation\":", generation)
      out.append(key: ",\"retries\":", retries)
    }
    out.append(key: ",\"tls\":\"", tlsVersion, of: text)
    out.append(key: ",\"cipher\":\"", tlsCipher, of: text)
    if !tlsVersion.isEmpty { out.append(copying: isResumed ? ",\"resumed\":true" : ",\"resumed\":false") }
    out.append(key: ",\"user_agent\":\"", userAgent, of: text)
  }
}

extension OutputSpan where Element == UInt8 {
  /// `key` ends where the text begins. Nothing at all for an empty text.
  @_lifetime(self: copy self)
  fileprivate mutating func append(key: StaticString, _ range: ByteRange, of text: Span<UInt8>) {
    if range.isEmpty { return }
    append(copying: key)
    append(json: text.extracting(range))
    append(ASCII.quote)
  }

  @_lifetime(self: copy self)
  fileprivate mutating func append(key: StaticString, _ number: Int) {
    append(copying: key)
    append(decimal: number)
  }

  @_lifetime(self: copy self)
  fileprivate mutating func append(key: StaticString, milliseconds nanoseconds: Int64) {
    append(copying: key)
    append(milliseconds: nanoseconds)
  }
}
