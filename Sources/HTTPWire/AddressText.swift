/// IP addresses as text.
enum AddressText {
  /// Four decimal numbers without leading zeros, which some would read as octal.
  static func v4(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt32? {
    var address: UInt32 = 0
    var at = start
    for part in 0..<4 {
      let partStart = at
      while at < end, bytes[at] != ASCII.dot { at += 1 }
      guard let number = decimal(bytes, partStart, at, upTo: 255), part == 3 ? at == end : at < end else {
        return nil
      }
      address = address << 8 | UInt32(number)
      at += 1
    }
    return address
  }

  /// A number without leading zeros.
  static func decimal(_ bytes: Span<UInt8>, _ start: Int, _ end: Int, upTo limit: Int) -> Int? {
    guard (1...5).contains(end - start), end - start == 1 || bytes[start] != ASCII.zero else { return nil }
    var number = 0
    for index in start..<end {
      guard ASCII.isDigit(bytes[index]) else { return nil }
      number = number * 10 + Int(bytes[index] - ASCII.zero)
    }
    return number <= limit ? number : nil
  }

  /// RFC 4291 §2.2: eight groups, `::` for a run of zero ones, the last two perhaps as IPv4.
  static func v6(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> (high: UInt64, low: UInt64)? {
    var groups = InlineArray<8, UInt16>(repeating: 0)
    var count = 0
    var gap: Int?
    var at = start
    if end - start >= 2, bytes[at] == ASCII.colon {
      guard bytes[at + 1] == ASCII.colon else { return nil }
      gap = 0
      at += 2
    }
    while at < end {
      guard count < 8 else { return nil }
      let groupStart = at
      while at < end, ASCII.hexValue(bytes[at]) != nil { at += 1 }
      if at < end, bytes[at] == ASCII.dot {
        guard count <= 6, let address = v4(bytes, groupStart, end) else { return nil }
        groups[count] = UInt16(address >> 16)
        groups[count + 1] = UInt16(address & 0xffff)
        count += 2
        at = end
        break
      }
      guard let group = hexadecimal(bytes, groupStart, at) else { return nil }
      groups[count] = group
      count += 1
      if at == end { break }
      // A single colon leads to another group, a second one leaves some out.
      guard bytes[at] == ASCII.colon, at + 1 < end else { return nil }
      at += 1
      if bytes[at] == ASCII.colon {
        guard gap == nil else { return nil }
        gap = count
        at += 1
      }
    }
    return joined(groups, count, gap)
  }

  private static func hexadecimal(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt16? {
    guard (1...4).contains(end - start) else { return nil }
    var number: UInt16 = 0
    for index in start..<end {
      guard let digit = ASCII.hexValue(bytes[index]) else { return nil }
      number = number << 4 | UInt16(digit)
    }
    return number
  }

  private static func joined(
    _ groups: InlineArray<8, UInt16>, _ count: Int, _ gap: Int?
  ) -> (high: UInt64, low: UInt64)? {
    guard gap == nil ? count == 8 : count < 8 else { return nil }
    var all = InlineArray<8, UInt64>(repeating: 0)
    for index in 0..<count {
      // What stands behind the gap belongs at the end.
      all[index < (gap ?? 8) ? index : index + 8 - count] = UInt64(groups[index])
    }
    return (
      all[0] << 48 | all[1] << 32 | all[2] << 16 | all[3], all[4] << 48 | all[5] << 32 | all[6] << 16 | all[7]
    )
  }
}
