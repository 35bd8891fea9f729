import Pool

extension Reader {
  /// A list of `{only: "mon-fri 07:00-19:00"}` and `{never: "sat 02:00-04:00"}`.
  func windows(_ field: Field) -> RecycleWindows? {
    let example = "[{only: \"mon-fri 07:00-19:00\"}, {never: \"sat 02:00-04:00\"}]"
    guard let members = field.list(expected: example) else { return nil }
    guard members.count <= RecycleBounds.windows.upperBound else {
      field.problem("there are \(members.count) windows", "write at most \(RecycleBounds.windows.upperBound)")
      return nil
    }
    var windows = RecycleWindows()
    for member in members {
      guard case .mapping = member.shape else {
        member.wrongShape(expected: "{only: \"mon-fri 07:00-19:00\"}")
        continue
      }
      let section = Section(reading: member, .window)
      let only = section.optional("only") { $0.weekSpan() }
      let never = section.optional("never") { $0.weekSpan() }
      if section["only"] == nil, section["never"] == nil {
        member.problem("it says neither only nor never", "write {only: \"mon-fri 07:00-19:00\"}")
      }
      windows.only += only.map { [$0] } ?? []
      windows.never += never.map { [$0] } ?? []
    }
    refuseWindowsThatNeverOpen(windows, field)
    return windows
  }

  private func refuseWindowsThatNeverOpen(_ windows: RecycleWindows, _ field: Field) {
    let isEverOpen = stride(from: 0, to: WeekSpan.week, by: 60).contains { windows.allow($0) }
    guard !windows.isEmpty, !isEverOpen else { return }
    field.problem("no minute of the week is within them", "leave some time for recycles, or write every: off")
  }
}

extension Field {
  /// `mon-fri 07:00-19:00`, `sat,sun`, `22:00-05:00`
  fileprivate func weekSpan() -> WeekSpan? {
    let expected = "days, hours or both, as mon-fri 07:00-19:00, sat,sun or 22:00-05:00"
    guard let text = text(expected: expected) else { return nil }
    let words = text.lowercased().split(separator: " ").map(String.init)
    let hours = words.last.flatMap { $0.contains(":") ? $0 : nil }
    let dayWords = hours == nil ? words[...] : words.dropLast()
    guard words.count <= 2, dayWords.count <= 1 else {
      problem("\(quoted(text)) is not a time of the week", "write \(expected)")
      return nil
    }
    var days = Array(0..<7)
    if let word = dayWords.first, word != "daily" {
      guard let named = Self.days(word) else {
        problem("\(quoted(word)) are no days", "write mon, tue, wed, thu, fri, sat, sun, as mon-fri or sat,sun")
        return nil
      }
      days = named
    }
    guard let hours else { return WeekSpan(days: days) }
    let ends = hours.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let start = Self.minute(ends[0]), let end = Self.minute(ends[1]), start < 1440, end > 0
    else {
      problem("\(quoted(hours)) are no hours", "write them from 00:00 to 24:00, as 07:00-19:00 or 22:00-05:00")
      return nil
    }
    return WeekSpan(days: days, start: start, end: end)
  }

  /// `mon-fri`, `sat,sun`, `fri-mon`
  private static func days(_ text: String) -> [Int]? {
    var days: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false)
        .map { WeekSpan.dayNames.firstIndex(of: String($0)) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return nil }
      let count = (last - first + 7) % 7
      days += (0...count).map { (first + $0) % 7 }
    }
    return days
  }

  /// `07:00`; `24:00` is the day's end.
  private static func minute(_ text: Substring) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ (1...2).contains($0.count) && $0.allSatisfy(\.isASCIIDigit) }),
      parts[1].count == 2, let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60,
      hour < 24 || hour == 24 && minute == 0
    else { return nil }
    return hour * 60 + minute
  }
}
