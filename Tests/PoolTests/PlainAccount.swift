import Pool

/// The line as a plain list, searched from end to end.
struct PlainLine {
  static let lift = Duration.seconds(4)

  /// `rank` -1: it had its turn already.
  private var waiting: [(asker: Asker, spot: UInt32, rank: Int, since: Instant)] = []

  var count: Int { waiting.count }
  func count(ranked rank: Int) -> Int { waiting.count { $0.rank == rank } }

  mutating func append(_ asker: Asker, _ spot: UInt32, _ rank: Int, _ now: Instant) {
    waiting.append((asker, spot, rank, now))
  }

  /// Who came `lift` earlier goes before the next better rank.
  mutating func takeFirst() -> Asker? {
    func time(_ index: Int) -> Instant {
      waiting[index].rank < 0
        ? Instant(nanoseconds: .min) : waiting[index].since + Self.lift * waiting[index].rank
    }
    let first = waiting.indices.min { (time($0), waiting[$0].rank) < (time($1), waiting[$1].rank) }
    return first.map { waiting.remove(at: $0).asker }
  }

  mutating func removeAny(using random: inout Chance) -> (Asker, UInt32)? {
    guard !waiting.isEmpty else { return nil }
    let leaver = waiting.remove(at: Int.random(in: 0..<waiting.count, using: &random))
    return (leaver.asker, leaver.spot)
  }
}

/// Who is in the middle of a run, and who was promised a place, as plain dictionaries.
struct PlainRuns {
  static let quiet = Duration.seconds(20)

  private var heard: [UInt64: Instant] = [:]
  /// Nil: a place beyond what could be said.
  var promised: [UInt64: Instant?] = [:]

  func isUnderWay(_ asker: Asker, at now: Instant) -> Bool {
    switch asker.priority {
    case .report: true
    case .file, .catalog: heard[asker.node].map { $0 + Self.quiet >= now } ?? false
    case .normal: false
    }
  }

  /// `distantFuture` where it is not known how far.
  func place(of node: UInt64, at now: Instant) -> Instant? {
    guard let place = promised[node] else { return nil }
    return place ?? Instant(nanoseconds: .max)
  }

  func rank(of asker: Asker, at now: Instant) -> Int {
    switch (asker.priority, isUnderWay(asker, at: now)) {
    case (.report, _): 0
    case (.file, true): 1
    case (.catalog, true): 2
    case (.file, false), (.catalog, false), (.normal, _): 3
    }
  }

  mutating func promise(_ node: UInt64, _ place: Instant?) {
    guard node != 0 else { return }
    heard[node] = nil
    promised[node] = .some(place)
  }

  mutating func claimed(_ asker: Asker, at now: Instant) {
    promised[asker.node] = nil
    if asker.node != 0, asker.priority != .normal { heard[asker.node] = now }
  }

  mutating func released(_ asker: Asker, _ outcome: ClaimOutcome, at now: Instant) {
    guard asker.node != 0, asker.priority != .normal else { return }
    switch outcome {
    case .answered, .abandoned:
      promised[asker.node] = nil
      heard[asker.node] = asker.priority == .report && outcome == .answered ? nil : now
    case .unused, .unreachable, .stale, .cut, .overdue: break
    }
  }
}
