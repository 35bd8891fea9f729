import Pool

extension SettingChange {
  /// What it takes to change the setting of this name.
  init(ofKey key: String) {
    let parts = key.split(separator: ".").map(String.init)
    switch parts.first {
    case "state_dir", "run_dir": self = .restart
    case "control": self = ["socket", "listen"].contains(parts.dropFirst().first) ? .restart : .live
    case "listen", "proxy", "routes", "files", "access_log": self = .proxy
    case "pools": self = Self.ofPool(parts.dropFirst(2).first ?? "")
    default: self = .live
    }
  }

  private static func ofPool(_ key: String) -> SettingChange {
    switch key {
    case "concurrency", "queue", "request_timeout", "stuck": .proxy
    case "master", "puppet", "command", "environment", "user", "working_directory", "backtrace", "cache": .recycle
    default: .live
    }
  }
}
