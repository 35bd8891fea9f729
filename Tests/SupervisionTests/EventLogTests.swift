import Logging
import Pool
import Testing

@testable import Supervision

@Suite struct EventLogTests {
  @Test func whatWasCapturedIsKeptForTheLastOfThem() {
    var log = EventLog(logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    for number in 0..<(EventLog.captures * 3) {
      log.append(.supervisor, "between")
      log.append(.stuck, "\(number)", capture: "seen")
    }
    let kept = log.events(after: 0, limit: .max).filter { $0.capture != nil }
    #expect(kept.count == EventLog.captures)
    #expect(kept.map(\.message) == (EventLog.captures * 2..<EventLog.captures * 3).map(String.init))
  }

  @Test func wipesThatFailedAreToldForAnHour() {
    var log = EventLog(logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    log.append(.wipe, "all gone")
    #expect(log.failedWipes(at: Clock.now()) == nil)
    log.append(.wipeFailed, "one")
    log.append(.wipeFailed, "another")
    let failed = log.failedWipes(at: Clock.now())
    #expect(failed?.count == 2 && failed?.message == "another" && failed?.withinSeconds == 3600)
    #expect(log.failedWipes(at: Clock.now() + .seconds(3600)) == nil)
  }
}
