import Pool

/// What verified nodes did at one loop since it was last asked: a place for each of them, found by the number that its
/// connection knows it by. A known node costs a look and a few sums; nothing here is shared with another thread.
struct NodeTally: Sendable {
  private struct Entry: BitwiseCopyable {
    var node: UInt64
    var nameStart: UInt32
    var nameCount: UInt32
    var deeds: NodeDeeds
  }

  /// Requests of more nodes are counted as lost: a supervisor that does not listen costs memory only up to here.
  static let maxNodes = 16_384
  /// Longer names are nobody's: X.520 allows 64 bytes.
  static let maxName = 256
  private static let fewest = 64

  private var entries: [Entry] = []
  private var names: [UInt8] = []
  /// Open addressing by the node's number, half empty at least; -1 where nothing is.
  private var index: [Int32]
  private(set) var lost = 0
  private let limit: Int

  /// - Parameter count: of how many it is likely to hear.
  init(expecting count: Int = 0, limit: Int = NodeTally.maxNodes) {
    self.limit = limit
    var size = Self.fewest
    while size < count * 2 { size *= 2 }
    index = Array(repeating: -1, count: size)
    entries.reserveCapacity(count)
  }

  var isEmpty: Bool { entries.isEmpty && lost == 0 }
  var count: Int { entries.count }

  /// - Parameter node: not 0.
  mutating func add(_ request: NodeRequest, of node: UInt64, named name: UnsafeBufferPointer<UInt8>) {
    var at = home(node)
    while index[at] >= 0 {
      let place = Int(index[at])
      if entries[place].node == node { return entries[place].deeds.add(request) }
      at = (at + 1) & (index.count - 1)
    }
    guard entries.count < limit, (1...Self.maxName).contains(name.count) else {
      lost &+= 1
      return
    }
    var deeds = NodeDeeds(seen: request.ended)
    deeds.add(request)
    index[at] = Int32(entries.count)
    entries.append(
      Entry(node: node, nameStart: UInt32(names.count), nameCount: UInt32(name.count), deeds: deeds))
    names += name
    if entries.count * 2 > index.count { grow() }
  }

  private func home(_ node: UInt64) -> Int { Int(truncatingIfNeeded: node) & (index.count - 1) }

  private mutating func grow() {
    index = Array(repeating: -1, count: index.count * 2)
    for place in entries.indices {
      var at = home(entries[place].node)
      while index[at] >= 0 { at = (at + 1) & (index.count - 1) }
      index[at] = Int32(place)
    }
  }

  /// For the link; off the hot path.
  var news: NodeNews {
    NodeNews(
      notes: entries.map { entry in
        let name = names[Int(entry.nameStart)..<Int(entry.nameStart + entry.nameCount)]
        return NodeNote(node: String(decoding: name, as: UTF8.self), deeds: entry.deeds)
      }, lost: lost)
  }
}
