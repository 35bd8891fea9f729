/// Makes near misses of good and bad messages.
public struct Mutator {
  private var random: SeededGenerator
  private let seeds: [[UInt8]]

  public init(random: SeededGenerator, seeds: [[UInt8]]) {
    self.random = random
    self.seeds = seeds
  }

  /// What the parser's decisions hang on.
  private static let tokens: [[UInt8]] =
    [
      "\r\n", "\n", "\r", " ", "\t", ":", ",", ";", "_", "-", "\0", "\u{7f}", "%2e", "%2f", "/", "..", "?", "0", "f",
      "\r\n\r\n", "0\r\n\r\n", "Connection: ", "Connection: Host, X-Client-DN\r\n", "Host: b\r\n", "HTTP/1.0",
      "Content-Length: 3\r\n", "Content_Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "chunked",
      "http://b.example",
      "Transfer_Encoding: chunked\r\n", "X-Client-DN: CN=x\r\n", "x_client_verify: SUCCESS\r\n",
      "Expect: 100-continue\r\n",
      "X-Forwarded-For: 1\r\n", "Forwarded: for=1\r\n", "Upgrade: h2c\r\n",
    ].map { Array($0.utf8) } + [[0x80], [0xff], [0xc3, 0xa9]]

  public mutating func next() -> [UInt8] {
    var bytes = pick(seeds)
    for _ in 0..<Int.random(in: 1...3, using: &random) { mutate(&bytes) }
    return bytes
  }

  private mutating func pick(_ choices: [[UInt8]]) -> [UInt8] { choices.randomElement(using: &random) ?? [] }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    let at = Int.random(in: 0...bytes.count, using: &random)
    let end = min(bytes.count, at + Int.random(in: 1...24, using: &random))
    switch Int.random(in: 0..<8, using: &random) {
    case 0, 1: bytes.insert(contentsOf: pick(Mutator.tokens), at: at)
    case 2: bytes.insert(contentsOf: pick(Mutator.tokens), at: lineStart(bytes, before: at))
    case 3: if at < end { bytes[at] = UInt8.random(in: 0...255, using: &random) }
    case 4: if at < end { bytes[at] ^= 0x20 }
    case 5: bytes.removeSubrange(at..<end)
    case 6: bytes.insert(contentsOf: bytes[at..<end], at: at)
    default:
      let other = pick(seeds)
      let cut = Int.random(in: 0...other.count, using: &random)
      bytes.replaceSubrange(at..., with: other[cut...])
    }
  }

  private func lineStart(_ bytes: [UInt8], before at: Int) -> Int {
    bytes[..<at].lastIndex(of: 10).map { $0 + 1 } ?? 0
  }
}
