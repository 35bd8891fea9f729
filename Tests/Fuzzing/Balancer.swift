import HTTPWire

/// A balancer's PROXY header ends at the same place however it was cut, within its limit, and is decided once.
@Sendable func fuzzProxyHeader(_ bytes: [UInt8]) {
  let whole = ProxyHeader.parse(bytes.span)
  for end in 0..<bytes.count {
    let part = ProxyHeader.parse(bytes.span.extracting(0..<end))
    switch part {
    case .incomplete: continue
    case .complete(_, let count):
      hold(count == end, "complete with \(end) bytes, of which it takes \(count)")
      hold(part == whole, "with more behind it \(part) is \(whole)")
    case .refused:
      guard case .refused = whole else { broken("refused with \(end) bytes, and then \(whole)") }
    }
    return
  }
  guard case .complete(_, let count) = whole else { return }
  hold(count == bytes.count && count <= ProxyHeader.maxBytes, "it takes \(count) of \(bytes.count) bytes")
}
