/// Who asks through the control API.
public enum Caller: Hashable, Sendable, CustomStringConvertible {
  /// The process at the other end of the unix socket, as the kernel says; `user`: what its uid is called here.
  case process(uid: UInt32, user: String?, pid: Int32)
  /// Someone on the network who has the token, and where from.
  case token(from: String)

  /// As the ledger has it: `anna (uid 1000, pid 4711)`, `token from 10.1.2.3`.
  public var description: String {
    switch self {
    case .process(let uid, let user?, let pid): "\(user) (uid \(uid), pid \(pid))"
    case .process(let uid, nil, let pid): "uid \(uid) (pid \(pid))"
    case .token(let address): "token from \(address)"
    }
  }
}
