/// What tells one state of a file from another.
public struct FileStamp: BitwiseCopyable, Hashable, Sendable {
  public var size: Int
  /// Nanoseconds since 1970: its contents' last change, and its inode's.
  public var modified: Int64
  public var changed: Int64
  public var inode: UInt64

  public init(size: Int, modified: Int64, changed: Int64, inode: UInt64) {
    self.size = size
    self.modified = modified
    self.changed = changed
    self.inode = inode
  }

  var modifiedSecond: Int { Int(modified).floorDivided(by: 1_000_000_000) }

  /// The most bytes that a tag has: four numbers of 16 digits, what stands between them, and quotes.
  static let tagCapacity = 69

  /// A strong entity tag (RFC 9110 §8.8.3): any write gives the inode a new time.
  @_lifetime(out: copy out)
  func appendTag(into out: inout OutputSpan<UInt8>) {
    out.append(ASCII.quote)
    out.append(hexadecimal: inode)
    out.append(ASCII.dash)
    out.append(hexadecimal: UInt64(bitPattern: Int64(size)))
    out.append(ASCII.dash)
    out.append(hexadecimal: UInt64(bitPattern: modified))
    out.append(ASCII.dash)
    out.append(hexadecimal: UInt64(bitPattern: changed))
    out.append(ASCII.quote)
  }
}

extension ASCII {
  static let quote: UInt8 = 0x22
  static let equals: UInt8 = 0x3d
}

extension OutputSpan where Element == UInt8 {
  /// At most 16 bytes.
  @_lifetime(self: copy self)
  mutating func append(hexadecimal number: UInt64) {
    var shift = number == 0 ? 0 : (63 - number.leadingZeroBitCount) / 4 * 4
    while shift >= 0 {
      let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift) & 15)
      append(digit < 10 ? ASCII.zero + digit : 0x57 + digit)
      shift -= 4
    }
  }
}
