import Logging
import Pool
import Synchronization

/// Who may do what. The unix socket is guarded by its mode, and by what the kernel says of who opened it; the network
/// address by names, against pages of other sites, and by the token, without which it is read-only.
public final class ControlGate: Sendable {
  /// What it goes by; other settings are other keys.
  public struct Keys: Sendable, Hashable {
    /// Nil: nobody commands over the network.
    public var token: ControlToken?
    public var names: HostNames

    public init(token: ControlToken? = nil, names: HostNames = HostNames()) {
      self.token = token
      self.names = names
    }
  }

  private let keys: Mutex<Keys>
  private let refusals = Mutex<[GateCause: Int]>([:])

  public init(_ keys: Keys = Keys()) { self.keys = Mutex(keys) }

  /// From now on.
  public func change(to keys: Keys) { self.keys.withLock { $0 = keys } }

  /// Requests that were turned away since the start, by cause.
  var refused: [GateCause: Int] { refusals.withLock { $0 } }

  /// What a request over the network may do.
  ///
  /// - Parameter address: whose it is.
  func admit(_ papers: Papers, from address: String) throws(ControlRefusal) -> (ControlAccess, Caller?) {
    let keys = keys.withLock { $0 }
    do throws(GateRefusal) {
      try keys.checkSite(papers)
      return try keys.checkToken(papers) ? (.full, .token(from: address)) : (keys.withoutToken, nil)
    } catch {
      note(error.cause)
      throw error.refusal
    }
  }

  /// What a process that has opened the unix socket may do: everything, if it is ours or root's. The socket's mode lets
  /// no other in; a mode that was changed since would.
  func admit(uid: UInt32, ours: UInt32) throws(ControlRefusal) -> ControlAccess {
    guard uid == 0 || uid == ours else {
      note(.foreignUser)
      throw ControlRefusal(
        status: 403,
        message: "uid \(uid) may not use this socket; root and uid \(ours), which masterpool runs as, may")
    }
    return .full
  }

  /// A request that had no right to what it asked for.
  func note(_ cause: GateCause) { refusals.withLock { $0[cause, default: 0] += 1 } }
}

/// Why the control API turned a request away. A small, fixed set: these are the labels of a metric.
enum GateCause: String, CaseIterable, Sendable {
  case host, origin
  /// A wrong token; none where one is needed.
  case wrongToken = "wrong_token"
  case noToken = "no_token"
  case readOnly = "read_only"
  case foreignUser = "foreign_user"
}

/// What a request over the network says of where it comes from, and what it shows. Each as often as it came.
struct Papers: Sendable, Equatable {
  var hosts: [String] = []
  var origins: [String] = []
  var authorizations: [String] = []
}

private struct GateRefusal: Error {
  var cause: GateCause
  var refusal: ControlRefusal
}

extension ControlGate.Keys {
  fileprivate var withoutToken: ControlAccess { token == nil ? .readOnly : .locked }

  /// Against DNS rebinding and against posts from other sites' pages.
  fileprivate func checkSite(_ papers: Papers) throws(GateRefusal) {
    // RFC 9112 section 3.2: exactly one.
    guard papers.hosts.count == 1, let host = papers.hosts.first else {
      throw GateRefusal(cause: .host, refusal: ControlRefusal(status: 400, message: "a request needs one Host"))
    }
    guard names.admits(host: host) else {
      throw GateRefusal(
        cause: .host,
        refusal: ControlRefusal(
          status: 403,
          message:
            "this server is not called \(host.prefix(200)); ask by its address, or by localhost, or add the name to "
            + "control.allow_hosts"))
    }
    for origin in papers.origins where !names.admits(origin: origin, to: host) {
      throw GateRefusal(
        cause: .origin,
        refusal: ControlRefusal(
          status: 403,
          message: "a page of \(origin.prefix(200)) has no business here; if it is a proxy in front of this "
            + "server, add its name to control.allow_hosts"))
    }
  }

  /// True where the token was shown. What is no `Bearer` is for others on the way.
  fileprivate func checkToken(_ papers: Papers) throws(GateRefusal) -> Bool {
    guard let token else { return false }
    let offered = papers.authorizations.compactMap(Self.bearer)
    guard !offered.isEmpty else { return false }
    guard offered.count == 1, token.matches(offered[0]) else {
      throw GateRefusal(
        cause: .wrongToken,
        refusal: ControlRefusal(
          status: 401, message: "the token is wrong; it is in the file that control.token_file names",
          challenge: #"Bearer realm="masterpool", error="invalid_token""#))
    }
    return true
  }

  /// RFC 9110 section 11.4: the scheme in any case, then spaces.
  private static func bearer(_ field: String) -> Substring? {
    let parts = field.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    return parts[1].drop { $0 == " " }
  }
}
