/// Those who wait for a worker: a row for each class, in each row first come first served. Who came `lift` earlier
/// goes before the next better class, so age outranks class in the end and nobody starves.
///
/// Every operation takes the same few steps however long the line is.
struct WaitingLine: Sendable {
  /// Spots are used again, and hang together by their indices.
  private struct Spot: Sendable {
    var asker: Asker
    var since: Int64
    var row: Int
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
  private(set) var count = 0

  private static let nowhere = -1
  private static let returned = QueueClass.allCases.count
  /// Keeps sums of it and any time from overflowing.
  private static let longestLift: Int64 = 86_400_000_000_000

  init(lift: Duration) {
    rows = Array(repeating: Row(), count: Self.returned + 1)
    self.lift = min(max(0, lift.wholeNanoseconds), Self.longestLift)
  }

  var isEmpty: Bool { count == 0 }

  func count(of class: QueueClass) -> Int { rows[`class`.rawValue].count }

  /// The spot that it takes, by which it is found again.
  mutating func append(_ asker: Asker, as class: QueueClass, at now: Instant) -> UInt32 {
    append(asker, row: `class`.rawValue, since: now.nanoseconds)
  }

  /// For a request that had its turn and lost its worker: it goes before all others.
  mutating func appendReturned(_ asker: Asker, at now: Instant) -> UInt32 {
    append(asker, row: Self.returned, since: now.nanoseconds)
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

  /// Nil: whoever stood there is not in line any more.
  mutating func remove(_ spot: UInt32, of ticket: Ticket) -> Asker? {
    guard spot < spots.count, spots[Int(spot)].row != Self.nowhere, spots[Int(spot)].asker.ticket == ticket
    else { return nil }
    let leaver = spots[Int(spot)]
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
    count -= 1
    spots[Int(spot)].row = Self.nowhere
    spots[Int(spot)].next = freeSpot
    freeSpot = Int32(bitPattern: spot)
    return leaver.asker
  }

  private mutating func append(_ asker: Asker, row: Int, since: Int64) -> UInt32 {
    let spot = takeSpot(Spot(asker: asker, since: since, row: row, previous: rows[row].last, next: -1))
    if rows[row].last >= 0 { spots[Int(rows[row].last)].next = spot } else { rows[row].first = spot }
    rows[row].last = spot
    rows[row].count += 1
    count += 1
    return UInt32(bitPattern: spot)
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
