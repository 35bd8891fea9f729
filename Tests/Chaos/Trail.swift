import Pool
import TestSupport

/// What was done to the patient, in order, and what of it must be known to judge a client's loss.
final class Trail: Sendable {
  struct Step: Sendable {
    let number: Int
    let fault: String
    var began: Duration
    var ended: Duration
    var what: String
  }

  /// A span of time within which something was killed or stopped.
  struct Blow: Sendable {
    enum Target: Sendable, Hashable {
      case proxy
      case supervisor
      /// The state directory was full.
      case disk
      /// By `pool/slot#generation`.
      case worker(String)
      /// Stopped, or told to hang, and so stuck with what it has.
      case stuck(pool: String)
      /// Anything that may cost a pool workers.
      case pool(String)
    }

    let target: Target
    let began: Duration
    var ended: Duration
  }

  private struct State {
    var steps: [Step] = []
    var blows: [Blow] = []
  }

  private let state = Monitor(State())

  var steps: [Step] { state.read { $0.steps } }
  var blows: [Blow] { state.read { $0.blows } }

  /// Runs a fault, noted with what it says that it did; nil where it found nothing to do it to.
  @discardableResult
  func note(_ fault: String, _ body: () async throws -> String?) async rethrows -> Bool {
    let began = Stopwatch.now
    guard let what = try await body() else { return false }
    state.update { state in
      let number = state.steps.count + 1
      state.steps.append(Step(number: number, fault: fault, began: began, ended: Stopwatch.now, what: what))
    }
    return true
  }

  /// The blow falls while `body` runs.
  func strike<Value>(_ target: Blow.Target, _ body: () throws -> Value) rethrows -> Value {
    let began = Stopwatch.now
    let index = state.update { state in
      state.blows.append(Blow(target: target, began: began, ended: began))
      return state.blows.count - 1
    }
    defer { state.update { $0.blows[index].ended = Stopwatch.now } }
    return try body()
  }

  func mark(_ target: Blow.Target) { strike(target) {} }
}

extension Trail.Step {
  var took: Duration { ended - began }

  var inWords: String { "\(number). \(began.inWords) \(fault): \(what)" }
}
