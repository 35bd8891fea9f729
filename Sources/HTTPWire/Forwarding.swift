/// How a head goes on to the next hop. Nothing is allocated: what does not fit is not written at all.
extension RequestHead {
  /// Room that `writeRequest` never exceeds, for an `identity` block and a `requestID` of so many bytes.
  public func forwardedAtMost(identity: Int, requestID: Int = 0) -> Int {
    byteCount &+ host.count &+ identity &+ requestID &+ 112
  }
}

extension ResponseHead {
  /// Room that `writeResponse` never exceeds.
  public var forwardedAtMost: Int { byteCount &+ 128 }
}

/// Writes the head of a request for a worker: origin-form, HTTP/1.1, kept alive, its body framed by `framing`, without
/// what an agent may not say (identity) and what is not for the next hop. `bytes` is the buffer that `head` was parsed
/// from; `identity` holds whole header lines, each with its CR LF; `requestID` takes the place of the agent's own, which
/// is kept where that is empty. False, with nothing written, where it does not fit.
@_lifetime(out: copy out)
public func writeRequest(
  _ head: borrowing RequestHead, _ bytes: Span<UInt8>, identity: Span<UInt8>, requestID: Span<UInt8> = Span(),
  framing: ForwardedFraming, into out: inout OutputSpan<UInt8>
) -> Bool {
  guard out.freeCapacity >= head.forwardedAtMost(identity: identity.count, requestID: requestID.count) else {
    return false
  }
  out.append(copying: bytes.extracting(head.methodName))
  out.append(ASCII.space)
  head.appendOriginForm(bytes, into: &out)
  out.append(copying: " HTTP/1.1\r\n")
  head.appendMissingHost(bytes, into: &out)
  head.section.appendRelayed(bytes, from: .agent, into: &out)
  switch framing {
  case .none: break
  case .length(let length): out.appendContentLength(length)
  case .chunked: out.append(copying: "Transfer-Encoding: chunked\r\n")
  }
  out.append(copying: identity)
  out.appendRequestID(requestID.isEmpty ? bytes.extracting(head.requestID) : requestID)
  out.append(copying: "\r\n")
  return true
}

/// Writes the head of a worker's answer for an agent that speaks `version`, without what is not for the next hop.
/// `framing` is how the body goes down, which may differ from how it came; `date` is added where the worker did not say
/// when. False, with nothing written, where it does not fit.
@_lifetime(out: copy out)
public func writeResponse(
  _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, to version: HTTPVersion, framing: BodyFraming,
  keepAlive: Bool, date: DateText? = nil, into out: inout OutputSpan<UInt8>
) -> Bool {
  guard out.freeCapacity >= head.forwardedAtMost else { return false }
  out.append(copying: "HTTP/1.1 ")
  out.append(decimal: head.status)
  out.append(ASCII.space)
  out.append(copying: bytes.extracting(head.reason))
  out.append(copying: "\r\n")
  head.section.appendRelayed(bytes, from: .worker, into: &out)
  switch framing {
  case .none: if let length = head.echoedLength { out.appendContentLength(length) }
  case .length(let length): out.appendContentLength(length)
  case .chunked: out.append(copying: "Transfer-Encoding: chunked\r\n")
  case .untilClose: break
  }
  if !head.isInformational {
    if let date, !head.section.found.hasDate { out.appendDate(date.span) }
    out.appendConnection(to: version, keepAlive: keepAlive)
  }
  out.append(copying: "\r\n")
  return true
}

extension RequestHead {
  /// The path and query, whatever form the target came in; a URL without a path means `/`.
  @_lifetime(out: copy out)
  @inline(__always)
  func appendOriginForm(_ bytes: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
    let path = bytes.extracting(originForm)
    if path.count == 0 || path[0] == ASCII.question { out.append(ASCII.slash) }
    out.append(copying: path)
  }

  /// A Host line where the relayed fields have none, or one that the target overrides (RFC 9112 §3.2.2).
  @_lifetime(out: copy out)
  @inline(__always)
  func appendMissingHost(_ bytes: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
    if host == section.found.host { return }
    out.append(copying: "Host: ")
    out.append(copying: bytes.extracting(host))
    out.append(copying: "\r\n")
  }
}

extension FieldSection {
  /// The lines that are for the next hop, as they came.
  @_lifetime(out: copy out)
  @inline(__always)
  func appendRelayed(_ bytes: Span<UInt8>, from sender: Sender, into out: inout OutputSpan<UInt8>) {
    if found.needsSecondLook { return appendLineByLine(bytes, from: sender, into: &out) }
    var at = found.start
    for index in 0..<found.cutCount {
      let cut = cuts[index]
      out.append(copying: bytes.extracting(at..<Int(cut.start)))
      at = Int(cut.end)
    }
    out.append(copying: bytes.extracting(at..<found.line))
  }

  /// For heads with more cuts than are remembered, or whose Connection names further fields.
  @_lifetime(out: copy out)
  @inline(never)
  private func appendLineByLine(_ bytes: Span<UInt8>, from sender: Sender, into out: inout OutputSpan<UInt8>) {
    var at = found.start
    while at < found.line {
      let nameEnd = bytes.endOfToken(from: at)
      let end = bytes.endOfText(from: nameEnd) &+ 2
      if relays(bytes, ByteRange(at, nameEnd), from: sender) { out.append(copying: bytes.extracting(at..<end)) }
      at = end
    }
  }

  private func relays(_ bytes: Span<UInt8>, _ name: ByteRange, from sender: Sender) -> Bool {
    switch (FoldedName(folding: bytes, Int(name.start), Int(name.end)).kind, sender) {
    case (.contentLength, _), (.transferEncoding, _), (.disguisedFraming, _), (.connection, _), (.hopByHop, _),
      (.identity, .agent), (.expect, .agent), (.requestID, .agent):
      return false
    case (.host, .agent): return found.keepsHost
    case (.host, .worker), (.plain, _), (.date, _), (.identity, .worker), (.expect, .worker), (.requestID, .worker):
      return !isOption(bytes, name)
    }
  }

  private func isOption(_ bytes: Span<UInt8>, _ name: ByteRange) -> Bool {
    for index in 0..<found.optionCount {
      let option = options[index]
      guard option.count == name.count else { continue }
      var same = true
      for offset in 0..<name.count where same {
        same =
          ASCII.lowercased(bytes[Int(name.start) &+ offset]) == ASCII.lowercased(bytes[Int(option.start) &+ offset])
      }
      if same { return true }
    }
    return false
  }
}

extension OutputSpan where Element == UInt8 {
  @_lifetime(self: copy self)
  @inline(__always) mutating func appendContentLength(_ length: Int) {
    append(copying: "Content-Length: ")
    append(decimal: length)
    append(copying: "\r\n")
  }

  @_lifetime(self: copy self)
  @inline(__always) mutating func appendRequestID(_ id: Span<UInt8>) {
    if id.isEmpty { return }
    append(copying: "X-Request-ID: ")
    append(copying: id)
    append(copying: "\r\n")
  }

  /// Persistence is what HTTP/1.1 assumes, and what HTTP/1.0 must be told.
  @_lifetime(self: copy self)
  @inline(__always) mutating func appendConnection(to version: HTTPVersion, keepAlive: Bool) {
    switch (keepAlive, version) {
    case (true, .http11): break
    case (true, .http10): append(copying: "Connection: keep-alive\r\n")
    case (false, _): append(copying: "Connection: close\r\n")
    }
  }
}
