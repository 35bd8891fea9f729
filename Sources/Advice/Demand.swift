import Pool

/// What a pool's workers have to do at once in the busiest hour of the last day, and how many it takes.
///
/// Requests are taken to come independently of each other, and to take now longer and now shorter, as agents' do that are
/// splayed: Erlang's C formula then says how many of them find no worker free.
struct Demand {
  /// Of this many requests one may wait for a worker.
  static let oneIn = 5.0
  /// Of the workers' time; above it there may have been more to do than could be done.
  private static let fullShare = 0.95
  /// The ledger keeps samples as fine as they came for a day; what is coarser is only known by its largest values.
  private static let day = 86400.0
  private static let hour = 3600.0

  /// Requests that workers were at, on the average of that hour.
  let load: Double
  /// Requests at once in one worker.
  let concurrency: Int
  let isFull: Bool

  /// Nil: nobody looked.
  init?(_ evidence: Evidence) {
    let points = evidence.lives.flatMap(\.points)
    guard let end = points.map(\.at).max(), let load = Self.busiest(points, end) else { return nil }
    self.load = load
    // Without settings: as far as it was seen.
    let seen = Int((points.map(\.inFlight).max() ?? 1).rounded(.up))
    concurrency = max(1, evidence.settings.concurrency ?? seen)
    isFull = load >= Self.fullShare * Double(evidence.settings.workers * concurrency)
  }

  /// The fewest that serve four in five requests at once.
  var workers: Int {
    var places = max(1, Int(load.rounded(.down)))
    while Self.waiting(places: places, load: load) > 1 / Self.oneIn { places += 1 }
    return (places + concurrency - 1) / concurrency
  }

  /// The share of requests that find no place free (A. K. Erlang's second formula).
  static func waiting(places: Int, load: Double) -> Double {
    guard load < Double(places) else { return 1 }
    // The share that would be lost if nobody could wait, from place to place.
    let lost = (1...places).reduce(1.0) { load * $0 / (Double($1) + load * $0) }
    return lost / (1 - load / Double(places) * (1 - lost))
  }

  private static func busiest(_ points: [Evidence.Point], _ end: Double) -> Double? {
    var looks: [Double: Look] = [:]
    for point in points where point.at > end - day { looks[point.at, default: Look()].add(point) }
    let hours = Dictionary(grouping: looks) { Int((end - $0.key) / hour) }.values.map { $0.map(\.value) }
    let sums = hours.map { looks in
      (busy: looks.reduce(0) { $0 + $1.busy }, times: looks.reduce(0) { $0 + $1.times })
    }
    // One that was hardly looked at says little.
    guard let most = sums.map(\.times).max() else { return nil }
    return sums.filter { $0.times * 2 >= most }.map { $0.busy / Double($0.times) }.max()
  }

  /// All workers within one step of the ledger.
  private struct Look {
    /// Requests in flight, added up over the samples of all.
    var busy = 0.0
    /// How often it was looked: as often as at the worker that was there throughout.
    var times = 0

    mutating func add(_ point: Evidence.Point) {
      busy += point.inFlight * Double(point.samples)
      times = max(times, point.samples)
    }
  }
}
