/// Where a webhook is: `https://HOST[:PORT]/PATH[?QUERY]`. What it says beyond its host may be a secret.
public struct WebhookURL: Hashable, Sendable {
  public var isSecure: Bool
  /// A name or an address, without brackets.
  public var host: String
  public var port: UInt16
  /// With the query, as it is sent.
  public var path: String

  /// Why a text is no such URL. None of it is repeated, since it may be a secret.
  public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    case scheme, host, port, path, user, fragment

    public var description: String {
      switch self {
      case .scheme: "it does not begin with https:// or http://"
      case .host: "it has no host that could be one"
      case .port: "its port is none"
      case .path: "its path holds a space or what is not ASCII"
      case .user: "it has a user or a password before its host"
      case .fragment: "it has a fragment (#), which is never sent"
      }
    }
  }

  public init(_ text: some StringProtocol) throws(Failure) {
    let schemes = [("https://", true, UInt16(443)), ("http://", false, UInt16(80))]
    guard let (scheme, isSecure, usual) = schemes.first(where: { text.lowercased().hasPrefix($0.0) }) else {
      throw .scheme
    }
    self.isSecure = isSecure
    let rest = text.dropFirst(scheme.count)
    let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
    let place = String(rest[..<end])
    guard !place.contains("@") else { throw .user }
    (host, port) = try Self.place(place, usual)
    let path = String(rest[end...])
    guard !path.contains("#") else { throw .fragment }
    guard path.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .path }
    self.path = path.hasPrefix("/") ? path : "/\(path)"
  }

  /// `HOST[:PORT]`; without a usual port it must be there.
  static func place(_ text: String, _ usual: UInt16?) throws(Failure) -> (String, UInt16) {
    var host = text[...]
    var found = usual
    let afterBracket = text.lastIndex(of: "]") ?? text.startIndex
    if let colon = text[afterBracket...].lastIndex(of: ":") {
      host = text[..<colon]
      guard let number = UInt16(text[text.index(after: colon)...]), number > 0 else { throw .port }
      found = number
    }
    guard let port = found else { throw .port }
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
      guard host.contains(":"),
        host.utf8.allSatisfy({ isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
      else { throw .host }
    } else {
      guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isNameByte) else { throw .host }
    }
    return (String(host), port)
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      true
    default: false
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// What may be shown of it: `https://hooks.slack.com/…`.
  public var shown: String {
    let usual: UInt16 = isSecure ? 443 : 80
    let name = host.contains(":") ? "[\(host)]" : host
    return "http\(isSecure ? "s" : "")://\(name)\(port == usual ? "" : ":\(port)")/…"
  }

  /// True for this machine's own addresses.
  public var isLocal: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
