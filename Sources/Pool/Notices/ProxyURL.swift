/// Where an HTTP proxy is: `http://[USER:PASSWORD@]HOST:PORT`.
public struct ProxyURL: Hashable, Sendable {
  /// A name or an address, without brackets.
  public var host: String
  public var port: UInt16
  public var login: Login?

  /// For HTTP's basic authentication (RFC 7617).
  public struct Login: Hashable, Sendable {
    public var user: String
    public var password: String

    public init(user: String, password: String) {
      self.user = user
      self.password = password
    }
  }

  /// Why a text is no such URL. None of it is repeated, since it may be a secret.
  public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    case scheme, host, port, path, login

    public var description: String {
      switch self {
      case .scheme: "it does not begin with http://"
      case .host: "it has no host that could be one"
      case .port: "it has no port, or one that is none"
      case .path:
        "something comes after its port, or a password holds one of / ? # that is not written as %2F, %3F or %23"
      case .login: "what comes before its host is not USER:PASSWORD, with %40 for an @ and the like"
      }
    }
  }

  public init(_ text: some StringProtocol) throws(Failure) {
    let scheme = "http://"
    guard text.lowercased().hasPrefix(scheme) else { throw .scheme }
    var rest = text.dropFirst(scheme.count)
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    guard !rest.contains(where: { "/?#".contains($0) }) else { throw .path }
    var place = String(rest)
    if let at = place.lastIndex(of: "@") {
      login = try Self.login(place[..<at])
      place = String(place[place.index(after: at)...])
    }
    do throws(WebhookURL.Failure) { (host, port) = try WebhookURL.place(place, nil) } catch {
      throw error == .port ? .port : .host
    }
  }

  private static func login(_ text: Substring) throws(Failure) -> Login {
    guard let colon = text.firstIndex(of: ":"), let user = decoded(text[..<colon]), !user.isEmpty,
      let password = decoded(text[text.index(after: colon)...])
    else { throw .login }
    // Decoded, it would end the user (RFC 7617 section 2).
    guard !user.contains(":") else { throw .login }
    return Login(user: user, password: password)
  }

  /// RFC 3986 section 2.1; nil: not so written, or with control characters.
  private static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
        bytes.append(high << 4 | low)
      } else {
        bytes.append(byte)
      }
    }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? { Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init) }

  /// What may be shown of it: `http://proxy.example.com:3128`.
  public var shown: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
