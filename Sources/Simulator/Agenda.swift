import Pool

/// A clock that jumps to what happens next; what happens at the same time does so in the order in which it was noted.
///
/// What comes soon is in a heap, the rest in a ring of short spans (R. Brown's calendar queue): however much is noted,
/// a step costs about the same, and nothing is allocated once the agenda has had its fullest moment.
public struct Agenda<Happening> {
  private struct Entry {
    var at: Int64
    var order: Int
    var place: Int32
  }

  public private(set) var now: Instant
  /// All within the spans up to `span`.
  private var soon: [Entry] = []
  /// A chain of places for each span of time, and of all later ones that fall on it when the ring has gone round.
  private var ring: [Int32]
  private var inRing = 0
  private var span: Int64
  /// By place.
  private var happenings: [Happening] = []
  private var times: [Int64] = []
  private var orders: [Int] = []
  private var following: [Int32] = []
  private var free: Int32 = -1
  private var order = 0

  /// About a second.
  private static var shift: Int64 { 30 }
  private static var spans: Int { 4096 }

  public init(now: Instant = Instant(nanoseconds: 0)) {
    self.now = now
    span = now.nanoseconds >> Self.shift
    ring = Array(repeating: -1, count: Self.spans)
  }

  public mutating func add(_ what: Happening, after delay: Duration) { add(what, at: now + delay) }

  public mutating func add(_ what: Happening, at time: Instant) { add(what, atNanosecond: time.nanoseconds) }

  mutating func add(_ what: Happening, atNanosecond time: Int64) {
    order += 1
    let at = max(time, now.nanoseconds)
    let place = keep(what, at)
    if at >> Self.shift <= span {
      push(Entry(at: at, order: order, place: place))
    } else {
      let spot = Int(truncatingIfNeeded: at >> Self.shift) & (Self.spans - 1)
      following[Int(place)] = ring[spot]
      ring[spot] = place
      inRing += 1
    }
  }

  public mutating func next() -> Happening? { next(until: .max) }

  /// Nil: nothing is left until then; the clock stands still.
  mutating func next(until end: Int64) -> Happening? {
    while soon.isEmpty {
      guard inRing > 0, span < end >> Self.shift else { return nil }
      moveOn()
    }
    guard soon[0].at <= end else { return nil }
    let first = pop()
    now = Instant(nanoseconds: first.at)
    let place = Int(first.place)
    following[place] = free
    free = first.place
    return happenings[place]
  }

  private mutating func keep(_ what: Happening, _ at: Int64) -> Int32 {
    guard free >= 0 else {
      happenings.append(what)
      times.append(at)
      orders.append(order)
      following.append(-1)
      return Int32(happenings.count - 1)
    }
    let place = free
    free = following[Int(place)]
    happenings[Int(place)] = what
    times[Int(place)] = at
    orders[Int(place)] = order
    return place
  }

  // MARK: The ring

  /// To the next span that holds something. After a round in vain to the one that does.
  private mutating func moveOn() {
    for _ in 0..<Self.spans {
      span += 1
      if openSpan() { return }
    }
    var earliest = Int64.max
    for first in ring {
      var place = first
      while place >= 0 {
        earliest = min(earliest, times[Int(place)])
        place = following[Int(place)]
      }
    }
    span = earliest >> Self.shift
    _ = openSpan()
  }

  /// Its entries become those that come soon; those of later rounds stay.
  private mutating func openSpan() -> Bool {
    let spot = Int(truncatingIfNeeded: span) & (Self.spans - 1)
    var place = ring[spot]
    ring[spot] = -1
    while place >= 0 {
      let index = Int(place)
      let after = following[index]
      if times[index] >> Self.shift <= span {
        inRing -= 1
        push(Entry(at: times[index], order: orders[index], place: place))
      } else {
        following[index] = ring[spot]
        ring[spot] = place
      }
      place = after
    }
    return !soon.isEmpty
  }

  // MARK: The heap

  private mutating func push(_ entry: Entry) {
    soon.append(entry)
    var child = soon.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard isBefore(entry, soon[parent]) else { break }
      soon[child] = soon[parent]
      child = parent
    }
    soon[child] = entry
  }

  private mutating func pop() -> Entry {
    let first = soon[0]
    let last = soon.removeLast()
    guard !soon.isEmpty else { return first }
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < soon.count else { break }
      if child + 1 < soon.count, isBefore(soon[child + 1], soon[child]) { child += 1 }
      guard isBefore(soon[child], last) else { break }
      soon[parent] = soon[child]
      parent = child
    }
    soon[parent] = last
    return first
  }

  private func isBefore(_ a: Entry, _ b: Entry) -> Bool { a.at < b.at || a.at == b.at && a.order < b.order }
}

extension Agenda: Sendable where Happening: Sendable {}
