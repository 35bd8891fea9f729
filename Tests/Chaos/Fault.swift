import Glibc
import Pool
import Seeded
import TestSupport

/// One kind of mischief.
protocol Fault: Sendable {
  /// As in `--faults` and in the trail.
  var name: String { get }
  /// How often it is chosen beside the others.
  var weight: Int { get }
  /// Why it cannot be done on this machine; nil: it can.
  func obstacle(for patient: Patient) -> String?
  /// What was done; nil: there is nothing to do it to at this moment.
  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String?
}

extension Fault {
  var weight: Int { 2 }
  func obstacle(for patient: Patient) -> String? { nil }
}

enum Faults {
  static let all: [any Fault] = [
    KillWorker(), KillProxy(), KillSupervisor(), StopWorker(), StopProxy(), MemoryHog(), Hang(), CrashInRequest(),
    CrashOnStart(), SlowStart(), Sickness(), FullDisk(), WipeObstacle(), Deploy(), Reload(), BrokenReload(), Scale(),
    OperatorRestart(), DrainAndResume(), LogRotation(), ClockStep(), Upgrade(), KillParent(), StopParent(),
    BadParent(),
  ]

  /// Those named, separated by commas; nil with the name that is none.
  static func named(_ list: String) throws(UnknownFault) -> [any Fault] {
    var found: [any Fault] = []
    for name in list.split(separator: ",") {
      guard let fault = all.first(where: { $0.name == name }) else { throw UnknownFault(name: String(name)) }
      found.append(fault)
    }
    return found
  }

  struct UnknownFault: Error { var name: String }
}

/// Faults in an order that the seed gives: first every kind once, then in each round as often as its weight, shuffled.
struct FaultStream {
  private let faults: [any Fault]
  private var round: [any Fault] = []
  var chance: SeededGenerator

  init(_ faults: [any Fault], seed: UInt64) {
    self.faults = faults
    chance = SeededGenerator(seed: seed)
    round = faults.shuffled(using: &chance)
  }

  mutating func next() -> any Fault {
    if round.isEmpty {
      round = faults.flatMap { Array(repeating: $0, count: $0.weight) }.shuffled(using: &chance)
    }
    return round.removeLast()
  }

  mutating func pause(_ range: ClosedRange<Int>) -> Duration {
    .milliseconds(Int.random(in: range, using: &chance))
  }
}

/// What faults pick from.
extension Patient {
  struct Victim: Sendable {
    var pool: String
    var slot: Int
    var generation: Int
    var pid: pid_t

    var name: String { "\(pool)/\(slot)#\(generation)" }
  }

  static let pools = ["masters", "files"]

  func victim(
    in pools: [String] = Patient.pools, states: Set<String> = ["ready"], using chance: inout SeededGenerator
  ) async throws -> Victim? {
    let wanted = pools
    let victims = try await status().pools.filter { wanted.contains($0.name.rawValue) }.flatMap { pool in
      pool.workers.filter { states.contains($0.state) }.compactMap { worker in
        worker.pid.map {
          Victim(pool: pool.name.rawValue, slot: worker.slot, generation: worker.generation, pid: $0)
        }
      }
    }
    return victims.randomElement(using: &chance)
  }

  /// Sends a fault's own request on a thread of its own, as one of the nodes or as nobody; it goes into the book as all others do.
  func ask(
    _ kind: Entry.Kind, _ purpose: Entry.Purpose, bytes: Int = 100, orders: String, as node: String? = nil
  ) throws {
    let door = try node.map { Door(address: encrypted, tls: try certificates.client($0)) } ?? Door(address: clear)
    let book = book
    Task {
      try? await onThread {
        let entry = book.begin(kind, purpose)
        let errand = Errand(entry, bytes: bytes, orders: orders, headers: [("Connection", "close")])
        do throws(WireFailure) {
          let wire = try Wire(to: door.address, tls: door.tls, before: .after(Door.patience))
          var reader = ResponseReader()
          do throws(ExchangeFailure) {
            book.end(entry, errand.outcome(of: try errand.exchange(on: wire, &reader)))
          } catch { book.end(entry, Errand.outcome(of: error, onKept: false)) }
        } catch { book.end(entry, Errand.outcome(of: error)) }
      }
    }
  }
}
