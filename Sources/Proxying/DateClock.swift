import Glibc
import HTTPWire

/// The time of day as answers say it, written anew once a second.
struct DateClock {
  private var date = DateText(unixSeconds: 0)
  /// On the loop's own clock.
  private var holdsUntil: Int64 = .min

  @inline(__always) mutating func date(at now: Int64) -> DateText {
    if now >= holdsUntil { read(now) }
    return date
  }

  private mutating func read(_ now: Int64) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    date = DateText(unixSeconds: Int(time.tv_sec))
    holdsUntil = now + 1_000_000_000 - Int64(time.tv_nsec)
  }
}
