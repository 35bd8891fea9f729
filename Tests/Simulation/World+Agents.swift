import Pool
import Seeded

/// A fake agent: it asks, waits, is served or told to come back, and asks again.
struct Agent {
  enum State {
    case idle
    case waiting(spot: UInt32)
    case served(Claim, by: WorkerID)
  }

  var state = State.idle
  var serial: UInt32 = 0
  /// How often it still asks; nil: for ever.
  var times: Int?
  var isReport = false
  let patience: AgentPatience

  var isBusy: Bool {
    switch state {
    case .idle: false
    case .waiting, .served: true
    }
  }
}

/// What the proxy would do.
extension World {
  var busyAgents: Int { agents.count { $0.isBusy } }

  func addAgent(times: Int? = nil) {
    agents.append(Agent(times: times, patience: agents.count % 5 == 0 ? .fails : .retries))
    agenda.add(.asks(agents.count - 1), after: .milliseconds(Int.random(in: 0..<2000, using: &chance)))
  }

  private func asker(_ index: Int) -> Asker {
    let ticket = Ticket(loop: 0, index: UInt32(index), serial: agents[index].serial)
    return Asker(
      ticket, node: UInt64(index + 1), priority: agents[index].isReport ? .report : .catalog,
      patience: agents[index].patience)
  }

  func ask(_ index: Int) {
    guard !isCalm, !agents[index].isBusy, agents[index].times != 0 else { return }
    agents[index].times? -= 1
    agents[index].serial += 1
    agents[index].isReport.toggle()
    asked += 1
    settle(index, ledger.admit(asker(index), to: 0, at: now))
  }

  private func settle(_ index: Int, _ admission: Admission) {
    switch admission {
    case .claimed(let claim): serve(index, claim)
    case .queued(let until, let spot):
      agents[index].state = .waiting(spot: spot)
      agenda.add(.timesOut(index, serial: agents[index].serial), at: until)
    case .shed(let refusal): end(index, askAgain: refusal.retryAfter ?? .seconds(5))
    case .unsure: demand(false, .losesNoClaim, "it was said what its agent makes of a refusal")
    }
  }

  private func serve(_ index: Int, _ claim: Claim) {
    guard let worker = ledger.worker(of: claim) else {
      return demand(false, .losesNoClaim, "a claim on nobody")
    }
    if isAlone || departed.contains(worker), processes[worker] == nil { return findNobody(index, claim) }
    demand(
      serving.contains(worker) && processes[worker] != nil, .losesNoClaim,
      "a claim on \(worker), which does not serve")
    agents[index].state = .served(claim, by: worker)
    processes[worker]?.requests += 1
    let serial = agents[index].serial
    agenda.add(.answered(index, serial: serial), after: .milliseconds(Int.random(in: 5...1500, using: &chance)))
    agenda.add(.overdue(index, serial: serial), after: machine.policy.requestTimeout)
  }

  /// Nobody has told the proxy that the worker is dead.
  private func findNobody(_ index: Int, _ claim: Claim) {
    agents[index].state = .idle
    release(claim, .unreachable(lost: false))
    agents[index].serial += 1
    settle(index, ledger.readmit(asker(index), to: 0, until: now + .seconds(10), at: now))
  }

  func take(_ grants: [Grant]) {
    for grant in grants {
      let index = Int(grant.ticket.index)
      guard case .waiting = agents[index].state, agents[index].serial == grant.ticket.serial else {
        return demand(false, .losesNoClaim, "a turn for agent \(index), which does not wait")
      }
      serve(index, grant.claim)
    }
  }

  func answer(_ index: Int, _ serial: UInt32) {
    guard agents[index].serial == serial, case .served(let claim, let worker) = agents[index].state,
      processes[worker]?.isHung == false
    else { return }
    let grows = processes[worker]?.perRequest ?? 0
    processes[worker]?.memory += grows
    end(index, askAgain: .milliseconds(Int.random(in: 100...4000, using: &chance)))
    release(claim, .answered)
  }

  func timeOut(_ index: Int, _ serial: UInt32) {
    guard agents[index].serial == serial, case .waiting(let spot) = agents[index].state else { return }
    let refusal = ledger.timeOut(asker(index).ticket, at: spot, from: 0, now: now)
    demand(refusal != nil, .losesNoClaim, "agent \(index) waits and is not in line")
    end(index, askAgain: refusal?.retryAfter ?? .seconds(5))
  }

  func overdue(_ index: Int, _ serial: UInt32) {
    guard agents[index].serial == serial, case .served(let claim, let worker) = agents[index].state else { return }
    end(index, askAgain: .seconds(2))
    release(claim, .overdue(lost: true))
    feed(.overdue(worker, age: machine.policy.requestTimeout))
  }

  /// The worker is gone or cut off: half of what it held is asked of another.
  func breakClaims(on id: WorkerID) {
    for index in agents.indices {
      guard case .served(let claim, id) = agents[index].state else { continue }
      let isLost = index % 2 == 0
      agents[index].state = .idle
      release(claim, .unreachable(lost: isLost))
      guard !isLost else {
        end(index, askAgain: .seconds(1))
        continue
      }
      agents[index].serial += 1
      settle(index, ledger.readmit(asker(index), to: 0, until: now + .seconds(10), at: now))
    }
  }

  private func release(_ claim: Claim, _ outcome: ClaimOutcome) {
    let release = ledger.release(claim, outcome, keeping: nil, at: now)
    if let id = release.drained { agenda.add(.drained(id, life: life), after: .milliseconds(1)) }
    if let grant = release.grant { take([grant]) }
  }

  private func end(_ index: Int, askAgain delay: Duration) {
    agents[index].state = .idle
    ended += 1
    agenda.add(.asks(index), after: delay)
  }

  /// The ledger and the agents agree on who waits and who is served.
  func checkClaims() {
    take(ledger.resume(at: now))
    var waiting = 0
    var served: [WorkerID: Int] = [:]
    for agent in agents {
      switch agent.state {
      case .idle: continue
      case .waiting: waiting += 1
      case .served(_, let worker): served[worker, default: 0] += 1
      }
    }
    demand(asked - ended == waiting + served.values.reduce(0, +), .losesNoClaim, "\(asked) asked, \(ended) ended")
    let queued = ledger.poolCounters[0].queueLength
    demand(queued == waiting, .losesNoClaim, "\(queued) in line, \(waiting) wait")
    // One that kept a request for too long gets no other before the supervisor has had its say.
    let free = serving.filter { served[$0, default: 0] < concurrency && unheard[$0] == nil }
    demand(waiting == 0 || free.isEmpty, .wastesNoWorker, "\(waiting) wait, free are \(free.sorted())")
    for counters in ledger.workerCounters {
      let known = served[counters.worker, default: 0]
      demand(
        counters.requestsInFlight == known, .losesNoClaim,
        "\(counters.worker) has \(counters.requestsInFlight) claims, agents know of \(known)")
    }
  }
}
