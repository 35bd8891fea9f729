import Pool
import Synchronization

/// Open connections by address, for the limit on them; shared by the loops, asked when a connection comes or goes and
/// never for a request. It holds no more entries than there are connections.
final class AddressTable: Sendable {
  private final class Shard: Sendable {
    let counts = Mutex<[IPAddress: Int]>([:])
  }

  private static let shardCount = 16
  private let shards = (0..<shardCount).map { _ in Shard() }
  /// Nil: nothing is counted.
  let limit: Int?

  init(limit: Int?) { self.limit = limit }

  /// False: it has as many as it may. True: counted, until it leaves.
  func enter(_ address: IPAddress) -> Bool {
    guard let limit else { return true }
    let key = address.neighbourhood
    return shard(key).counts.withLock { counts in
      let count = counts[key, default: 0]
      guard count < limit else { return false }
      counts[key] = count + 1
      return true
    }
  }

  func leave(_ address: IPAddress) {
    guard limit != nil else { return }
    let key = address.neighbourhood
    shard(key).counts.withLock { counts in
      guard let count = counts[key] else { return }
      counts[key] = count > 1 ? count - 1 : nil
    }
  }

  private func shard(_ key: IPAddress) -> Shard {
    // The bits that differ most: an IPv4 address's last, an IPv6 network's last.
    let mixed = (key.high ^ key.low) &* 0x9e37_79b9_7f4a_7c15
    return shards[Int(mixed >> 60)]
  }
}
