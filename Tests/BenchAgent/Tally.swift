/// What is told at the end.
struct Tally {
  var latencies: [Float] = []
  var seconds = 0.0
  var handshakes = 0
  var resumed = 0
  var refused = 0
  var failures = 0

  /// `requests=… rate=…`: pairs that a shell can take apart.
  func line(holding held: Int?) -> String {
    let sorted = latencies.sorted()
    func milliseconds(_ share: Double) -> Double {
      sorted.isEmpty ? 0 : Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
    }
    var pairs = [
      "requests=\(sorted.count)", "rate=\(Int(Double(sorted.count) / max(seconds, 0.001)))",
      "p50_ms=\(milliseconds(0.5))", "p99_ms=\(milliseconds(0.99))", "handshakes=\(handshakes)",
      "resumed=\(resumed)", "failures=\(failures + refused)",
    ]
    if let held { pairs.append("held=\(held)") }
    return pairs.joined(separator: " ")
  }
}

extension Slot {
  /// Weighs a piece of the answer; true once it is whole.
  mutating func take(_ piece: UnsafeRawBufferPointer) -> Bool {
    if let left = missing {
      missing = left - piece.count
      return left <= piece.count
    }
    let before = head.count
    head.append(contentsOf: piece)
    var index = max(3, before)
    while index < head.count {
      if head[index] == 10, head[index - 1] == 13, head[index - 2] == 10 {
        let rest = head.count - index - 1
        let left = read(head[...index]) - rest
        missing = left
        return left <= 0
      }
      index += 1
    }
    return false
  }

  /// Takes the status and gives the body's length.
  private mutating func read(_ head: ArraySlice<UInt8>) -> Int {
    let text = String(decoding: head, as: UTF8.self).lowercased()
    status = Int(text.dropFirst(9).prefix(3)) ?? 0
    guard let range = text.firstRange(of: "content-length:") else { return 0 }
    return Int(text[range.upperBound...].drop { $0 == " " }.prefix { $0.isNumber }) ?? 0
  }
}
