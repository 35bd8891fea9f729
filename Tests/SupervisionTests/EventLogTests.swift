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
}
