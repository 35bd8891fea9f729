/// Why the authority would not do it: what, where, and what to do next.
public enum AuthorityFailure: Error, Equatable, CustomStringConvertible {
  /// A name, number or option that cannot be used.
  case unusable(String)
  /// Something is there already and is never overwritten.
  case exists(String)
  /// The folder holds no authority, or a damaged one.
  case notAnAuthority(String)
  case unknownName(String)
  /// Another command holds the lock.
  case busy(String)
  /// The system said no: the act, the path and its reason.
  case system(String)

  public var description: String {
    switch self {
    case .unusable(let text), .exists(let text), .notAnAuthority(let text), .unknownName(let text), .busy(let text),
      .system(let text):
      text
    }
  }
}
