/// Times in the form `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7), as seconds since 1970.
enum HTTPDate {
  static let length = 29
  private static let days: StaticString = "SunMonTueWedThuFriSat"
  private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
  /// The years 1 to 9999, which fit the form.
  private static let bounds = -62_135_596_800...253_402_300_799

  @_lifetime(out: copy out)
  static func append(_ seconds: Int, into out: inout OutputSpan<UInt8>) {
    let seconds = min(max(seconds, bounds.lowerBound), bounds.upperBound)
    let day = seconds.floorDivided(by: 86400)
    let second = seconds - day * 86400
    let (year, month, dayOfMonth) = civil(day)
    // 1970 began on a Thursday.
    append(days, (day + 4).floorRemainder(by: 7), into: &out)
    out.append(copying: ", ")
    append(dayOfMonth, digits: 2, into: &out)
    out.append(ASCII.space)
    append(months, month - 1, into: &out)
    out.append(ASCII.space)
    append(year, digits: 4, into: &out)
    out.append(ASCII.space)
    append(second / 3600, digits: 2, into: &out)
    out.append(ASCII.colon)
    append(second / 60 % 60, digits: 2, into: &out)
    out.append(ASCII.colon)
    append(second % 60, digits: 2, into: &out)
    out.append(copying: " GMT")
  }

  /// Nil for the two obsolete forms too: whoever sends one gets the whole answer, as if he had not asked for less.
  static func parse(_ bytes: Span<UInt8>) -> Int? {
    guard bytes.count == length, holds(bytes, ", ", at: 3), holds(bytes, " GMT", at: 25), bytes[7] == ASCII.space,
      bytes[11] == ASCII.space, bytes[16] == ASCII.space, bytes[19] == ASCII.colon, bytes[22] == ASCII.colon,
      let day = number(bytes, 5, 7), let month = month(bytes, at: 8), let year = number(bytes, 12, 16),
      let hour = number(bytes, 17, 19), let minute = number(bytes, 20, 22), let second = number(bytes, 23, 25),
      year > 0, (1...31).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    return dayNumber(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
  }

  /// The proleptic Gregorian calendar, counted in eras of 400 years that begin in March, so that the leap day is last.
  private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = day + 719_468
    let era = shifted.floorDivided(by: 146_097)
    let inEra = shifted - era * 146_097
    let year = (inEra - inEra / 1460 + inEra / 36524 - inEra / 146_096) / 365
    let inYear = inEra - (365 * year + year / 4 - year / 100)
    let month = (5 * inYear + 2) / 153
    let calendarMonth = month < 10 ? month + 3 : month - 9
    return (year + era * 400 + (calendarMonth <= 2 ? 1 : 0), calendarMonth, inYear - (153 * month + 2) / 5 + 1)
  }

  private static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let era = year.floorDivided(by: 400)
    let ofEra = year - era * 400
    let inYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + inYear - 719_468
  }

  @_lifetime(out: copy out)
  private static func append(_ names: StaticString, _ index: Int, into out: inout OutputSpan<UInt8>) {
    for offset in 0..<3 { out.append(names.utf8Start[index * 3 + offset]) }
  }

  @_lifetime(out: copy out)
  private static func append(_ number: Int, digits: Int, into out: inout OutputSpan<UInt8>) {
    var scale = 1
    for _ in 1..<digits { scale *= 10 }
    while scale > 0 {
      out.append(ASCII.zero &+ UInt8(truncatingIfNeeded: number / scale % 10))
      scale /= 10
    }
  }

  private static func number(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var number = 0
    for index in start..<end {
      guard ASCII.isDigit(bytes[index]) else { return nil }
      number = number * 10 + Int(bytes[index] - ASCII.zero)
    }
    return number
  }

  private static func month(_ bytes: Span<UInt8>, at start: Int) -> Int? {
    for month in 0..<12 {
      var same = true
      for offset in 0..<3 where bytes[start + offset] != months.utf8Start[month * 3 + offset] { same = false }
      if same { return month + 1 }
    }
    return nil
  }

  private static func holds(_ bytes: Span<UInt8>, _ text: StaticString, at start: Int) -> Bool {
    for index in 0..<text.utf8CodeUnitCount where bytes[start + index] != text.utf8Start[index] { return false }
    return true
  }
}

extension Int {
  /// Towards minus infinity, for a positive divisor.
  func floorDivided(by divisor: Int) -> Int { self / divisor - (self % divisor < 0 ? 1 : 0) }

  fileprivate func floorRemainder(by divisor: Int) -> Int { self - floorDivided(by: divisor) * divisor }
}
