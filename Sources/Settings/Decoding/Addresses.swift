import Pool

extension Field {
  /// The kernel's bound on a unix socket's path (`sun_path` without its NUL).
  static let maxSocketPathBytes = 107

  /// `host:port`, `[v6]:port` or `unix:/path`.
  func address() -> ListenAddress? {
    let expected = "127.0.0.1:8140, [::1]:8140 or unix:/path"
    guard let text = text(expected: expected) else { return nil }
    if text.hasPrefix("unix:") { return unixAddress(String(text.dropFirst("unix:".count))) }
    if text.allSatisfy(\.isASCIIDigit) {
      problem("\(shown(text)) has no host before it", "write 0.0.0.0:\(shown(text))")
      return nil
    }
    guard let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") else {
      problem("\(quoted(text)) has no port", "write \(expected)")
      return nil
    }
    guard let port = port(text[text.index(after: colon)...]) else { return nil }
    return ipAddress(String(text[..<colon]), port)
  }

  private func unixAddress(_ path: String) -> ListenAddress? {
    guard path.hasPrefix("/") else {
      problem("the socket's path \(quoted(path)) is not absolute", "write unix:/path")
      return nil
    }
    return fitsSocket(path) ? .unix(path: path) : nil
  }

  /// Reports a path that no unix socket can have.
  func fitsSocket(_ path: String) -> Bool {
    let count = path.utf8.count
    guard count <= Field.maxSocketPathBytes else {
      problem(
        "a socket's path of \(count) bytes is too long for the kernel",
        "write one of at most \(Field.maxSocketPathBytes) bytes")
      return false
    }
    return true
  }

  private func port(_ text: Substring) -> UInt16? {
    guard !text.isEmpty, text.allSatisfy(\.isASCIIDigit), let port = UInt16(text) else {
      problem("\(quoted(String(text))) is not a port", "write a number from 0 to 65535 after the last colon")
      return nil
    }
    return port
  }

  private func ipAddress(_ host: String, _ port: UInt16) -> ListenAddress? {
    if host.hasPrefix("["), host.hasSuffix("]") {
      let inner = String(host.dropFirst().dropLast())
      if IPv6Address(inner) != nil { return .ip(host: inner, port: port) }
      problem("\(quoted(inner)) is not an IPv6 address", "write [::]:\(port) or [::1]:\(port)")
    } else if isIPv4(host) {
      return .ip(host: host, port: port)
    } else if IPv6Address(host) != nil {
      problem("the IPv6 address has no brackets", "write [\(host)]:\(port)")
    } else {
      let meant = ["localhost": "127.0.0.1", "*": "0.0.0.0", "": "0.0.0.0"][host]
      problem(
        "\(quoted(host)) is not an IP address",
        meant.map { "write \($0):\(port)" } ?? "write the address, or 0.0.0.0:\(port) for all")
    }
    return nil
  }
}

/// Four decimal numbers without leading zeros.
func isIPv4(_ text: some StringProtocol) -> Bool {
  let parts = text.split(separator: ".", omittingEmptySubsequences: false)
  return parts.count == 4
    && parts.allSatisfy { part in
      part.allSatisfy(\.isASCIIDigit) && UInt8(part) != nil && (part.count == 1 || part.first != "0")
    }
}

/// An IPv6 address as its eight groups (RFC 4291 section 2.2), so that two spellings of one can be compared.
struct IPv6Address: Hashable {
  var groups: [UInt16]

  init?(_ text: String) {
    let halves = text.split(separator: "::", omittingEmptySubsequences: false)
    guard (1...2).contains(halves.count), let head = IPv6Address.groups(halves[0]),
      let tail = halves.count == 2 ? IPv6Address.groups(halves[1]) : []
    else { return nil }
    let missing = 8 - head.count - tail.count
    guard halves.count == 2 ? missing > 0 : missing == 0 else { return nil }
    groups = head + [UInt16](repeating: 0, count: missing) + tail
  }

  private static func groups(_ text: Substring) -> [UInt16]? {
    guard !text.isEmpty else { return [] }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if index == parts.count - 1, isIPv4(part) {
        let bytes = part.split(separator: ".").compactMap { UInt16($0) }
        groups += [bytes[0] << 8 | bytes[1], bytes[2] << 8 | bytes[3]]
      } else {
        guard (1...4).contains(part.count), part.allSatisfy({ $0.isHexDigit && $0.isASCII }),
          let group = UInt16(part, radix: 16)
        else { return nil }
        groups.append(group)
      }
    }
    return groups.count <= 8 ? groups : nil
  }
}

extension ListenAddress {
  /// True where the kernel would refuse the second of the two.
  func collides(with other: ListenAddress) -> Bool {
    switch (self, other) {
    case (.unix(let a), .unix(let b)):
      return a == b
    case (.ip(let a, let port), .ip(let b, let otherPort)):
      guard port == otherPort, port != 0 else { return false }
      return ListenAddress.same(a, b)
    case (.unix, .ip), (.ip, .unix):
      return false
    }
  }

  private static func same(_ a: String, _ b: String) -> Bool {
    if let a = IPv6Address(a), let b = IPv6Address(b) { return a == b || a.isUnspecified || b.isUnspecified }
    return a == b || (!a.contains(":") && !b.contains(":") && (a == "0.0.0.0" || b == "0.0.0.0"))
  }
}

extension IPv6Address {
  fileprivate var isUnspecified: Bool { groups.allSatisfy { $0 == 0 } }
}
