import HTTPWire

private let limits = HeadLimits(maxBytes: 4096)
private let identity = Array("X-Client-Verify: SUCCESS\r\nX-Client-DN: CN=agent01.example.com\r\n".utf8)

/// What is let through is understood alike however it was cut, and by whoever reads what goes to a worker.
@Sendable func fuzzRequest(_ bytes: [UInt8]) {
  var head = RequestHead()
  let progress = head.parse(bytes.span, limits: limits)
  var grown = RequestHead()
  hold(inPieces(bytes) { grown.parse($0, limits: limits) } == progress, "cut, the request is another")
  guard progress == .complete else { return }
  hold(Facts(grown, bytes) == Facts(head, bytes), "cut, \(Facts(grown, bytes)) is not \(Facts(head, bytes))")
  let forwarded = forward(head, bytes)
  checkLines(forwarded)
  var again = RequestHead()
  let second = again.parse(forwarded.span, limits: HeadLimits(maxBytes: 8192, maxFields: 110))
  hold(second == .complete, "what is forwarded is \(second)")
  let (facts, seen) = (Facts(head, bytes), Facts(again, forwarded))
  hold(again.byteCount == forwarded.count, "what is forwarded ends early")
  hold(
    seen.method == facts.method && seen.host == facts.host && seen.framing == facts.framing && again.keepAlive,
    "\(facts) is forwarded as \(seen)")
  hold(
    seen.target == facts.target || facts.target.hasSuffix(seen.target)
      || facts.target.hasSuffix(seen.target.dropFirst()), "\(facts.target) is forwarded as \(seen.target)")
  hold(forward(again, forwarded) == forwarded, "forwarded twice it is another")
}

/// Of a request, as text.
private struct Facts: Equatable {
  var method: String
  var target: String
  var host: String
  var framing: BodyFraming
  var keepAlive: Bool
  var expectsContinue: Bool
  var byteCount: Int

  init(_ head: RequestHead, _ bytes: [UInt8]) {
    func text(_ range: ByteRange) -> String {
      String(decoding: bytes[Int(range.start)..<Int(range.end)], as: UTF8.self)
    }
    method = text(head.methodName)
    target = text(head.target)
    host = text(head.host)
    framing = head.framing
    keepAlive = head.keepAlive
    expectsContinue = head.expectsContinue
    byteCount = head.byteCount
  }
}

private func forward(_ head: RequestHead, _ bytes: [UInt8]) -> [UInt8] {
  let framing: ForwardedFraming =
    switch head.framing {
    case .none, .untilClose: .none
    case .length(let length): .length(length)
    case .chunked: .chunked
    }
  var fits = false
  let room = head.forwardedAtMost(identity: identity.count)
  let forwarded = [UInt8](capacity: room) { output in
    fits = writeRequest(head, bytes.span, identity: identity.span, framing: framing, into: &output)
  }
  hold(fits, "forwardedAtMost is too little")
  return forwarded
}

/// The first byte picks the method that is answered.
@Sendable func fuzzResponse(_ input: [UInt8]) {
  guard let first = input.first else { return }
  let method = Method.allCases[Int(first) % Method.allCases.count]
  let bytes = Array(input.dropFirst())
  var head = ResponseHead()
  let progress = head.parse(bytes.span, to: method, limits: limits)
  var grown = ResponseHead()
  hold(inPieces(bytes) { grown.parse($0, to: method, limits: limits) } == progress, "cut, the answer is another")
  guard progress == .complete else { return }
  hold(
    grown.status == head.status && grown.framing == head.framing && grown.keepAlive == head.keepAlive
      && grown.byteCount == head.byteCount, "cut, the answer is another")
  hold((100..<600).contains(head.status) && head.status != 101, "status \(head.status)")
  hold(!head.keepAlive || head.framing != .untilClose, "kept alive without an end")
  let forwarded = forward(head, bytes)
  checkLines(forwarded)
  var again = ResponseHead()
  let second = again.parse(forwarded.span, to: method, limits: HeadLimits(maxBytes: 8192, maxFields: 110))
  hold(second == .complete, "what is forwarded is \(second)")
  hold(
    again.status == head.status && again.framing == head.framing && again.byteCount == forwarded.count,
    "\(head.status) \(head.framing) is forwarded as \(again.status) \(again.framing)")
}

private func forward(_ head: ResponseHead, _ bytes: [UInt8]) -> [UInt8] {
  var fits = false
  let forwarded = [UInt8](capacity: head.forwardedAtMost) { output in
    fits = writeResponse(
      head, bytes.span, to: .http11, framing: head.framing, keepAlive: head.keepAlive, into: &output)
  }
  hold(fits, "forwardedAtMost is too little")
  return forwarded
}

/// Parses again with each byte that comes, up to the first result.
private func inPieces(_ bytes: [UInt8], _ parse: (Span<UInt8>) -> HeadProgress) -> HeadProgress {
  for end in 0..<bytes.count {
    let progress = parse(bytes.span.extracting(0..<end))
    if progress != .incomplete { return progress }
  }
  return parse(bytes.span)
}

/// Nothing in a head that is passed on may end a line or the head for another reader earlier than for us.
private func checkLines(_ head: [UInt8]) {
  hold(head.suffix(4) == [13, 10, 13, 10], "a head without its end")
  for (index, byte) in head.enumerated() {
    switch byte {
    case 10: hold(index > 0 && head[index - 1] == 13, "a bare LF is passed on")
    case 13: hold(index + 1 < head.count && head[index + 1] == 10, "a bare CR is passed on")
    case 9: break
    default: hold(byte >= 32 && byte != 127, "control byte \(byte) is passed on")
    }
  }
  let ends = head.indices.dropLast(3).filter { head[$0..<($0 + 4)] == [13, 10, 13, 10] }
  hold(ends.count == 1, "a head with an empty line inside")
}
