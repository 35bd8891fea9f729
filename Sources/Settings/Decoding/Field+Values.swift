import Pool

extension Field {
  /// A whole number. `alternative` is another word that the caller takes, named in the advice.
  func integer(in range: ClosedRange<Int>, or alternative: String? = nil) -> Int? {
    let advice = advice("a number from \(range.lowerBound) to \(range.upperBound)", alternative)
    switch shape {
    case .plain(let text):
      return integer(text, in: range, advice)
    case .quoted(let text) where text.allSatisfy(\.isASCIIDigit) && !text.isEmpty:
      problem("\(quoted(text)) is a text", "write \(shown(text)) without quotes")
    case .quoted(let text):
      problem("\(quoted(text)) is not a whole number", advice)
    case .empty, .list, .mapping, .tagged:
      wrongShape(expected: String(advice.dropFirst("write ".count)))
    }
    return nil
  }

  private func integer(_ text: String, in range: ClosedRange<Int>, _ advice: String) -> Int? {
    let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
    guard !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit) else {
      problem("\(quoted(text)) is not a whole number", advice)
      return nil
    }
    // YAML 1.1 reads 010 as eight.
    if digits.count > 1, digits.first == "0" {
      problem("\(shown(text)) starts with a zero", advice)
      return nil
    }
    guard let number = Int(text), number <= range.upperBound || text.hasPrefix("-") else {
      problem("\(shown(text)) is too \(text.hasPrefix("-") ? "small" : "large")", advice)
      return nil
    }
    guard number >= range.lowerBound else {
      problem("\(text) is too small", advice)
      return nil
    }
    return number
  }

  /// A length of time with its unit.
  func time(in range: ClosedRange<Duration>, or alternative: String? = nil) -> Duration? {
    measure(.time, in: range, or: alternative)
  }

  /// A number of bytes with its unit.
  func size(in range: ClosedRange<ByteCount>, or alternative: String? = nil) -> ByteCount? {
    measure(.size, in: range, or: alternative)
  }

  /// `20%`
  func percent(in range: ClosedRange<Int>, or alternative: String? = nil) -> Int? {
    measure(.percent, in: range, or: alternative)
  }

  private func measure<Value: Comparable>(
    _ measure: Measure<Value>, in range: ClosedRange<Value>, or alternative: String?
  ) -> Value? {
    let expected = "\(measure.noun) from \(measure.write(range.lowerBound)) to \(measure.write(range.upperBound))"
    let advice = advice(expected, alternative)
    guard let text = text(expected: advised(expected, alternative)) else { return nil }
    switch measure.read(text) {
    case .value(let value) where value < range.lowerBound: problem("\(shown(text)) is too \(measure.low)", advice)
    case .value(let value) where value > range.upperBound: problem("\(shown(text)) is too \(measure.high)", advice)
    case .value(let value): return value
    case .negative: problem("\(shown(text)) is negative", advice)
    case .bare: problem("\(shown(text)) has no unit", "write \(measure.withUnit(shown(text)))")
    case .unknownUnit(let unit, let number, let meant):
      problem(
        "\(quoted(unit)) is not a unit here", "write \(meant.map { "\(number)\($0)" } ?? measure.withUnit(number))")
    case .overflow: problem("\(shown(text)) is too large", advice)
    case .malformed: problem("\(quoted(text)) is not \(measure.noun)", advice)
    }
    return nil
  }

  /// One of an enum's words.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(_: Choice.Type) -> Choice? {
    let words = Choice.allCases.map(\.rawValue)
    guard let text = text(expected: listed(words)) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      problem("\(quoted(text)) is unknown", "write \(nearest(to: text, among: words) ?? listed(words))")
      return nil
    }
    return choice
  }

  func yesOrNo() -> Bool? {
    switch shape {
    case .plain("yes"), .plain("true"): return true
    case .plain("no"), .plain("false"): return false
    case .plain(let text), .quoted(let text): problem("\(quoted(text)) is not yes or no", "write yes or no")
    case .empty, .list, .mapping, .tagged: wrongShape(expected: "yes or no")
    }
    return nil
  }

  /// The word `off`, read as no limit, or what `read` makes of the value.
  func off<Value>(or read: (Field) -> Value?) -> Value?? {
    if isWord("off") { return .some(nil) }
    return read(self).map { .some($0) }
  }

  private func advised(_ expected: String, _ alternative: String?) -> String {
    alternative.map { "\($0), or \(expected)" } ?? expected
  }

  private func advice(_ expected: String, _ alternative: String?) -> String {
    "write \(advised(expected, alternative))"
  }
}

/// `a, b or c`
func listed(_ words: [String]) -> String {
  guard let last = words.last, words.count > 1 else { return words.first ?? "" }
  return "\(words.dropLast().joined(separator: ", ")) or \(last)"
}

extension Character {
  var isASCIIDigit: Bool { ("0"..."9").contains(self) && isASCII }
}
