/// A point in time in UTC as people write it, from nanoseconds since 1970.
struct CivilTime {
  private(set) var year: Int
  /// 1…12
  private(set) var month: Int
  private(set) var day: Int
  private(set) var hour: Int
  private(set) var minute: Int
  private(set) var second: Int
  private(set) var millisecond: Int

  init(nanoseconds: Int64) {
    let milliseconds = Int(nanoseconds / 1_000_000)
    let seconds = milliseconds / 1000
    millisecond = milliseconds % 1000
    let inDay = seconds % 86400
    (hour, minute, second) = (inDay / 3600, inDay / 60 % 60, inDay % 60)
    // Years that begin in March end with the leap day, so that months have a pattern; 719468 days before 1970 began
    // the first cycle of 400 of them.
    let days = seconds / 86400 + 719_468
    let cycle = days / 146_097
    let inCycle = days % 146_097
    let yearOfCycle = (inCycle - inCycle / 1460 + inCycle / 36524 - inCycle / 146_096) / 365
    let inYear = inCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    let march = (5 * inYear + 2) / 153
    day = inYear - (153 * march + 2) / 5 + 1
    month = march < 10 ? march + 3 : march - 9
    year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
  }

  var monthName: StaticString {
    switch month {
    case 1: "Jan"
    case 2: "Feb"
    case 3: "Mar"
    case 4: "Apr"
    case 5: "May"
    case 6: "Jun"
    case 7: "Jul"
    case 8: "Aug"
    case 9: "Sep"
    case 10: "Oct"
    case 11: "Nov"
    default: "Dec"
    }
  }
}

extension OutputSpan where Element == UInt8 {
  /// `2026-11-24T21:55:39.123Z`; times before 1970 count as its start.
  @_lifetime(self: copy self)
  mutating func append(rfc3339 nanoseconds: Int64) {
    let time = CivilTime(nanoseconds: max(0, nanoseconds))
    append(time.year, digits: 4)
    append(ASCII.dash)
    append(time.month, digits: 2)
    append(ASCII.dash)
    append(time.day, digits: 2)
    append(UInt8(ascii: "T"))
    append(clock: time)
    append(ASCII.dot)
    append(time.millisecond, digits: 3)
    append(UInt8(ascii: "Z"))
  }

  /// `24/Nov/2026:21:55:39 +0000`
  @_lifetime(self: copy self)
  mutating func append(combinedTime nanoseconds: Int64) {
    let time = CivilTime(nanoseconds: max(0, nanoseconds))
    append(time.day, digits: 2)
    append(ASCII.slash)
    append(copying: time.monthName)
    append(ASCII.slash)
    append(time.year, digits: 4)
    append(ASCII.colon)
    append(clock: time)
    append(copying: " +0000")
  }

  @_lifetime(self: copy self)
  private mutating func append(clock time: CivilTime) {
    append(time.hour, digits: 2)
    append(ASCII.colon)
    append(time.minute, digits: 2)
    append(ASCII.colon)
    append(time.second, digits: 2)
  }

  /// `12.345`, never negative.
  @_lifetime(self: copy self)
  mutating func append(milliseconds nanoseconds: Int64) {
    let microseconds = Int(max(0, nanoseconds) / 1000)
    append(decimal: microseconds / 1000)
    append(ASCII.dot)
    append(microseconds % 1000, digits: 3)
  }

  /// With leading zeros.
  @_lifetime(self: copy self)
  private mutating func append(_ number: Int, digits: Int) {
    var unit = 1
    for _ in 1..<digits { unit &*= 10 }
    while unit > 0 {
      append(ASCII.zero &+ UInt8(truncatingIfNeeded: number / unit % 10))
      unit /= 10
    }
  }
}
