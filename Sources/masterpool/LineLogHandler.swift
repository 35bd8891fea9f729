import FoundationEssentials
import Glibc
import Logging

/// One line a message on standard error: `2026-11-23T13:49:59.123Z info masters/0#3 pid 123: text key=value`.
///
/// Under a service manager that stamps lines itself (JOURNAL_STREAM is set) the time is left out.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let isStamped: Bool

  init(level: Logger.Level, environment: [String: String]) {
    logLevel = level
    isStamped = environment["JOURNAL_STREAM"] == nil
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    var line = isStamped ? "\(Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))) " : ""
    line += "\(event.level.rawValue) \(origin(all))\(event.message)\(rest(all))\n"
    // One call for one line, so that lines never mix.
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  }

  /// Whose words they are: a worker's or a proxy's output carries its pid.
  private func origin(_ metadata: Logger.Metadata) -> String {
    guard let pid = metadata["pid"] else { return "" }
    if let pool = metadata["pool"], let slot = metadata["slot"], let generation = metadata["generation"] {
      return "\(pool)/\(slot)#\(generation) pid \(pid): "
    }
    if let proxy = metadata["proxy"] { return "proxy \(proxy) pid \(pid): " }
    return "pid \(pid): "
  }

  private static let inOrigin: Set = ["pid", "pool", "slot", "generation", "proxy"]

  private func rest(_ metadata: Logger.Metadata) -> String {
    metadata.filter { !Self.inOrigin.contains($0.key) }.sorted { $0.key < $1.key }
      .map { " \($0.key)=\($0.value)" }.joined()
  }
}
