/// When workers are due, so that no two are due together.
extension PoolMachine {
  /// A slot's first worker gets its share of the interval, so that the pool's ages are spread from the start; later
  /// ones the whole of it. Jitter only shortens: `every` is a promise.
  func due(for slot: Slot, at now: Instant, using random: inout some RandomNumberGenerator) -> Instant? {
    guard let every = policy.recycle.every else { return nil }
    let share =
      slot.lastGeneration.rawValue == 1 ? Double(slot.id.index + 1) / Double(max(policy.size, slot.id.index + 1)) : 1
    let jitter = 1 - Double.random(in: 0...1, using: &random) * policy.recycle.jitter
    return staggered(now + every.scaled(by: share * jitter), of: slot.id, born: now, every, at: now)
  }

  /// The moment nearest to the wish, sooner rather than later and never past `every`, that keeps its distance from all
  /// other slots' timers: half of what an even spread would give, or less where there is no room for that.
  func staggered(_ wish: Instant, of slot: SlotID, born: Instant, _ every: Duration, at now: Instant) -> Instant {
    let others = timers(except: slot)
    let earliest = max(now, born + (wish - born) / 2)
    let latest = max(wish, born + every)
    var distance = every / (2 * max(policy.size, others.count + 1))
    while distance > .zero {
      if let free = nearest(to: wish, distance, from: others, earliest...max(earliest, latest)) { return free }
      distance = distance / 2
    }
    return wish
  }

  /// Ascending. A slot's earlier worker goes when its successor comes.
  private func timers(except slot: SlotID) -> [Instant] {
    slots.filter { $0.id != slot }.flatMap(\.workers).compactMap { worker in
      switch worker.state {
      case .ready(_, let due): due
      case .starting, .draining, .stopping, .wiping: nil
      }
    }.sorted()
  }

  private func nearest(
    to wish: Instant, _ distance: Duration, from others: [Instant], _ range: ClosedRange<Instant>
  ) -> Instant? {
    func isTaken(_ moment: Instant, by other: Instant) -> Bool {
      max(moment - other, other - moment) < distance
    }
    var sooner = wish
    for other in others.reversed() where isTaken(sooner, by: other) { sooner = other + (.zero - distance) }
    if range.contains(sooner) { return sooner }
    var later = wish
    for other in others where isTaken(later, by: other) { later = other + distance }
    return range.contains(later) ? later : nil
  }
}
