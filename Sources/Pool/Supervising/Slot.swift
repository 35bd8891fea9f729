/// A stable place in a pool and its occupants, oldest first: with surge an incumbent and its successor live side by
/// side, and those that leave stay until they are wiped.
public struct Slot: Hashable, Sendable {
  public let id: SlotID
  public internal(set) var workers: [Worker] = []
  public internal(set) var lastGeneration = Generation(rawValue: 0)
  public internal(set) var backOff = BackOff()
  /// Taken out by the operator: its workers get no traffic until it is released.
  public internal(set) var isHeld = false
  /// False once it is scaled away or the pool shuts down: nothing starts here again.
  public internal(set) var isWanted = true

  init(id: SlotID) { self.id = id }

  func id(of worker: Worker) -> WorkerID { WorkerID(slot: id, generation: worker.generation) }

  /// The one that serves: a successor that is still starting does not.
  public var incumbent: Worker? { workers.last { $0.isReady } }

  public var isEmpty: Bool { workers.isEmpty }

  /// The incumbent's successor is on its way.
  var isBeingReplaced: Bool { workers.contains { $0.isReady } && workers.contains { $0.state == .starting } }

  var needsWorker: Bool { isWanted && backOff.until == nil && !workers.contains(where: \.isOnDuty) }

  mutating func occupy(at now: Instant) -> WorkerID {
    lastGeneration = lastGeneration.next
    workers.append(Worker(generation: lastGeneration, state: .starting, started: now))
    return WorkerID(slot: id, generation: lastGeneration)
  }
}
