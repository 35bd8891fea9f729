/// Sixteen bytes, tested at once. Vectors are compared with vectors: a bare number would pick the generic operators,
/// which are thirty times as slow.
struct Sixteen: BitwiseCopyable {
  private let bytes: SIMD16<UInt8>

  /// Nil where the span has fewer than sixteen bytes from `offset` on; `offset` is never negative.
  @inline(__always) init?(_ span: Span<UInt8>, at offset: Int) {
    guard offset &+ 16 <= span.count else { return nil }
    bytes = span.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: SIMD16<UInt8>.self)
  }

  /// The first control byte (tabs too); nil where there is none.
  @inline(__always) var firstControl: Int? {
    Sixteen.firstSet((bytes .< Sixteen.all(0x20)) .| (bytes .== Sixteen.all(0x7f)))
  }

  /// The first byte that no request target holds: up to space, from 0x7f on, `" # < > \`.
  @inline(__always) var firstNotTarget: Int? {
    let outside = (bytes &- Sixteen.all(0x21)) .>= Sixteen.all(0x5e)
    let quotes = (bytes &- Sixteen.all(0x22)) .< Sixteen.all(2)
    let angles = (bytes .== Sixteen.all(0x3c)) .| (bytes .== Sixteen.all(0x3e))
    return Sixteen.firstSet(outside .| quotes .| angles .| (bytes .== Sixteen.all(ASCII.backslash)))
  }

  /// The first byte that is neither a letter nor a digit nor `-`, which nearly all field names are made of.
  @inline(__always) var firstNotPlainName: Int? { Sixteen.firstUnset(plainName) }

  /// The first byte that is none of these nor a dot.
  @inline(__always) var firstNotPlainHost: Int? {
    Sixteen.firstUnset(plainName .| (bytes .== Sixteen.all(ASCII.dot)))
  }

  @inline(__always) private var plainName: SIMDMask<SIMD16<Int8>> {
    let upper = (bytes &- Sixteen.all(0x41)) .< Sixteen.all(26)
    let lower = (bytes &- Sixteen.all(0x61)) .< Sixteen.all(26)
    let digits = (bytes &- Sixteen.all(ASCII.zero)) .< Sixteen.all(10)
    return upper .| lower .| digits .| (bytes .== Sixteen.all(ASCII.dash))
  }

  @inline(__always) private static func all(_ byte: UInt8) -> SIMD16<UInt8> { SIMD16(repeating: byte) }

  @inline(__always) private static func firstSet(_ mask: SIMDMask<SIMD16<Int8>>) -> Int? {
    let halves = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
    return first(halves[0], halves[1])
  }

  @inline(__always) private static func firstUnset(_ mask: SIMDMask<SIMD16<Int8>>) -> Int? {
    let halves = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
    return first(~halves[0], ~halves[1])
  }

  /// Branches, where arithmetic would do: so the next load need not wait for this result.
  @inline(__always) private static func first(_ low: UInt64, _ high: UInt64) -> Int? {
    if low != 0 { return UInt64(littleEndian: low).trailingZeroBitCount &>> 3 }
    if high != 0 { return 8 &+ UInt64(littleEndian: high).trailingZeroBitCount &>> 3 }
    return nil
  }
}

/// Eight bytes as a number, the first in the lowest bits, to compare short texts in one step.
struct Word: BitwiseCopyable {
  var bits: UInt64

  @inline(__always) init(_ bits: UInt64) { self.bits = bits }

  /// Up to eight ASCII characters, the rest zero; the optimizer makes a constant of it.
  @inline(__always) init(_ text: StaticString, from start: Int = 0) {
    bits = 0
    for index in 0..<min(8, text.utf8CodeUnitCount &- start) {
      bits |= UInt64(text.utf8Start[start &+ index]) << UInt64(8 &* index)
    }
  }

  /// The first `count` bytes, 0…8; the rest zero.
  @inline(__always) func first(_ count: Int) -> UInt64 {
    count >= 8 ? bits : bits & ((1 &<< UInt64(truncatingIfNeeded: 8 &* count)) &- 1)
  }

  /// Letters in lower case. Right for bytes that are no control bytes, `@`, `[ \ ] ^ _`: what those become is none of
  /// the letters, digits and `- / :` that are looked for.
  @inline(__always) var lowercased: Word { Word(bits | 0x2020_2020_2020_2020) }
}

extension Span where Element == UInt8 {
  /// The eight bytes from `offset` on; past the end of the span they are zero.
  @inline(__always) func word(at offset: Int) -> Word {
    guard offset &+ 8 <= count else { return shortWord(at: offset) }
    return Word(UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)))
  }

  @inline(never) private func shortWord(at offset: Int) -> Word {
    var bits: UInt64 = 0
    var index = 0
    while index < 8, offset &+ index < count {
      bits |= UInt64(self[offset &+ index]) << UInt64(8 &* index)
      index &+= 1
    }
    return Word(bits)
  }
}
