import Glibc

/// A name that Puppet takes for a node: lower-case letters, digits, `.`, `_` and `-`.
public struct Certname: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  /// A file name of 255 bytes still has room for `.pem` and, once superseded, for the serial.
  static let maxBytes = 230

  public init(_ text: String) throws(AuthorityFailure) {
    guard (1...Self.maxBytes).contains(text.utf8.count) else {
      throw .unusable("a certificate's name has 1 to \(Self.maxBytes) characters; \(text.debugDescription) has not")
    }
    if let wrong = text.unicodeScalars.first(where: { !Self.allowed($0) }) {
      let hint = wrong.properties.isUppercase ? "; Puppet wants it in lower case" : ""
      throw .unusable(
        "\(text.debugDescription) cannot be a certificate's name: \(String(wrong).debugDescription) is not one of a-z, "
          + "0-9, '.', '_', '-'\(hint)")
    }
    guard let first = text.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else {
      throw .unusable("\(text.debugDescription) cannot be a certificate's name: it begins with '.' or '-'")
    }
    guard text != "ca" else {
      throw .unusable("\"ca\" cannot be a certificate's name: Puppet calls the authority itself so")
    }
    self.text = text
  }

  private static func allowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "0"..."9", ".", "_", "-": true
    default: false
    }
  }

  public var description: String { text }
}

/// What else a server's certificate answers to: a host name, `*.example.org`, or an IP address.
public enum AlternativeName: Hashable, Sendable, CustomStringConvertible {
  case dns(String)
  /// 4 or 16 bytes in network order.
  case address([UInt8], text: String)

  public init(_ text: String) throws(AuthorityFailure) {
    if let bytes = Self.addressBytes(text) {
      self = .address(bytes, text: text)
    } else if Self.isHostName(text) {
      self = .dns(text)
    } else {
      throw .unusable(
        "\(text.debugDescription) is neither a host name nor an IP address; write --dns puppet.example.org or "
          + "--dns 192.0.2.1")
    }
  }

  private static func addressBytes(_ text: String) -> [UInt8]? {
    for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: count)
      if inet_pton(family, text, &bytes) == 1 { return bytes }
    }
    return nil
  }

  /// RFC 1123 section 2.1, with `_` as hosts in the field have it, and one `*` label in front.
  private static func isHostName(_ text: String) -> Bool {
    guard (1...253).contains(text.utf8.count) else { return false }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    // A last label of digits alone would be a mistyped address.
    if labels.last?.allSatisfy({ ("0"..."9").contains($0) }) ?? true { return false }
    return labels.enumerated().allSatisfy { position, label in
      if position == 0, label == "*", labels.count > 2 { return true }
      guard (1...63).contains(label.utf8.count), label.first != "-", label.last != "-" else { return false }
      return label.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
        default: false
        }
      }
    }
  }

  public var description: String {
    switch self {
    case .dns(let name): name
    case .address(_, let text): text
    }
  }
}
