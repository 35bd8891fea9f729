/// The account of all nodes that asked, bounded: who was silent for longest makes room.
///
/// Nodes hang in a chain in the order in which they were last seen, so that who falls silent, is forgotten or makes room
/// is found at its old end; each operation takes a few steps.
public struct NodeBook: Sendable {
  struct Place: Sendable {
    var record: NodeRecord
    var isOverdue = false
    /// Changed since `takeChanges`.
    var isNew = false
    var earlier: Int32 = -1
    var later: Int32 = -1
  }

  public private(set) var policy: NodePolicy
  private var places: [Place] = []
  private var index: [String: Int32] = [:]
  private var free: [Int32] = []
  private var oldest: Int32 = -1
  private var latest: Int32 = -1
  /// The first in the chain that is not overdue; those before it are.
  private var current: Int32 = -1
  public private(set) var overdue = 0
  /// Nodes that had to make room, and requests that nobody had room to remember.
  public private(set) var displaced = 0
  public private(set) var lost = 0
  /// Until then nobody listened for so long, which is held against nobody.
  private var deaf = (until: Instant(nanoseconds: .min), for: Duration.zero)
  private var changed: [Int32] = []
  private var gone: Set<String> = []
  /// Those that were overdue and asked again, since `look`.
  private var returned: [String] = []

  public init(policy: NodePolicy = NodePolicy()) { self.policy = policy }

  public var count: Int { index.count }

  public subscript(name: String) -> NodeRecord? { index[name].map { places[Int($0)].record } }

  /// In the order in which they were last seen.
  public var records: [(record: NodeRecord, isOverdue: Bool)] {
    var all: [(record: NodeRecord, isOverdue: Bool)] = []
    all.reserveCapacity(count)
    var place = oldest
    while place >= 0 {
      all.append((places[Int(place)].record, places[Int(place)].isOverdue))
      place = places[Int(place)].later
    }
    return all
  }

  // MARK: Learning

  /// What an earlier supervisor knew. The time since any of them was seen is a time in which nobody listened: it makes
  /// no node overdue that was not.
  public mutating func load(_ records: [NodeRecord], at now: Instant) {
    for record in records.sorted(by: { $0.seen < $1.seen }) where index[record.name] == nil {
      insert(record)
      unmark(latest)
    }
    guard latest >= 0 else { return }
    deaf = (now, max(.zero, now - places[Int(latest)].record.seen))
    judgeAnew(at: now)
    forgetOld(at: now)
  }

  public mutating func learn(_ news: NodeNews, at now: Instant) {
    lost &+= max(0, news.lost)
    for note in news.notes { learn(note, at: now) }
  }

  private mutating func learn(_ note: NodeNote, at now: Instant) {
    var deeds = note.deeds
    deeds.seen = min(deeds.seen, now)
    guard let place = index[note.node] else {
      var record = NodeRecord(name: note.node, seen: deeds.seen)
      record.learn(deeds)
      return insert(record)
    }
    let before = places[Int(place)].record.seen
    places[Int(place)].record.learn(deeds)
    mark(place)
    if places[Int(place)].record.seen > before { moveToEnd(place) }
  }

  /// Other bounds from now on. Who is overdue by the new ones was not said to have fallen silent just now.
  public mutating func change(to policy: NodePolicy, at now: Instant) {
    self.policy = policy
    while count > policy.limit, oldest >= 0 { displace() }
    judgeAnew(at: now)
  }

  // MARK: Silence

  /// Who has fallen silent since the last look, and who is back; also forgets who was silent for too long.
  public mutating func look(at now: Instant) -> (silent: [String], back: [String]) {
    var silent: [String] = []
    while current >= 0, isOverdue(places[Int(current)].record, at: now) {
      silent.append(places[Int(current)].record.name)
      passCurrent()
    }
    forgetOld(at: now)
    defer { returned = [] }
    return (silent, returned)
  }

  private func isOverdue(_ record: NodeRecord, at now: Instant) -> Bool {
    now - record.seen - (record.seen < deaf.until ? deaf.for : .zero) > policy.overdue
  }

  private mutating func passCurrent() {
    places[Int(current)].isOverdue = true
    overdue += 1
    current = places[Int(current)].later
  }

  private mutating func judgeAnew(at now: Instant) {
    var place = oldest
    while place >= 0 {
      places[Int(place)].isOverdue = false
      place = places[Int(place)].later
    }
    overdue = 0
    current = oldest
    while current >= 0, isOverdue(places[Int(current)].record, at: now) { passCurrent() }
  }

  private mutating func forgetOld(at now: Instant) {
    while oldest >= 0, now - places[Int(oldest)].record.seen > policy.forget { remove(oldest) }
  }

  // MARK: Changes

  /// What the history has to learn: who is gone, and then who changed.
  public mutating func takeChanges() -> (gone: [String], changed: [NodeRecord]) {
    defer {
      gone = []
      changed = []
    }
    var records: [NodeRecord] = []
    for place in changed where places[Int(place)].isNew {
      places[Int(place)].isNew = false
      records.append(places[Int(place)].record)
    }
    return (gone.sorted(), records)
  }

  /// All are to be kept once more: what was kept may be gone.
  public mutating func markAll() {
    var place = oldest
    while place >= 0 {
      mark(place)
      place = places[Int(place)].later
    }
  }

  private mutating func mark(_ place: Int32) {
    guard !places[Int(place)].isNew else { return }
    places[Int(place)].isNew = true
    changed.append(place)
  }

  /// Nobody has to be told of what was told by others.
  private mutating func unmark(_ place: Int32) {
    guard places[Int(place)].isNew else { return }
    places[Int(place)].isNew = false
    changed.removeLast()
  }

  // MARK: The chain

  private mutating func insert(_ record: NodeRecord) {
    while count >= max(1, policy.limit), oldest >= 0 { displace() }
    let place: Int32
    if let last = free.popLast() {
      place = last
      places[Int(place)] = Place(record: record)
    } else {
      place = Int32(places.count)
      places.append(Place(record: record))
    }
    index[record.name] = place
    link(place)
    mark(place)
  }

  private mutating func displace() {
    displaced += 1
    remove(oldest)
  }

  private mutating func remove(_ place: Int32) {
    unlink(place)
    let name = places[Int(place)].record.name
    index[name] = nil
    gone.insert(name)
    places[Int(place)] = Place(record: NodeRecord(name: "", seen: Instant(nanoseconds: 0)))
    free.append(place)
  }

  private mutating func moveToEnd(_ place: Int32) {
    if places[Int(place)].isOverdue { returned.append(places[Int(place)].record.name) }
    guard place != latest || places[Int(place)].isOverdue else { return }
    unlink(place)
    link(place)
  }

  /// Who was seen just now is not overdue.
  private mutating func link(_ place: Int32) {
    places[Int(place)].earlier = latest
    places[Int(place)].later = -1
    if latest >= 0 { places[Int(latest)].later = place } else { oldest = place }
    latest = place
    if current < 0 { current = place }
  }

  private mutating func unlink(_ place: Int32) {
    if places[Int(place)].isOverdue {
      places[Int(place)].isOverdue = false
      overdue -= 1
    }
    if place == current { current = places[Int(place)].later }
    let (earlier, later) = (places[Int(place)].earlier, places[Int(place)].later)
    if earlier >= 0 { places[Int(earlier)].later = later } else { oldest = later }
    if later >= 0 { places[Int(later)].earlier = earlier } else { latest = earlier }
  }
}
