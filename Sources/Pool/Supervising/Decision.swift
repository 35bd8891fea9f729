/// What the governor made of one worker's recycle, for those who ask why it goes, or why it does not.
public struct Decision: Hashable, Sendable {
  public enum Verdict: Hashable, Sendable {
    /// Its successor starts beside it.
    case successorFirst
    /// It drains, and its successor starts when it is gone.
    case oldFirst
    case waits(Hindrance)
  }

  public var worker: WorkerID
  public var reason: RecycleReason
  public var measurement: Measurement?
  public var verdict: Verdict
}

/// Why a recycle that was asked for has not begun.
public enum Hindrance: Hashable, Sendable, Codable {
  /// Others are being replaced, as many as may be at once.
  case turn(surge: Int)
  case minReady(Int, ready: Int, size: Int)
  case minAge(Duration, until: Instant)
  /// As the settings say it: `never sat 02:00-04:00`.
  case window(String, until: Instant?)
  case load(Int, below: Int, until: Instant)
  /// Its successor would not fit beside it.
  case budget(expected: ByteCount, left: ByteCount)
  /// Its last successors failed.
  case backOff(until: Instant)
  /// Taken out by the operator, who alone replaces it.
  case held

  public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
    case turn, minReady, minAge, window, load, budget, backOff, held
  }

  public var kind: Kind {
    switch self {
    case .turn: .turn
    case .minReady: .minReady
    case .minAge: .minAge
    case .window: .window
    case .load: .load
    case .budget: .budget
    case .backOff: .backOff
    case .held: .held
    }
  }

  /// When it is over by itself.
  var until: Instant? {
    switch self {
    case .minAge(_, let until), .load(_, _, let until): until
    case .window(_, let until): until
    // The slot's own deadline.
    case .backOff: nil
    case .turn, .minReady, .budget, .held: nil
    }
  }

  /// To wait for one's turn is how things go.
  var isNews: Bool {
    switch self {
    case .turn: false
    case .minReady, .minAge, .window, .load, .budget, .backOff, .held: true
    }
  }
}

extension Hindrance: CustomStringConvertible {
  public var description: String {
    switch self {
    case .turn(let surge): "its turn: \(surge == 1 ? "one worker is" : "\(surge) workers are") replaced at a time"
    case .minReady(let least, let ready, let size): "min_ready \(least): \(ready) of \(size) ready"
    case .minAge(let age, _): "min_age \(age.short)"
    case .window(let window, _): "its window: \(window)"
    case .load(let load, let limit, _): "a quiet moment: load \(load)%, load_below \(limit)%"
    case .budget(let expected, let left): "memory_budget: a successor takes \(expected), \(left) are left"
    case .backOff: "the slot's back-off: its last successor failed"
    case .held: "the operator, who took it out"
    }
  }
}
