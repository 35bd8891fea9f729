import Pool

/// A worker's process as it is; its place is used again once it is wiped.
struct Crew: Sendable {
  /// Nil: nobody.
  var id: WorkerID?
  /// Which of the place's occupants it is.
  var serial: UInt32 = 0
  var isUp = false
  var isAlive = false
  var isEnding = false
  var isHung = false
  var isSuspect = false
  var suspicion: Duration?
  /// It has made its first catalog.
  var isWarm = false
  var isSampled = false
  var requests = 0
  var born: Int64 = 0
  /// Agents that it serves.
  var holds: [Int32] = []
}

/// What the supervisor would do.
extension Rehearsal {
  /// From SIGKILL to the end.
  private static let killDelay: Int64 = 5_000_000

  mutating func feed(_ event: PoolEvent) {
    let effects = machine.handle(event, at: agenda.now, using: &chance)
    for effect in effects { obey(effect) }
    timeline.serving(machine.readyCount, of: machine.policy.size)
    let next = machine.nextDeadline
    if next != alarm, let next { agenda.add(.tick, at: next) }
    alarm = next
  }

  private mutating func obey(_ effect: PoolEffect) {
    switch effect {
    case .start(let id): start(id)
    case .admit(let id):
      if let idle = idleSlots.removeValue(forKey: id.slot.index) {
        outcome.restarts[idle.reason, default: .init()].idleSeconds += seconds(since: idle.since)
      }
      take(ledger.admit(id, at: .tcp(port: 1), at: agenda.now).grants)
    case .drain(let id):
      for report in ledger.drain(id).reports { if case .drained(let id) = report { noteDrained(id) } }
    case .retire(let id):
      _ = ledger.retire(id)
      if let place = crewOf[id] { breakClaims(of: place) }
    case .terminate(let id): terminate(id)
    case .kill(let id):
      guard let place = crewOf[id] else { return }
      crew[place].isEnding = true
      agenda.add(.dies(Int32(place), serial: crew[place].serial), atNanosecond: now + Self.killDelay)
    case .wipe(let id, let departure): wipe(id, departure)
    case .backOff: outcome.backOffs += 1
    case .decided(let decision): if case .waits = decision.verdict { outcome.putOff += 1 }
    case .finished: break
    }
  }

  // MARK: Birth

  private mutating func start(_ id: WorkerID) {
    let place = freeCrew.popLast() ?? crew.count
    if place == crew.count { crew.append(Crew()) }
    let serial = crew[place].serial &+ 1
    crew[place] = Crew(id: id, serial: serial, isAlive: true, born: now)
    crew[place].holds.reserveCapacity(scenario.pool.concurrency)
    crewOf[id] = place
    let (time, timeout) = (startDealer.draw(&chance), scenario.pool.ready.timeout.wholeNanoseconds)
    agenda.add(
      time < timeout ? .ready(Int32(place)) : .notReady(Int32(place)), atNanosecond: now + min(time, timeout))
  }

  mutating func becomeReady(_ place: Int) {
    guard let id = crew[place].id, crew[place].isAlive, !crew[place].isEnding else { return }
    crew[place].isUp = true
    let rate = scenario.worker.crashes.perHour
    if rate > 0 { schedule(place, perHour: rate) { .dies($0, serial: $1) } }
    feed(.becameReady(id))
  }

  private mutating func schedule(_ place: Int, perHour rate: Double, _ what: (Int32, UInt32) -> Happening) {
    let hours = -Curves.log(max(1e-12, 1 - chance.fraction())) / rate
    guard hours < 1e6 else { return }
    agenda.add(what(Int32(place), crew[place].serial), atNanosecond: now + Int64(hours * 3.6e12))
  }

  mutating func failToStart(_ place: Int) {
    if let id = crew[place].id, crew[place].isAlive, !crew[place].isUp { feed(.notReady(id, "no answer")) }
  }

  // MARK: Death

  mutating func noteDrained(_ id: WorkerID) {
    if let place = crewOf[id] { agenda.add(.drained(Int32(place)), atNanosecond: now + Self.linkDelay) }
  }

  private mutating func terminate(_ id: WorkerID) {
    guard let place = crewOf[id] else { return }
    crew[place].isEnding = true
    guard !crew[place].isHung else { return }
    agenda.add(
      .dies(Int32(place), serial: crew[place].serial), atNanosecond: now + max(1, stopDealer.draw(&chance)))
  }

  mutating func die(_ place: Int, _ serial: UInt32) {
    guard crew[place].serial == serial, crew[place].isAlive, let id = crew[place].id else { return }
    timeline.note(memory: memoryInUse(at: now))
    crew[place].isAlive = false
    if crew[place].isHung { hungCount -= 1 }
    let how: Measurement = crew[place].isEnding ? .exited(status: 0) : .signalled(11)
    if !crew[place].isEnding { _ = ledger.retire(id) }
    breakClaims(of: place)
    feed(.exited(id, how))
  }

  private mutating func breakClaims(of place: Int) {
    for agent in crew[place].holds { loseWorker(Int(agent)) }
  }

  private mutating func wipe(_ id: WorkerID, _ departure: Departure) {
    guard let place = crewOf[id] else { return }
    outcome.restarts[departure.reason, default: .init()].count += 1
    let hasSuccessor = machine.slots.contains { $0.id == id.slot && $0.incumbent != nil }
    if !hasSuccessor, idleSlots[id.slot.index] == nil {
      idleSlots[id.slot.index] = (now, departure.reason)
    }
    agenda.add(.wiped(Int32(place)), atNanosecond: now + max(1, scenario.worker.wipe.wholeNanoseconds))
  }

  mutating func wiped(_ place: Int) {
    guard let id = crew[place].id else { return }
    crewOf[id] = nil
    crew[place].id = nil
    freeCrew.append(place)
    feed(.wiped(id))
  }

  // MARK: Who is where

  @inline(__always) mutating func crewIndex(of claim: Claim) -> Int {
    if claim.seat < seats.count, seats[claim.seat].occupant == claim.occupant { return seats[claim.seat].crew }
    return lookUp(claim)
  }

  private mutating func lookUp(_ claim: Claim) -> Int {
    while seats.count <= claim.seat { seats.append((.max, 0)) }
    let place = ledger.worker(of: claim).flatMap { crewOf[$0] }
    precondition(place != nil, "a claim on nobody")
    seats[claim.seat] = (claim.occupant, place ?? 0)
    return place ?? 0
  }

  // MARK: Memory

  func memory(of place: Int, at time: Int64) -> Double {
    scenario.worker.growth.bytes(age: time - crew[place].born, requests: crew[place].requests)
  }

  func memoryInUse(at time: Int64) -> Double {
    var sum = 0.0
    for place in crew.indices where crew[place].isAlive { sum += memory(of: place, at: time) }
    return sum
  }
}
