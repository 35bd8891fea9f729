/// A setting that was set while masterpool runs, above what the files say.
public struct SettingOverride: Hashable, Sendable, Codable {
  /// `pools.masters.recycle.every`
  public var key: String
  /// As YAML: `20m`, `[a, b]`.
  public var value: String
  /// A `Caller` in words; nil: the program itself.
  public var by: String?
  /// RFC 3339, UTC.
  public var at: String

  public init(key: String, value: String, by: String? = nil, at: String) {
    self.key = key
    self.value = value
    self.by = by
    self.at = at
  }
}

/// What takes a change of a setting to be in force.
public enum SettingChange: String, Hashable, Sendable, Codable, CaseIterable {
  /// Nothing: it is at once.
  case live
  /// Every worker of its pool is replaced, one after the other.
  case recycle
  /// Another proxy takes over the listeners, and the one before finishes its requests.
  case proxy
  /// masterpool itself must be started anew.
  case restart
}
