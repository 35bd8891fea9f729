import Glibc

/// The names under which a browser may ask for the control API.
///
/// A page of another site can have its own name resolve to this machine and then read what it asks for (DNS
/// rebinding): its requests come with that name as their `Host`. An address in its place cannot be rebound.
public struct HostNames: Sendable, Hashable {
  /// The machine's own.
  private var own: Set<String>
  /// Those that the settings add: of a reverse proxy, or an alias.
  private var added: Set<String>

  public init(machine: [String] = [], added: [String] = []) {
    own = Set(machine.map(Self.plain) + ["localhost"])
    self.added = Set(added.map(Self.plain))
  }

  /// - Parameter authority: a `Host` field's value: `name`, `name:port`, `[v6]:port`.
  func admits(host authority: String) -> Bool {
    guard let authority = Authority(authority) else { return false }
    return authority.isAddress || own.contains(authority.name) || added.contains(authority.name)
  }

  /// RFC 6454: a page's own requests name the server they go to; any other page is another site's.
  ///
  /// - Parameters:
  ///   - origin: an `Origin` field's value: `http://name:port`, or `null`.
  ///   - host: the same request's `Host`, which has been admitted.
  func admits(origin: String, to host: String) -> Bool {
    guard let colon = origin.firstRange(of: "://"), let target = Authority(host) else { return false }
    let scheme = origin[..<colon.lowerBound].lowercased()
    guard scheme == "http" || scheme == "https", let source = Authority(String(origin[colon.upperBound...])) else {
      return false
    }
    // Behind a reverse proxy the page has the proxy's name and port, which the settings tell.
    if added.contains(source.name) { return true }
    let usual = scheme == "http" ? 80 : 443
    return source.name == target.name && (source.port ?? usual) == (target.port ?? usual)
  }

  private static func plain(_ name: String) -> String {
    let name = name.lowercased()
    return name.hasSuffix(".") ? String(name.dropLast()) : name
  }

  /// `name[:port]` taken apart; nil: it is nothing of the kind.
  private struct Authority {
    /// In lower case, without a last dot; an IPv6 address without its brackets.
    var name: String
    var port: Int?
    var isAddress: Bool

    init?(_ text: String) {
      var rest = text[...]
      if rest.hasPrefix("[") {
        guard let end = rest.firstIndex(of: "]") else { return nil }
        name = rest[rest.index(after: rest.startIndex)..<end].lowercased()
        rest = rest[rest.index(after: end)...]
        var address = in6_addr()
        guard inet_pton(AF_INET6, name, &address) == 1 else { return nil }
        isAddress = true
      } else {
        let end = rest.firstIndex(of: ":") ?? rest.endIndex
        name = HostNames.plain(String(rest[..<end]))
        rest = rest[end...]
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else { return nil }
        var address = in_addr()
        isAddress = inet_pton(AF_INET, name, &address) == 1
      }
      guard !rest.isEmpty else { return }
      guard rest.first == ":", rest.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber }),
        let port = UInt16(rest.dropFirst())
      else { return nil }
      self.port = Int(port)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      default: "-._".utf8.contains(byte)
      }
    }
  }
}

/// What this machine is called, as far as its own files tell: a question to a name server could hold up the start.
public enum MachineNames {
  public static func all() -> [String] {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return [] }
    let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return of(name, hosts: text("/etc/hosts"), resolver: text("/etc/resolv.conf"))
  }

  /// The name itself, what `hosts` (hosts(5)) calls the same, and the name in the domains of `resolver`
  /// (resolv.conf(5)).
  static func of(_ name: String, hosts: String, resolver: String) -> [String] {
    guard !name.isEmpty else { return [] }
    func words(_ text: String) -> [[Substring]] {
      text.split(separator: "\n").map { line in
        line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
      }
    }
    let aliases = words(hosts).map { $0.dropFirst() }.filter { $0.contains(Substring(name)) }.flatMap { $0 }
    let domains = words(resolver).filter { $0.first == "search" || $0.first == "domain" }.flatMap { $0.dropFirst() }
    return [name] + aliases.map(String.init) + (name.contains(".") ? [] : domains.map { "\(name).\($0)" })
  }

  private static func text(_ path: String) -> String {
    guard let file = fopen(path, "re") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
