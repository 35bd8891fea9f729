/// Whole runs of bytes into an output; the callers have made sure that they fit.
extension OutputSpan where Element == UInt8 {
  @_lifetime(self: copy self)
  @inline(__always) mutating func append(copying source: Span<UInt8>) {
    let count = source.count
    if count == 0 { return }
    precondition(count <= freeCapacity, "an output was not asked for its room")
    source.withUnsafeBufferPointer { from in
      withUnsafeMutableBufferPointer { to, initialized in
        guard let source = from.baseAddress, let target = to.baseAddress else { return }
        (target + initialized).update(from: source, count: count)
        initialized += count
      }
    }
  }

  @_lifetime(self: copy self)
  @inline(__always) mutating func append(copying text: StaticString) {
    let source = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    append(copying: source.span)
  }

  /// At most 20 bytes.
  @_lifetime(self: copy self)
  mutating func append(decimal number: Int) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var rest = number.magnitude
    var at = 20
    repeat {
      at -= 1
      digits[at] = ASCII.zero &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    if number < 0 { append(ASCII.dash) }
    append(copying: digits.span.extracting(at..<20))
  }
}
