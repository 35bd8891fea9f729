import Foundation
import Glibc
import Seeded
import TestSupport

/// One run from start to verdict.
struct Run {
  let seed: UInt64
  let seconds: Int
  let clients: Int
  let faults: [any Fault]
  let isVerbose: Bool
  let isPreloading: Bool
  let directory: String
  private let trail = Trail()
  private let book = Book()
  /// Between two faults.
  private static let calm = 200...1500
  /// After the last fault: everything must be whole again by then.
  private static let recovery = Duration.seconds(40)

  init(
    seed: UInt64, seconds: Int, clients: Int, faults: [any Fault], isVerbose: Bool, isPreloading: Bool,
    directory: String
  ) {
    self.seed = seed
    self.seconds = seconds
    self.clients = clients
    self.faults = faults
    self.isVerbose = isVerbose
    self.isPreloading = isPreloading
    self.directory = directory
  }

  /// Whether all was well.
  func happen() async throws -> Bool {
    print("seed \(seed), \(seconds) s, \(clients) clients, in \(directory)")
    let patient = try await Patient(directory: directory, trail: trail, book: book, isPreloading: isPreloading)
    let possible = faults.filter { fault in
      guard let obstacle = fault.obstacle(for: patient) else { return true }
      print("left out: \(fault.name): \(obstacle)")
      return false
    }
    do {
      try await patient.start()
      try await patient.recover(within: Self.recovery)
      let watch = Watch(patient)
      watch.begin()
      let crowd = try Crowding(patient, count: clients, seed: seed)
      await strike(patient, possible)
      await wholeAgain(patient)
      try await crowd.end()
      try await watch.end()
      try await Ending(patient).happen()
      let ledger = patient.keepsLedger ? await LedgerOnDisk(patient) : nil
      return Report(patient, watch, ledger, seconds: seconds, seed: seed).tell()
    } catch {
      // Its own processes only: they carry this run's mark.
      for pid in Processes.marked(patient.mark) { kill(pid, SIGKILL) }
      trail.steps.suffix(20).forEach { print($0.inWords) }
      patient.accusations.forEach { print($0) }
      throw error
    }
  }

  private func strike(_ patient: Patient, _ faults: [any Fault]) async {
    var stream = FaultStream(faults, seed: seed)
    let end = Stopwatch.now + .seconds(seconds)
    while Stopwatch.now < end, !faults.isEmpty {
      let fault = stream.next()
      do {
        let fell = try await trail.note(fault.name) { try await fault.strike(patient, using: &stream.chance) }
        if isVerbose, fell, let step = trail.steps.last { print(step.inWords) }
      } catch {
        patient.accuse("\(fault.name) could not be carried out: \(error)")
      }
      try? await Task.sleep(for: stream.pause(Self.calm))
    }
  }

  private func wholeAgain(_ patient: Patient) async {
    do {
      try await patient.cured(within: Self.recovery)
      try await patient.recover(within: Self.recovery)
    } catch {
      patient.accuse("\(error)")
    }
  }
}

/// The clients, each on a thread of its own.
struct Crowding {
  private let isOver = Monitor(false)
  private let living: Monitor<Int>

  init(_ patient: Patient, count: Int, seed: UInt64) throws {
    living = Monitor(count)
    let names = SettingsInForce.nodes
    for index in 0..<count {
      // Old agents fail at any 503, new ones come back; others are no agents.
      let version = [nil, "7.20.0", "7.30.0", "8.10.0"][index / 2 % 4]
      let door =
        index % 2 == 0
        ? Door(address: patient.clear, version: version)
        : Door(
          address: patient.encrypted, tls: try patient.certificates.client(names[index / 2 % names.count]),
          version: version)
      let manner = Agent.Manner.allCases[index / 4 % 2]
      let (isOver, living, book) = (isOver, living, patient.book)
      Thread.detachNewThread {
        var agent = Agent(door, manner, seed: seed &+ UInt64(index), book: book) { isOver.read { $0 } }
        agent.live()
        living.update { $0 -= 1 }
      }
    }
  }

  /// Lets them finish what they are at.
  func end() async throws {
    isOver.update { $0 = true }
    _ = try await living.first("the clients' end", before: .after(Door.patience * 2)) { $0 == 0 ? true : nil }
  }
}
