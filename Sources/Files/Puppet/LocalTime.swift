import Glibc

/// Times as Ruby's `Time#to_s` writes them, in the workers' time zone if that is ours.
struct LocalTime: Sendable {
  private let isOurs: Bool

  /// - Parameter offsets: what the workers' zone is east of UTC at some times.
  init(agreeingWith offsets: [Int: Int]) {
    tzset()
    isOurs = !offsets.isEmpty && offsets.allSatisfy { Self.parts($0.key)?.tm_gmtoff == $0.value }
  }

  /// Of nanoseconds since 1970; nil: the workers would write it otherwise, or might.
  func text(_ nanoseconds: Int64) -> String? {
    let seconds = Int(nanoseconds / 1_000_000_000)
    guard isOurs, nanoseconds >= 0, let parts = Self.parts(seconds) else { return nil }
    let east = parts.tm_gmtoff / 60
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) "
      + (east < 0 ? "-" : "+") + two(Int32(abs(east) / 60)) + two(Int32(abs(east) % 60))
  }

  private static func parts(_ seconds: Int) -> tm? {
    var time = time_t(seconds)
    var parts = tm()
    return localtime_r(&time, &parts) == nil ? nil : parts
  }

  private func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
