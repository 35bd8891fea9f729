import Testing

@testable import Pool

/// Hours of the week, as people read them on their clocks.
@Suite struct WindowTests {
  private static let workdays = WeekSpan(days: [0, 1, 2, 3, 4], start: 7 * 60, end: 19 * 60)
  private static let night = WeekSpan(days: [4], start: 22 * 60, end: 5 * 60)

  private func second(_ day: Int, _ hour: Int, _ minute: Int = 0) -> Int { day * 86400 + hour * 3600 + minute * 60 }

  @Test(arguments: [
    (0, 7, 0, true), (0, 6, 59, false), (0, 18, 59, true), (0, 19, 0, false), (4, 12, 0, true), (5, 12, 0, false),
  ])
  func aSpanBeginsAndEndsWhenItSays(_ day: Int, _ hour: Int, _ minute: Int, _ isIn: Bool) {
    #expect(Self.workdays.contains(second(day, hour, minute)) == isIn)
  }

  @Test(arguments: [(4, 21, false), (4, 22, true), (5, 0, true), (5, 4, true), (5, 5, false), (4, 4, false)])
  func hoursMayGoOnPastMidnight(_ day: Int, _ hour: Int, _ isIn: Bool) {
    #expect(Self.night.contains(second(day, hour)) == isIn)
  }

  @Test func theWeekGoesRound() {
    let span = WeekSpan(days: [6], start: 23 * 60, end: 60)
    #expect(span.contains(second(6, 23)) && span.contains(second(0, 0, 59)) && !span.contains(second(0, 1)))
  }

  @Test func neverIsStrongerThanOnly() {
    let windows = RecycleWindows(only: [Self.workdays], never: [WeekSpan(days: [2], start: 720, end: 780)])
    #expect(windows.allow(second(2, 11, 59)) && !windows.allow(second(2, 12)) && windows.allow(second(2, 13)))
    #expect(!windows.allow(second(6, 12)))
    #expect(RecycleWindows().allow(0))
  }

  @Test func theNextOpeningIsFound() {
    let windows = RecycleWindows(only: [Self.workdays], never: [WeekSpan(days: [0], start: 0, end: 720)])
    // From Friday's evening to Monday's noon.
    #expect(windows.opening(after: second(4, 19)) == 2 * 86400 + 17 * 3600)
    #expect(windows.opening(after: second(1, 6)) == 3600)
    #expect(RecycleWindows(never: [WeekSpan(days: Array(0..<7))]).opening(after: 5) == nil)
  }

  @Test(arguments: [
    (WeekSpan(days: [0, 1, 2, 3, 4], start: 420, end: 1140), "mon-fri 07:00-19:00"),
    (WeekSpan(days: Array(0..<7), start: 1320, end: 300), "22:00-05:00"), (WeekSpan(days: [5, 6]), "sat,sun"),
    (WeekSpan(days: Array(0..<7)), "daily"), (WeekSpan(days: [0, 2], start: 0, end: 1), "mon,wed 00:00-00:01"),
  ])
  func aSpanIsWrittenAsInTheSettings(_ span: WeekSpan, _ text: String) {
    #expect(span.description == text)
  }

  /// 2026-03-29 01:00 UTC, when Central European clocks go from 02:00 to 03:00.
  @Test func clocksThatAreSetForSummerCount() {
    let change: Int64 = 1_774_746_000
    let start = Instant(nanoseconds: 77)
    let winter = WallClock(at: start, seconds: change - 60, offset: 3600)
    #expect(winter.secondOfWeek(at: start) == second(6, 1, 59))
    let summer = WallClock(at: start + .seconds(60), seconds: change, offset: 7200)
    #expect(summer.secondOfWeek(at: start + .seconds(60)) == second(6, 3))
    #expect(summer.secondOfWeek(at: start) == second(6, 2, 59))
  }

  @Test func aClockBeforeItsTimeDoesNoHarm() {
    let clock = WallClock(at: Instant(nanoseconds: 0), seconds: -5, offset: -43200)
    #expect((0..<WeekSpan.week).contains(clock.secondOfWeek(at: Instant(nanoseconds: 0))))
    let late = WallClock(at: Instant(nanoseconds: 0), seconds: .max, offset: 3600)
    #expect((0..<WeekSpan.week).contains(late.secondOfWeek(at: Instant(nanoseconds: .max))))
  }
}
