/// What is remembered of nodes: whose run is under way, and who was promised a place later on.
///
/// Bounded; each operation takes a few steps. Nodes hang in a chain in the order in which they were last heard of.
struct RunTable: Sendable {
  enum Standing: Hashable, Sendable {
    case unknown
    case underWay
    /// Told to come back then.
    case promised(Instant)
  }

  struct Entry: Sendable {
    var node: UInt64
    var heard: Int64
    /// When it was told to come back; nil: its run is under way.
    var place: Int64?
    /// Workers' time that its run has taken.
    var work: Int64
    /// Others were told of it as it is, or it was they who told.
    var isTold = false
    var earlier: Int32 = -1
    var later: Int32 = -1

    var isPromised: Bool { place != nil }
  }

  var entries: [Entry] = []
  private var freeEntry: Int32 = -1
  private(set) var oldest: Int32 = -1
  private(set) var latest: Int32 = -1
  /// Open addressing by the node's hash; -1 where nothing is.
  private var index: [Int32]
  private(set) var count = 0
  private(set) var promised = 0
  /// Workers' time that a whole run takes.
  var runWork = Estimate()
  /// How many are not told yet, and of whom nothing is left but that.
  var untold = 0
  var over: [RunNote] = []
  /// Somebody wants to know who is over.
  var tells = false
  let limit: Int
  let quiet: Int64

  /// Entries are numbered by 32 bits.
  private static let most = 1 << 24
  static let longestQuiet: Int64 = 30 * 86_400_000_000_000

  init(limit: Int, quiet: Duration) {
    self.limit = min(max(1, limit), Self.most)
    self.quiet = min(max(0, quiet.wholeNanoseconds), Self.longestQuiet)
    index = Array(repeating: -1, count: 64)
  }

  var underWay: Int { count - promised }

  func standing(of node: UInt64, at now: Instant) -> Standing {
    guard let entry = find(node), !isOver(entries[entry], at: now) else { return .unknown }
    return entries[entry].place.map { .promised(Instant(nanoseconds: $0)) } ?? .underWay
  }

  /// The node's run is under way, and took so much of a worker's time just now. True: it has only begun, as far as is
  /// known here.
  @discardableResult
  mutating func hear(_ node: UInt64, work: Int64, at now: Instant) -> Bool {
    let known = find(node)
    guard let entry = known, !isOver(entries[entry], at: now), !entries[entry].isPromised else {
      if let known { drop(Int32(known)) }
      insert(Entry(node: node, heard: now.nanoseconds, place: nil, work: max(0, work)), now)
      return true
    }
    entries[entry].heard = now.nanoseconds
    entries[entry].work &+= max(0, work)
    if entries[entry].isTold {
      entries[entry].isTold = false
      untold += 1
    }
    moveToEnd(Int32(entry))
    return false
  }

  /// The run has ended with its report. Others may know of it even where this one does not.
  mutating func end(_ node: UInt64, at now: Instant) {
    if let entry = find(node) { drop(Int32(entry)) }
    noteOver(node, at: now)
  }

  mutating func promise(_ node: UInt64, _ place: Instant, at now: Instant) {
    if let entry = find(node) { drop(Int32(entry)) }
    insert(Entry(node: node, heard: now.nanoseconds, place: place.nanoseconds, work: 0), now)
  }

  /// It came and took its place.
  mutating func redeem(_ node: UInt64, at now: Instant) {
    guard let entry = find(node), entries[entry].isPromised else { return }
    drop(Int32(entry))
    noteOver(node, at: now)
  }

  // MARK: The chain

  func isOver(_ entry: Entry, at now: Instant) -> Bool {
    max(entry.heard, entry.place ?? .min) < now.nanoseconds &- quiet
  }

  mutating func insert(_ entry: Entry, _ now: Instant) {
    // Two for each that comes: the table shrinks in time, and no step is long.
    for _ in 0..<2 where oldest >= 0 && isOver(entries[Int(oldest)], at: now) { drop(oldest) }
    if count >= limit, oldest >= 0 { drop(oldest) }
    if (count + 1) * 2 > index.count { growIndex() }
    let place: Int32
    if freeEntry >= 0 {
      place = freeEntry
      freeEntry = entries[Int(place)].later
      entries[Int(place)] = entry
    } else {
      place = Int32(entries.count)
      entries.append(entry)
    }
    count += 1
    if entry.isPromised { promised += 1 }
    if !entry.isTold { untold += 1 }
    link(place)
    enter(place)
  }

  /// A run that took some of a worker's time tells what runs take, however it ended.
  mutating func drop(_ place: Int32) {
    let entry = entries[Int(place)]
    if !entry.isPromised, entry.work > 0 { runWork.add(entry.work) }
    remove(place)
  }

  mutating func remove(_ place: Int32) {
    let entry = entries[Int(place)]
    if entry.isPromised { promised -= 1 }
    if !entry.isTold { untold -= 1 }
    leave(entry.node)
    unlink(place)
    count -= 1
    entries[Int(place)].later = freeEntry
    freeEntry = place
  }

  private mutating func moveToEnd(_ place: Int32) {
    guard place != latest else { return }
    unlink(place)
    link(place)
  }

  private mutating func link(_ place: Int32) {
    entries[Int(place)].earlier = latest
    entries[Int(place)].later = -1
    if latest >= 0 { entries[Int(latest)].later = place } else { oldest = place }
    latest = place
  }

  private mutating func unlink(_ place: Int32) {
    let (earlier, later) = (entries[Int(place)].earlier, entries[Int(place)].later)
    if earlier >= 0 { entries[Int(earlier)].later = later } else { oldest = later }
    if later >= 0 { entries[Int(later)].earlier = earlier } else { latest = earlier }
  }

  // MARK: The index

  private func home(_ node: UInt64) -> Int { Int(truncatingIfNeeded: node) & (index.count - 1) }

  func find(_ node: UInt64) -> Int? {
    var at = home(node)
    while index[at] >= 0 {
      let place = Int(index[at])
      if entries[place].node == node { return place }
      at = (at + 1) & (index.count - 1)
    }
    return nil
  }

  private mutating func enter(_ place: Int32) {
    var at = home(entries[Int(place)].node)
    while index[at] >= 0 { at = (at + 1) & (index.count - 1) }
    index[at] = place
  }

  /// Those behind it move up, so that no search ends too soon.
  private mutating func leave(_ node: UInt64) {
    let mask = index.count - 1
    var hole = home(node)
    while index[hole] >= 0, entries[Int(index[hole])].node != node { hole = (hole + 1) & mask }
    guard index[hole] >= 0 else { return }
    var at = (hole + 1) & mask
    while index[at] >= 0 {
      let home = home(entries[Int(index[at])].node)
      if (at &- home) & mask >= (at &- hole) & mask {
        index[hole] = index[at]
        hole = at
      }
      at = (at + 1) & mask
    }
    index[hole] = -1
  }

  private mutating func growIndex() {
    index = Array(repeating: -1, count: index.count * 2)
    var place = oldest
    while place >= 0 {
      enter(place)
      place = entries[Int(place)].later
    }
  }
}
