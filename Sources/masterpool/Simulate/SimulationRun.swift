import Foundation
import Glibc
import Pool
import Simulator
import Synchronization

/// A scenario's boxes, as many at once as there are cores. They know nothing of each other and are added up in their
/// order, so that it makes no difference which is done first.
struct SimulationRun {
  private let scenario: Scenario

  init(_ scenario: Scenario) { self.scenario = scenario }

  func outcome() async -> Outcome {
    let counts = scenario.agentsOfBoxes()
    let progress = SimulationProgress(parts: counts.count * Self.slices)
    let width = max(1, ProcessInfo.processInfo.activeProcessorCount)
    let whole = await withTaskGroup(of: (Int, Outcome).self) { group in
      var sum = BoxSum()
      var next = 0
      while sum.count < counts.count {
        // Those that are done wait for the one before them, so that none may be far ahead of it.
        while next < min(sum.count + width * Self.lead, counts.count), next - sum.total < width {
          add(next, counts[next], progress, to: &group)
          next += 1
        }
        guard let (box, outcome) = await group.next() else { break }
        sum.take(box, outcome)
      }
      return sum.outcome
    }
    progress.end()
    return whole ?? Outcome(scenario)
  }

  /// So many times as many boxes as are lived at once may wait to be added up.
  private static let lead = 8

  /// Of a box's time, after each of which one may look how far it is.
  private static let slices = 100

  private func add(
    _ box: Int, _ agents: Int, _ progress: SimulationProgress, to group: inout TaskGroup<(Int, Outcome)>
  ) {
    let scenario = scenario
    group.addTask {
      var rehearsal = Rehearsal(scenario, box: box, agents: agents)
      for slice in 1...Self.slices {
        rehearsal.run(until: scenario.length * slice / Self.slices)
        progress.advance()
      }
      return (box, rehearsal.finished())
    }
  }
}

/// Boxes added up in their order, as soon as those before them are there.
private struct BoxSum {
  private(set) var outcome: Outcome?
  /// Added up, and those together with the ones that wait.
  private(set) var count = 0
  private(set) var total = 0
  private var waiting: [Int: Outcome] = [:]

  mutating func take(_ box: Int, _ part: Outcome) {
    waiting[box] = part
    total += 1
    while let next = waiting.removeValue(forKey: count) {
      if outcome == nil { outcome = next } else { outcome?.merge(next) }
      count += 1
    }
  }
}

/// How far it is, on a terminal, once it takes longer than one likes to wait.
final class SimulationProgress: Sendable {
  private struct State {
    var done = 0
    var told = ContinuousClock.now
    var hasTold = false
  }

  private static let patience = Duration.milliseconds(700)
  private let parts: Int
  private let isShown = isatty(STDERR_FILENO) == 1
  private let state = Mutex(State())

  init(parts: Int) { self.parts = max(1, parts) }

  func advance() {
    guard isShown else { return }
    state.withLock { state in
      state.done += 1
      guard ContinuousClock.now - state.told > Self.patience else { return }
      state.told = .now
      state.hasTold = true
      tell("\rsimulating: \(state.done * 100 / parts)% ")
    }
  }

  func end() {
    guard isShown else { return }
    state.withLock { state in if state.hasTold { tell("\r\u{1B}[K") } }
  }

  private func tell(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
