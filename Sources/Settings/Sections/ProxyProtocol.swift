import Pool

extension Reader {
  /// Nil where it is wrong.
  func proxyProtocol(_ section: Section, at address: ListenAddress?) -> ProxyProtocolConfiguration? {
    guard case .mapping = section.field.shape else { return nil }
    switch address {
    case .unix:
      guard let from = section["from"] else { return ProxyProtocolConfiguration() }
      from.problem("nobody connects to a unix socket from an address", "leave it out: proxy_protocol: {}")
      return nil
    case .ip, nil:
      let example = "[10.0.0.5, 10.1.0.0/16]"
      guard let fields = section.required("from", example: example, { $0.filledList(expected: example) }) else {
        return nil
      }
      let networks = fields.compactMap { $0.network() }
      return networks.count == fields.count ? ProxyProtocolConfiguration(from: networks) : nil
    }
  }
}

extension Field {
  /// `10.0.0.0/8`, `2001:db8::/32`, or one address.
  func network() -> Network? {
    let expected = "an address, or a network as 10.0.0.0/8 or 2001:db8::/32"
    guard let text = text(expected: expected) else { return nil }
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard let (address, width) = Self.address(parts[0]) else {
      problem("\(quoted(parts[0])) is not an IP address", "write \(expected)")
      return nil
    }
    guard parts.count == 2 else { return Network(address) }
    guard let bits = Int(parts[1]), parts[1].allSatisfy(\.isASCIIDigit), bits <= width else {
      problem("\(quoted(parts[1])) is no length of a network", "write a number from 0 to \(width) after the slash")
      return nil
    }
    let network = Network(address, bits: bits + 128 - width)
    guard network.isPlain else {
      problem("\(shown(text)) is an address within a network", "write \(network.masked), or \(address)")
      return nil
    }
    return network
  }

  private static func address(_ text: String) -> (IPAddress, width: Int)? {
    if isIPv4(text) {
      let bytes = text.split(separator: ".").compactMap { UInt32($0) }
      return (IPAddress(v4: bytes.reduce(0) { $0 << 8 | $1 }), 32)
    }
    guard let groups = IPv6Address(text)?.groups else { return nil }
    func joined(_ groups: ArraySlice<UInt16>) -> UInt64 { groups.reduce(0) { $0 << 16 | UInt64($1) } }
    return (IPAddress(high: joined(groups[..<4]), low: joined(groups[4...])), 128)
  }
}

extension Network {
  /// Without the bits behind the ones that count.
  fileprivate var masked: Network {
    func kept(_ word: UInt64, _ count: Int) -> UInt64 { count <= 0 ? 0 : word & ~(UInt64.max >> UInt64(count)) }
    return Network(IPAddress(high: kept(address.high, bits), low: kept(address.low, bits - 64)), bits: bits)
  }
}
