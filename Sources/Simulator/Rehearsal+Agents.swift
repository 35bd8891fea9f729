import Pool

/// A fake agent: it asks, waits, is served or told to come back, and rests until its next start.
struct Agent: Sendable {
  enum State: Sendable { case resting, pausing, waiting, served }

  var state = State.resting
  var isOld: Bool
  var wasTold = false
  var step: UInt16 = 0
  var serial: UInt32 = 0
  var spot: UInt32 = 0
  /// Refusals of this run, and workers that this request lost.
  var refusals: UInt8 = 0
  var losses: UInt8 = 0
  var crew: Int32 = -1
  var claim: Claim?
  /// When its run was due, by cron.
  var beat: Int64
  var begun: Int64 = 0
  var asked: Int64 = 0
}

/// What agents do, and the proxy with them.
extension Rehearsal {
  /// Puppet's own bound.
  private static let mostRefusals: UInt8 = 100
  /// A request that loses its worker is asked of another, so often.
  private static let mostLosses: UInt8 = 2
  /// Between two requests before the catalog.
  private static let shortPause: Int64 = 50_000_000

  mutating func engage(_ count: Int) {
    agents.reserveCapacity(count)
    let splay = min(max(0, scenario.agents.splay.wholeNanoseconds), pace.interval)
    for index in 0..<max(0, count) {
      let phase = splay > 0 ? Int64(chance.fraction() * Double(splay)) : 0
      agents.append(Agent(isOld: chance.fraction() < scenario.agents.oldShare, beat: phase))
      agenda.add(.begins(Int32(index)), atNanosecond: phase + late())
    }
  }

  mutating func engage(_ trace: Trace) {
    agents.reserveCapacity(trace.requests.count)
    for (index, request) in trace.requests.enumerated() {
      let at = max(0, request.at.wholeNanoseconds)
      agents.append(Agent(isOld: false, beat: at))
      agenda.add(.begins(Int32(index)), atNanosecond: at)
    }
  }

  private mutating func late() -> Int64 {
    pace.jitter > 0 ? Int64(chance.fraction() * Double(pace.jitter)) : 0
  }

  // MARK: A run

  mutating func begin(_ index: Int) {
    if !pace.week.isEmpty, chance.fraction() >= pace.share(at: now) { return rest(index) }
    outcome.runs.started += 1
    agents[index].begun = now
    agents[index].step = 0
    agents[index].refusals = 0
    agents[index].losses = 0
    agents[index].wasTold = false
    agents[index].asked = now
    ask(index)
  }

  private mutating func finish(_ index: Int) {
    outcome.runs.finished += 1
    if agents[index].wasTold { outcome.runs.toldToComeBack += 1 }
    outcome.runTimes.add(now - agents[index].begun)
    rest(index)
  }

  private mutating func fail(_ index: Int, _ cause: RunFailure) {
    outcome.runs.failed[cause.rawValue] += 1
    rest(index)
  }

  /// Until its next start that is not past; those that it missed are left out, as cron's are that find a run under way.
  private mutating func rest(_ index: Int) {
    if works != nil {
      agents[index].state = .resting
      agents[index].serial &+= 1
      return
    }
    var beat = agents[index].beat + pace.interval
    while beat <= now {
      outcome.runs.missed += 1
      beat += pace.interval
    }
    agents[index].beat = beat
    agents[index].state = .resting
    agents[index].serial &+= 1
    agenda.add(.begins(Int32(index)), atNanosecond: beat + late())
  }

  private mutating func goOn(_ index: Int) {
    outcome.requests += 1
    agents[index].step += 1
    agents[index].losses = 0
    let step = Int(agents[index].step)
    guard step < steps.count else { return finish(index) }
    agents[index].state = .pausing
    let pause = step <= catalogStep ? Self.shortPause : gap.draw(&chance) / applyShare
    agents[index].asked = now + pause
    agenda.add(.asks(Int32(index)), atNanosecond: now + pause)
  }

  // MARK: A request

  private func asker(_ index: Int) -> Asker {
    let step = Int(agents[index].step)
    return Asker(
      Ticket(loop: 0, index: UInt32(index), serial: agents[index].serial),
      node: UInt64(index + 1) &* 0x9e37_79b9_7f4a_7c15, priority: steps[step].priority,
      patience: agents[index].isOld ? .fails : .retries, route: steps[step].kind.rawValue)
  }

  mutating func ask(_ index: Int) {
    agents[index].serial &+= 1
    settle(index, ledger.admit(asker(index), to: 0, at: agenda.now))
  }

  private mutating func settle(_ index: Int, _ admission: Admission) {
    switch admission {
    case .claimed(let claim): serve(index, claim)
    case .queued(let until, let spot):
      agents[index].state = .waiting
      agents[index].spot = spot
      timeline.queue(1)
      agenda.add(.timesOut(Int32(index), serial: agents[index].serial), atNanosecond: until.nanoseconds)
    case .shed(let refusal): refuse(index, refusal)
    // It is said what every agent makes of a refusal.
    case .unsure: fail(index, .refused)
    }
  }

  mutating func take(_ grants: [Grant]) { for grant in grants { take(grant) } }

