/// By which nodes' names become numbers: one for all the proxies of a supervisor, so that a run is known to each of
/// them, and a secret, so that nobody can choose names that meet in one number. SipHash-2-4, since Swift's own hash is
/// another in each process.
public struct NodeSeed: Hashable, Sendable, Codable {
  public var low: UInt64
  public var high: UInt64

  public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  public init(using random: inout some RandomNumberGenerator) {
    self.init(low: random.next(), high: random.next())
  }

  /// Never 0, which stands for nobody. A verified name and an address that reads like it are two nodes.
  public func node(named name: String, isVerified: Bool) -> UInt64 {
    var bytes = Array(name.utf8)
    bytes.append(isVerified ? 1 : 0)
    return max(1, hash(bytes))
  }

  func hash(_ bytes: [UInt8]) -> UInt64 {
    var state = SipState(
      v0: low ^ 0x736f_6d65_7073_6575, v1: high ^ 0x646f_7261_6e64_6f6d, v2: low ^ 0x6c79_6765_6e65_7261,
      v3: high ^ 0x7465_6462_7974_6573)
    var word = UInt64(0)
    for (index, byte) in bytes.enumerated() {
      word |= UInt64(byte) << UInt64(index % 8 * 8)
      guard index % 8 == 7 else { continue }
      state.take(word)
      word = 0
    }
    state.take(word | UInt64(truncatingIfNeeded: bytes.count) << 56)
    return state.finish()
  }
}

private struct SipState {
  var v0: UInt64
  var v1: UInt64
  var v2: UInt64
  var v3: UInt64

  mutating func take(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  mutating func finish() -> UInt64 {
    v2 ^= 0xff
    for _ in 0..<4 { round() }
    return v0 ^ v1 ^ v2 ^ v3
  }

  private mutating func round() {
    v0 &+= v1
    v1 = rotate(v1, 13) ^ v0
    v0 = rotate(v0, 32)
    v2 &+= v3
    v3 = rotate(v3, 16) ^ v2
    v0 &+= v3
    v3 = rotate(v3, 21) ^ v0
    v2 &+= v1
    v1 = rotate(v1, 17) ^ v2
    v2 = rotate(v2, 32)
  }

  private func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }
}
