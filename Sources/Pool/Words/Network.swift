/// An IPv4 or IPv6 address in 128 bits; IPv4 as IPv6 writes it within itself (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2), so
/// that an agent is the same one on a dual-stack socket.
public struct IPAddress: BitwiseCopyable, Hashable, Sendable, Codable {
  public var high: UInt64
  public var low: UInt64

  private static let mapped: UInt64 = 0xffff << 32

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// `127.0.0.1` is `0x7f00_0001`.
  public init(v4 address: UInt32) { self.init(high: 0, low: Self.mapped | UInt64(address)) }

  /// Nil where it is IPv6.
  public var v4: UInt32? {
    high == 0 && low & ~0xffff_ffff == Self.mapped ? UInt32(truncatingIfNeeded: low) : nil
  }

  /// What one site or machine is given: an IPv4 address, or the /64 network of an IPv6 one, within which a single
  /// machine may call itself what it likes.
  public var neighbourhood: IPAddress { v4 == nil ? IPAddress(high: high, low: 0) : self }
}

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
public struct Network: Hashable, Sendable, Codable {
  public var address: IPAddress
  /// How many leading bits of the 128 count; 96 more than what is written for IPv4.
  public var bits: Int

  public init(_ address: IPAddress, bits: Int = 128) {
    self.address = address
    self.bits = min(max(bits, 0), 128)
  }

  public func contains(_ other: IPAddress) -> Bool {
    let high = address.high ^ other.high
    let low = address.low ^ other.low
    if bits <= 64 { return high >> UInt64(64 - bits) == 0 }
    return high == 0 && low >> UInt64(128 - bits) == 0
  }

  /// True where no bit behind the ones that count is set, as it should be written.
  public var isPlain: Bool {
    let high = bits >= 64 ? 0 : address.high << UInt64(bits)
    let low = bits >= 128 ? 0 : bits <= 64 ? address.low : address.low << UInt64(bits - 64)
    return high == 0 && low == 0
  }
}

extension IPAddress: CustomStringConvertible {
  /// RFC 5952: the longest run of zero groups is left out, the first of several.
  public var description: String {
    if let v4 { return (0..<4).map { String(v4 >> UInt32(24 - 8 * $0) & 0xff) }.joined(separator: ".") }
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> UInt64(48 - 16 * ($0 % 4))) }
    guard let gap = Self.longestGap(groups) else { return Self.written(groups[...]) }
    return "\(Self.written(groups[..<gap.lowerBound]))::\(Self.written(groups[gap.upperBound...]))"
  }

  private static func written(_ groups: ArraySlice<UInt16>) -> String {
    groups.map { String($0, radix: 16) }.joined(separator: ":")
  }

  private static func longestGap(_ groups: [UInt16]) -> Range<Int>? {
    var best = 0..<0
    var start = 0
    while start < groups.count {
      let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
      if end - start > best.count { best = start..<end }
      start = end + 1
    }
    return best.count > 1 ? best : nil
  }
}

extension Network: CustomStringConvertible {
  public var description: String {
    if bits == 128 { return address.description }
    return "\(address)/\(address.v4 != nil && bits >= 96 ? bits - 96 : bits)"
  }
}
