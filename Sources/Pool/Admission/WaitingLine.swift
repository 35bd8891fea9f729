/// First come, first served: a ring of tickets that grows up to what its owner lets in.
struct WaitingLine: Sendable {
  private var ring: [Ticket]
  private var head = 0
  private(set) var count = 0

  private static let nobody = Ticket(loop: 0, index: 0, serial: 0)

  init() { ring = Array(repeating: Self.nobody, count: 16) }

  var isEmpty: Bool { count == 0 }

  mutating func append(_ ticket: Ticket) {
    growIfFull()
    ring[slot(count)] = ticket
    count += 1
  }

  /// For a request that had its turn and lost its worker.
  mutating func prepend(_ ticket: Ticket) {
    growIfFull()
    head = (head + ring.count - 1) % ring.count
    ring[head] = ticket
    count += 1
  }

  mutating func popFirst() -> Ticket? {
    guard count > 0 else { return nil }
    let first = ring[head]
    head = slot(1)
    count -= 1
    return first
  }

  /// True if it stood in line.
  mutating func remove(_ ticket: Ticket) -> Bool {
    guard let place = (0..<count).first(where: { ring[slot($0)] == ticket }) else { return false }
    for later in place..<(count - 1) { ring[slot(later)] = ring[slot(later + 1)] }
    count -= 1
    return true
  }

  private func slot(_ offset: Int) -> Int { (head + offset) % ring.count }

  private mutating func growIfFull() {
    guard count == ring.count else { return }
    let inOrder = (0..<count).map { ring[slot($0)] }
    ring = inOrder + Array(repeating: Self.nobody, count: count)
    head = 0
  }
}
