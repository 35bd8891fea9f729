/// Those who wait for a worker: a row for each class, in each row first come first served. Who came `lift` earlier
/// goes before the next better class, so age outranks class in the end and nobody starves.
///
/// Who is confined waits beside the line, in a row of its own, and is in nobody's way.
///
/// Every operation but `confine` takes the same few steps however long the line is.
struct WaitingLine: Sendable {
  /// Spots are used again, and hang together by their indices.
  private struct Spot: Sendable {
    var asker: Asker
    var since: Int64
    var row: Int
    /// Where it stands, or would if it were not confined.
    var home: Int
    var previous: Int32
    var next: Int32
  }

  private struct Row: Sendable {
    var first: Int32 = -1
    var last: Int32 = -1
    var count = 0
  }

  private var spots: [Spot] = []
  private var freeSpot: Int32 = -1
  /// One for each class, and behind them that of those who had their turn already.
  private var rows: [Row]
  private let lift: Int64
  /// Of those that are not confined.
  private(set) var count = 0
  private(set) var confinedCount = 0

  private static let nowhere = -1
  private static let returned = QueueClass.allCases.count
  private static let confined = returned + 1
  /// Keeps sums of it and any time from overflowing.
  private static let longestLift: Int64 = 86_400_000_000_000

  init(lift: Duration) {
    rows = Array(repeating: Row(), count: Self.confined + 1)
    self.lift = min(max(0, lift.wholeNanoseconds), Self.longestLift)
  }

  var isEmpty: Bool { count == 0 }

  func count(of class: QueueClass) -> Int { rows[`class`.rawValue].count }

  /// The spot that it takes, by which it is found again.
  mutating func append(
    _ asker: Asker, as class: QueueClass, confined: Bool = false, at now: Instant
  ) -> UInt32 {
    append(asker, home: `class`.rawValue, confined, since: now.nanoseconds)
  }

  /// For a request that had its turn and lost its worker: it goes before all others.
  mutating func appendReturned(_ asker: Asker, confined: Bool = false, at now: Instant) -> UInt32 {
    append(asker, home: Self.returned, confined, since: now.nanoseconds)
  }

  /// Whose turn is next.
  var first: (spot: UInt32, asker: Asker)? {
    guard count > 0 else { return nil }
    var best = rows[Self.returned].first
    if best < 0 {
      var bestTime = Int64.max
      for row in 0..<Self.returned where rows[row].first >= 0 {
        let time = spots[Int(rows[row].first)].since &+ Int64(row) &* lift
        if best < 0 || time < bestTime { (best, bestTime) = (rows[row].first, time) }
      }
    }
    return (UInt32(bitPattern: best), spots[Int(best)].asker)
  }

  /// The same, and of the confined the first as if it came as a new run does.
  var firstOfAll: (spot: UInt32, asker: Asker)? {
    let confined = rows[Self.confined].first
    guard confined >= 0 else { return first }
    let waiting = spots[Int(confined)]
    if let first {
      let other = spots[Int(first.spot)]
      let lasts = waiting.since &+ Int64(QueueClass.newRun.rawValue) &* lift
      if other.row == Self.returned || other.since &+ Int64(other.row) &* lift <= lasts { return first }
    }
    return (UInt32(bitPattern: confined), waiting.asker)
  }

  /// From now on these are, and no others; everybody keeps the spot.
  mutating func confine(_ isConfined: (Asker) -> Bool) {
    let movers = spots.indices.filter { spot in
      let row = spots[spot].row
      return row != Self.nowhere && isConfined(spots[spot].asker) != (row == Self.confined)
    }.sorted { spots[$0].since < spots[$1].since }
    for spot in movers {
      let wasConfined = spots[spot].row == Self.confined
      leave(spot)
      enter(Int32(spot), row: wasConfined ? spots[spot].home : Self.confined)
    }
  }

  /// Nil: whoever stood there is not in line any more.
  mutating func remove(_ spot: UInt32, of ticket: Ticket) -> Asker? {
    guard spot < spots.count, spots[Int(spot)].row != Self.nowhere, spots[Int(spot)].asker.ticket == ticket
    else { return nil }
    leave(Int(spot))
    spots[Int(spot)].next = freeSpot
    freeSpot = Int32(bitPattern: spot)
    return spots[Int(spot)].asker
  }

  private mutating func append(_ asker: Asker, home: Int, _ isConfined: Bool, since: Int64) -> UInt32 {
    let spot = takeSpot(Spot(asker: asker, since: since, row: Self.nowhere, home: home, previous: -1, next: -1))
    enter(spot, row: isConfined ? Self.confined : home)
    return UInt32(bitPattern: spot)
  }

  /// At the row's end.
  private mutating func enter(_ spot: Int32, row: Int) {
    spots[Int(spot)].row = row
    spots[Int(spot)].previous = rows[row].last
    spots[Int(spot)].next = -1
    if rows[row].last >= 0 { spots[Int(rows[row].last)].next = spot } else { rows[row].first = spot }
    rows[row].last = spot
    rows[row].count += 1
    if row == Self.confined { confinedCount += 1 } else { count += 1 }
  }

  private mutating func leave(_ spot: Int) {
    let leaver = spots[spot]
    if leaver.previous >= 0 {
      spots[Int(leaver.previous)].next = leaver.next
    } else {
      rows[leaver.row].first = leaver.next
    }
    if leaver.next >= 0 {
      spots[Int(leaver.next)].previous = leaver.previous
    } else {
      rows[leaver.row].last = leaver.previous
    }
    rows[leaver.row].count -= 1
    if leaver.row == Self.confined { confinedCount -= 1 } else { count -= 1 }
    spots[spot].row = Self.nowhere
  }

  private mutating func takeSpot(_ spot: Spot) -> Int32 {
    guard freeSpot >= 0 else {
      spots.append(spot)
      return Int32(spots.count - 1)
    }
    let index = freeSpot
    freeSpot = spots[Int(index)].next
    spots[Int(index)] = spot
    return index
  }
}
