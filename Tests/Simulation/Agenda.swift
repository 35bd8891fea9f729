import Pool

/// A clock that jumps to what happens next; what happens at the same time does so in the order in which it was noted.
public struct Agenda<Happening> {
  public private(set) var now: Instant
  private var heap: [(at: Instant, order: Int, what: Happening)] = []
  private var order = 0

  public init(now: Instant = Instant(nanoseconds: 0)) { self.now = now }

  public mutating func add(_ what: Happening, after delay: Duration) { add(what, at: now + delay) }

  public mutating func add(_ what: Happening, at time: Instant) {
    order += 1
    heap.append((max(time, now), order, what))
    var child = heap.count - 1
    while child > 0, isBefore(child, (child - 1) / 2) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  public mutating func next() -> Happening? {
    guard let first = heap.first else { return nil }
    now = first.at
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, least) {
        least = child
      }
      if least == parent { return first.what }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool { (heap[a].at, heap[a].order) < (heap[b].at, heap[b].order) }
}
