import Foundation

/// What /proc says about processes.
public enum Processes {
  /// The pids whose environment holds this setting: all that a test started, whatever group or session they are in.
  public static func marked(_ setting: String) -> [pid_t] {
    let needle = "\(setting)\0"
    return all().filter { pid in
      (text(ofFile: "/proc/\(pid)/environ") ?? "").contains(needle) && state(of: pid) != "Z"
    }
  }

  public static func all() -> [pid_t] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
  }

  /// Its command line, for people.
  public static func name(_ pid: pid_t) -> String {
    (text(ofFile: "/proc/\(pid)/cmdline") ?? "").split(separator: "\0").joined(separator: " ")
  }

  public static func isAlive(_ pid: pid_t) -> Bool {
    state(of: pid).map { $0 != "Z" && $0 != "X" } ?? false
  }

  /// User and system CPU time of all its threads.
  public static func cpuTime(_ pid: pid_t) -> Duration {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    let nanoseconds = threads.compactMap { thread in
      text(ofFile: "/proc/\(pid)/task/\(thread)/schedstat")?.split(separator: " ").first.flatMap { Int64($0) }
    }
    return .nanoseconds(nanoseconds.reduce(0, +))
  }

  /// Proportional set size in bytes.
  public static func pss(_ pid: pid_t) -> Int? {
    text(ofFile: "/proc/\(pid)/smaps_rollup")?.split(separator: "\n").first { $0.hasPrefix("Pss:") }
      .flatMap { line in line.split(separator: " ").dropFirst().first.flatMap { Int($0) } }.map { $0 * 1024 }
  }

  public static func parent(of pid: pid_t) -> pid_t? {
    guard let stat = text(ofFile: "/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { return nil }
    return stat[end...].split(separator: " ").dropFirst(2).first.flatMap { pid_t($0) }
  }

  private static func state(of pid: pid_t) -> Substring? {
    guard let stat = text(ofFile: "/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { return nil }
    return stat[end...].split(separator: " ").dropFirst().first
  }
}
