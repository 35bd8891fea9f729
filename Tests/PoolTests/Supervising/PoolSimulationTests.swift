import Pool
import Testing

/// Random lives on a fake clock: whatever happens in whatever order, the machine's promises hold.
@Suite struct PoolSimulationTests {
  @Test(arguments: 0..<300)
  func promisesHoldWhateverHappens(seed: UInt64) {
    var world = World(seed: seed)
    for step in 0..<400 {
      world.act()
      world.check("seed \(seed), step \(step)")
    }
    world.settle()
    #expect(world.machine.readyCount == world.machine.policy.size, "seed \(seed): the pool is whole again")
    world.end()
    #expect(world.finished == 1, "seed \(seed): a shutdown ends, once")
    #expect(world.processes.isEmpty && world.unwiped.isEmpty, "seed \(seed): nothing is left")
  }
}

/// Processes as the machine's effects make them, with the chance to misbehave.
private struct World {
  enum Process { case starting, serving, draining, terminated }

  var machine: PoolMachine
  var chance: Chance
  var now = Instant(nanoseconds: 0)
  var processes: [WorkerID: Process] = [:]
  var unwiped: Set<WorkerID> = []
  var ever: Set<WorkerID> = []
  var finished = 0
  var scaled = false
  var isCalm = false

  init(seed: UInt64) {
    chance = Chance(seed: seed)
    machine = PoolMachine(name: PoolScript.masters, policy: World.policy(using: &chance))
    feed(.start)
  }

  static func policy(using chance: inout Chance) -> PoolPolicy {
    var policy = PoolPolicy(size: Int.random(in: 1...6, using: &chance))
    policy.recycle.surge = Int.random(in: 0...2, using: &chance)
    policy.recycle.every = .seconds(Int.random(in: 20...200, using: &chance))
    policy.recycle.memory = .mebibytes(100)
    policy.recycle.memoryLimit = .mebibytes(200)
    policy.recycle.requests = 1000
    policy.recycle.minReady = .percent(50)
    return policy
  }

  mutating func feed(_ event: PoolEvent) {
    let readyBefore = machine.readyCount
    for effect in machine.handle(event, at: now, using: &chance) { obey(effect, event, readyBefore) }
  }

  mutating func obey(_ effect: PoolEffect, _ event: PoolEvent, _ readyBefore: Int) {
    switch effect {
    case .start(let id):
      #expect(ever.insert(id).inserted, "\(id) is started once")
      processes[id] = .starting
    case .admit(let id):
      #expect(processes[id] != nil, "\(id) is admitted alive")
      processes[id] = .serving
    case .drain(let id): processes[id] = .draining
    case .retire: break
    case .terminate(let id), .kill(let id):
      #expect(processes[id] != nil, "\(id) is signalled alive")
      processes[id] = .terminated
    case .wipe(let id, _): #expect(unwiped.insert(id).inserted, "\(id) is wiped once")
    case .backOff(_, _, let delay, _): #expect(delay > .zero && delay <= BackOff.longest)
    case .finished: finished += 1
    }
  }

  mutating func act() {
    now = now + .milliseconds(Int.random(in: 1...3000, using: &chance))
    feed(.tick)
    let id = processes.keys.sorted().randomElement(using: &chance)
    switch Int.random(in: 0..<100, using: &chance) {
    case 0..<70: obeyOne()
    case 70..<73: id.map { die($0, .signalled(11)) }
    case 73..<76: id.map { feed(.sampled($0, memory: .mebibytes(Int.random(in: 90...210, using: &chance)))) }
    case 76..<79: id.map { feed(.served($0, requests: 1000)) }
    case 79..<81: id.map { feed(.overdue($0, age: .seconds(700))) }
    case 81..<84: id.map { feed(.probed($0, passed: false)) }
    case 84..<86: feed(.restart(slot: nil, .manual))
    case 86..<88: id.map { feed(processes[$0] == .starting ? .notReady($0, "no answer") : .tick) }
    case 88..<89:
      scaled = true
      feed(.scale(Int.random(in: 1...6, using: &chance)))
    case 89..<91: feed(.hold(slot: Int.random(in: 0..<6, using: &chance)))
    case 93..<95:
      // More slots for a while than the new size: as after a scaling.
      scaled = true
      feed(.reconfigure(World.policy(using: &chance)))
    case 91..<93: feed(.release(slot: Int.random(in: 0..<6, using: &chance)))
    default: feed(.tick)
    }
  }

  /// Some worker does what it was asked to, or some wipe ends.
  mutating func obeyOne() {
    if let id = unwiped.sorted().first, Bool.random(using: &chance) {
      unwiped.remove(id)
      return feed(.wiped(id))
    }
    guard let id = processes.keys.sorted().randomElement(using: &chance), let process = processes[id] else { return }
    switch process {
    case .starting: feed(.becameReady(id))
    case .serving: feed(.tick)
    case .draining: feed(.drained(id))
    case .terminated: die(id, .exited(status: 0))
    }
  }

  mutating func die(_ id: WorkerID, _ how: Measurement) {
    processes[id] = nil
    feed(.exited(id, how))
  }

  func check(_ comment: Comment) {
    let policy = machine.policy
    if !scaled { #expect(processes.count <= policy.size + policy.recycle.surge, comment) }
    for slot in machine.slots {
      let ready = slot.workers.count(where: { $0.state.name == "ready" })
      let starting = slot.workers.count(where: { $0.state.name == "starting" })
      #expect(ready <= 1 && starting <= 1, comment)
    }
    if let next = machine.nextDeadline { #expect(next > now, comment) }
  }

  /// All is well from now on.
  mutating func settle() {
    for slot in 0..<6 { feed(.release(slot: slot)) }
    for _ in 0..<4000 where machine.readyCount < machine.policy.size || !unwiped.isEmpty {
      now = now + .milliseconds(500)
      feed(.tick)
      obeyOne()
    }
  }

  mutating func end() {
    feed(.shutdown)
    for _ in 0..<4000 where finished == 0 {
      now = now + .milliseconds(100)
      obeyOne()
    }
  }
}
