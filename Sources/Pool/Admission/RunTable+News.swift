/// What a table tells those of other proxies, and learns of them.
extension RunTable {
  /// Who is over is told as long as it is asked for often enough. Beyond that others hold such a run to be under way
  /// until it was quiet for long enough.
  private static let mostOver = 4096

  mutating func noteOver(_ node: UInt64, at now: Instant) {
    guard tells, over.count < Self.mostOver else { return }
    over.append(RunNote(node: node, heard: now, standing: .over))
  }

  /// All is to be told once more.
  mutating func forgetWhatWasTold() {
    var place = oldest
    while place >= 0 {
      entries[Int(place)].isTold = false
      place = entries[Int(place)].later
    }
    untold = count
  }

  /// What is not told yet. Whoever was heard of stands at the chain's end, so the walk is as long as the news.
  mutating func takeNews() -> [RunNote] {
    defer { over = [] }
    var news: [RunNote] = []
    var place = latest
    while untold > 0, place >= 0 {
      if !entries[Int(place)].isTold {
        entries[Int(place)].isTold = true
        untold -= 1
        news.append(note(entries[Int(place)]))
      }
      place = entries[Int(place)].earlier
    }
    // An end first: the node may have begun again since.
    return over + news.reversed()
  }

  /// All there is, the oldest first.
  var everything: [RunNote] {
    var notes: [RunNote] = []
    notes.reserveCapacity(count)
    var place = oldest
    while place >= 0 {
      notes.append(note(entries[Int(place)]))
      place = entries[Int(place)].later
    }
    return notes
  }

  private func note(_ entry: Entry) -> RunNote {
    RunNote(
      node: entry.node, heard: Instant(nanoseconds: entry.heard),
      standing: entry.place.map { .promised(Instant(nanoseconds: $0)) } ?? .underWay(work: .nanoseconds(entry.work)))
  }

  /// Another's word. What was heard last counts, whoever heard it. An end that crosses older news on its way is missed:
  /// the run then seems to be under way until it was quiet for long enough, which harms nobody.
  mutating func learn(_ note: RunNote, at now: Instant) {
    let heard = min(note.heard, now).nanoseconds
    let known = find(note.node)
    var entry = Entry(node: note.node, heard: heard, place: nil, work: 0, isTold: true)
    switch note.standing {
    case .over:
      if let known, entries[known].heard <= heard { remove(Int32(known)) }
      return
    case .underWay(let work):
      entry.work = max(0, work.wholeNanoseconds)
      if let known, !entries[known].isPromised { entry.work = max(entry.work, entries[known].work) }
    case .promised(let place):
      entry.place = min(place, now + .nanoseconds(Self.longestQuiet)).nanoseconds
    }
    guard note.node != 0, !isOver(entry, at: now) else { return }
    if let known {
      guard entries[known].heard < heard else { return }
      remove(Int32(known))
    }
    insert(entry, now)
  }
}
