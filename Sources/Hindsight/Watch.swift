import Advice
import Pool

/// How long a pool was watched, and how much it did in that time.
struct Watch: Hashable {
  /// Seconds since 1970, of the first and the last sample.
  private(set) var first = 0.0
  private(set) var last = 0.0
  private(set) var requests = 0
  /// Workers' lives, added up.
  private(set) var workerSeconds = 0.0

  var seconds: Double { max(0, last - first) }

  private struct Occupant: Hashable {
    var slot: Int
    var generation: Int
  }

  init(_ past: Past) {
    let points = past.lives.flatMap(\.points)
    guard let first = points.map(\.at).min(), let last = points.map(\.at).max() else { return }
    self.first = first
    self.last = last
    let exits = Dictionary(past.exits.map { (Occupant(slot: $0.slot, generation: $0.generation), $0) }) { $1 }
    for life in past.lives { add(life, exits[Occupant(slot: life.slot, generation: life.generation)]) }
  }

  /// With what it did after its last sample, where its end says so, and not what it did before anybody watched.
  private mutating func add(_ life: Evidence.Life, _ exit: Past.Exit?) {
    guard let begin = life.points.first, let end = life.points.last else { return }
    let born = exit.map { $0.at - $0.ageSeconds }
    let step = life.points.count > 1 ? life.points[1].at - begin.at : 0
    let wasYoung = born.map { $0 >= first - 1 } ?? (begin.at - first > 2 * step)
    let served = max(end.requests, exit?.requests ?? 0) - (wasYoung ? 0 : begin.requests)
    requests += max(0, served)
    workerSeconds += max(end.at, exit?.at ?? end.at) - max(first, born ?? begin.at)
  }

  var perSecond: Double { seconds > 0 ? Double(requests) / seconds : 0 }
}
