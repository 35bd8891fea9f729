import Glibc
import Pool

/// What the governor cannot know by itself: what people's clocks show, and how busy a pool is.
extension Supervisor {
  /// Again and again, since the clock may be set, and summer begins.
  func tellTime() {
    for (name, pool) in pools where !pool.machine.policy.recycle.windows.isEmpty {
      feed(.clock(WallClock.now()), to: name)
    }
  }

  /// Requests that are served and wait, for each 100 that the pool's workers can serve at once.
  func tellLoad() {
    for (name, pool) in pools where pool.machine.policy.recycle.loadBelow != nil {
      let places = pool.machine.readyCount * pool.machine.policy.concurrency
      let busy = pool.workers.values.reduce(0) { $0 + $1.requestsInFlight }
      let waiting = proxies.counters(of: name, after: pool.earlier).queueLength
      let (asked, overflow) = (busy + waiting).multipliedReportingOverflow(by: 100)
      feed(.load(percent: places == 0 || overflow ? (busy + waiting == 0 ? 0 : 100) : asked / places), to: name)
    }
  }
}

extension WallClock {
  static func now() -> WallClock {
    var seconds = time(nil)
    var parts = tm()
    // It reads the zone's rules again where TZ or /etc/localtime has changed.
    tzset()
    localtime_r(&seconds, &parts)
    return WallClock(at: Clock.now(), seconds: Int64(seconds), offset: Int64(parts.tm_gmtoff))
  }
}