  private mutating func take(_ grant: Grant) {
    timeline.queue(-1)
    serve(Int(grant.ticket.index), grant.claim)
  }

  private mutating func serve(_ index: Int, _ claim: Claim) {
    let step = Int(agents[index].step)
    let place = crewIndex(of: claim)
    outcome.waits.add(now - agents[index].asked)
    if step == 0 { outcome.delays.add(now - agents[index].begun) }
    agents[index].state = .served
    agents[index].claim = claim
    agents[index].crew = Int32(place)
    crew[place].holds.append(Int32(index))
    timeline.work(1)
    var time = works.map { $0[index] } ?? steps[step].dealer.draw(&chance)
    if step == catalogStep, !crew[place].isWarm {
      crew[place].isWarm = true
      time += pace.warmUp
    }
    if timeline.working > pace.cores { time = time * Int64(timeline.working) / Int64(pace.cores) }
    decide(index, place, time)
  }

  /// How the request ends: by its answer, unless the worker crashes or hangs, or it takes too long.
  private mutating func decide(_ index: Int, _ place: Int, _ time: Int64) {
    let serial = agents[index].serial
    let timeout = pace.requestTimeout
    if pace.hangs > 0, chance.fraction() < pace.hangs { hang(place) }
    if pace.crashes > 0, chance.fraction() < pace.crashes {
      let moment = Int64(chance.fraction() * Double(time))
      agenda.add(.dies(Int32(place), serial: crew[place].serial), atNanosecond: now + moment)
    }
    if crew[place].isHung || time >= timeout {
      agenda.add(.overdue(Int32(index), serial: serial), atNanosecond: now + timeout)
    } else {
      agenda.add(.answered(Int32(index), serial: serial), atNanosecond: now + time)
    }
  }

  mutating func answer(_ index: Int, _ serial: UInt32) {
    guard agents[index].serial == serial, let claim = agents[index].claim else { return }
    let place = Int(agents[index].crew)
    guard !crew[place].isHung else {
      // It stopped answering while this request was with it too.
      let left = agents[index].asked + pace.requestTimeout
      return agenda.add(.overdue(Int32(index), serial: serial), atNanosecond: left)
    }
    if Int(agents[index].step) == catalogStep { outcome.catalogs.add(now - agents[index].asked) }
    crew[place].requests += 1
    letGo(index)
    release(claim, .answered)
    goOn(index)
  }

  /// The agent has no worker any more.
  private mutating func letGo(_ index: Int) {
    let place = Int(agents[index].crew)
    if let hold = crew[place].holds.firstIndex(of: Int32(index)) { crew[place].holds.remove(at: hold) }
    agents[index].claim = nil
    timeline.work(-1)
  }

  private mutating func release(_ claim: Claim, _ outcome: ClaimOutcome) {
    let release = ledger.release(claim, outcome, keeping: nil, at: agenda.now)
    if let id = release.drained { noteDrained(id) }
    if let grant = release.grant { take(grant) }
  }

  mutating func timeOut(_ index: Int, _ serial: UInt32) {
    guard agents[index].serial == serial, agents[index].state == .waiting,
      let refusal = ledger.timeOut(asker(index).ticket, at: agents[index].spot, from: 0, now: agenda.now)
    else { return }
    timeline.queue(-1)
    refuse(index, refusal)
  }

  /// The agent sleeps as long as it was told, but no longer than its interval, and gives up in the end.
  private mutating func refuse(_ index: Int, _ refusal: Refusal) {
    guard let told = refusal.retryAfter, !agents[index].isOld else { return fail(index, .refused) }
    agents[index].refusals += 1
    let again = now + min(told.wholeNanoseconds, pace.interval)
    guard agents[index].refusals < Self.mostRefusals,
      again - agents[index].begun < pace.runTimeout
    else { return fail(index, .gaveUp) }
    agents[index].wasTold = true
    agents[index].state = .pausing
    agents[index].asked = again
    agenda.add(.asks(Int32(index)), atNanosecond: again)
  }

  mutating func overdue(_ index: Int, _ serial: UInt32) {
    guard agents[index].serial == serial, let claim = agents[index].claim else { return }
    let worker = crew[Int(agents[index].crew)].id
    letGo(index)
    release(claim, .overdue(lost: true))
    fail(index, .timedOut)
    if let worker { feed(.overdue(worker, age: scenario.pool.requestTimeout)) }
  }

  /// Its worker is gone or cut off. What may be asked again is asked of another; a report may not.
  mutating func loseWorker(_ index: Int) {
    guard let claim = agents[index].claim else { return }
    letGo(index)
    agents[index].losses += 1
    let goesOn = steps[Int(agents[index].step)].kind != .report && agents[index].losses <= Self.mostLosses
    release(claim, .unreachable(lost: !goesOn))
    outcome.lostWorkers += 1
    guard goesOn else { return fail(index, .lost) }
    agents[index].serial &+= 1
    let deadline = agenda.now + max(scenario.pool.queue.timeout, scenario.pool.requestTimeout)
    settle(index, ledger.readmit(asker(index), to: 0, until: deadline, at: agenda.now))
  }
}
