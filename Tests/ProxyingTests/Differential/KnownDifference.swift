/// Where a peer refuses what we send on, or takes it for something else, and why that is no harm: the whole list, kept
/// by a test.
enum KnownDifference {
  private static let withoutHost = "refused: its Host is empty, as RFC 9112 §3.2 asks for where there is none"

  static func of(_ peer: Peer) -> [String: String] {
    switch peer {
    case .haproxy:
      ["name-longest": "refused: it keeps the length of a name in 8 bits, ours may have 256 bytes"]
    case .nginx:
      [
        #"X: 1.0"#: withoutHost,
        #"X: 1.0\r\nContent-Length: 5"#: withoutHost,
        #"X: 1.0\r\nExpect: 100-continue\r\nContent-Length: 5"#: withoutHost,
        "method-lower-case": "refused: its methods are of capitals, - and _",
        "method-token": "refused: its methods are of capitals, - and _",
        "host-empty": "refused: RFC 9112 §3.2 allows an empty Host, which nginx does not",
        "http10-no-fields": withoutHost,
        "http10-without-host": withoutHost,
        "value-blanks": "refused: it skips spaces before a host, not tabs, which RFC 9110 §5.6.3 allows",
      ]
    case .puma:
      [
        "method-lower-case": "refused: its methods are of capitals, digits and a few signs",
        "method-token": "refused: its methods are of capitals, digits and a few signs",
        "method-longest": "refused: its methods have at most 20 bytes",
        "target-long": "refused: its paths have at most 8192 bytes",
      ]
    }
  }
}
