import FoundationEssentials
import Pool

/// The last exits that fit, at most `limit`.
struct HistoryQuery: Equatable {
  var filter: EventFilter
  var limit: Int
}

/// What a request names behind its question mark, taken piece by piece; whatever is left over is refused.
struct QueryReader {
  let place: String
  let known: [String]
  private let values: [(name: String, value: String)]

  /// - Parameter known: the names that the place takes.
  init(_ request: ControlRequest, _ known: [String]) throws(ControlRefusal) {
    place = request.path
    self.known = known
    values = request.query
    guard let stranger = values.first(where: { !known.contains($0.name) }) else { return }
    throw ControlRefusal(
      status: 400, message: "\(place) knows \(known.joined(separator: ", ")), not \(stranger.name.prefix(40))")
  }

  func number(_ name: String, _ range: ClosedRange<Int>) throws(ControlRefusal) -> Int? {
    guard let text = text(name) else { return nil }
    return try Self.number(name, text, range)
  }

  static func number(_ name: String, _ text: String, _ range: ClosedRange<Int>) throws(ControlRefusal) -> Int {
    guard let value = Int(text), range.contains(value) else {
      throw ControlRefusal(
        status: 400,
        message: "\(name)=\(text.prefix(40)) is not a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// Of `pool`, `slot`, `generation`, `kind`, `reason`, `since` and `until`, as far as the place knows them.
  func filter(now: Date = Date()) throws(ControlRefusal) -> EventFilter {
    EventFilter(
      kinds: try words("kind", Event.Kind.self), reasons: try words("reason", RecycleReason.self),
      target: try target(), generation: try number("generation", 0...Int.max), since: try moment("since", now),
      until: try moment("until", now))
  }

  /// Separated by commas.
  private func words<Word: RawRepresentable<String> & CaseIterable & Hashable>(
    _ name: String, _: Word.Type
  ) throws(ControlRefusal) -> Set<Word> {
    var words: Set<Word> = []
    for text in text(name)?.split(separator: ",").map(String.init) ?? [] { words.insert(try word(name, text)) }
    return words
  }

  func word<Word: RawRepresentable<String> & CaseIterable>(
    _ name: String, _: Word.Type
  ) throws(ControlRefusal) -> Word? {
    guard let text = text(name) else { return nil }
    return try word(name, text)
  }

  private func word<Word: RawRepresentable<String> & CaseIterable>(
    _ name: String, _ text: String
  ) throws(ControlRefusal) -> Word {
    guard let word = Word(rawValue: text) else {
      let all = Word.allCases.map(\.rawValue).joined(separator: ", ")
      throw ControlRefusal(status: 400, message: "\(name)=\(text.prefix(40)) is none of \(all)")
    }
    return word
  }

  private func target() throws(ControlRefusal) -> ControlCommand.Target? {
    if let text = text("slot") {
      guard let slot = SlotID(text) else {
        throw ControlRefusal(status: 400, message: "slot=\(text.prefix(80)) is not POOL/SLOT")
      }
      return .slot(slot)
    }
    guard let text = text("pool") else { return nil }
    guard let pool = PoolName(rawValue: text) else {
      throw ControlRefusal(status: 400, message: "pool=\(text.prefix(80)) is not a pool's name")
    }
    return .pool(pool)
  }

  private func moment(_ name: String, _ now: Date) throws(ControlRefusal) -> String? {
    guard let text = text(name) else { return nil }
    guard let moment = Moment.read(text, now: now) else {
      throw ControlRefusal(status: 400, message: "\(name)=\(text.prefix(40)) is not \(Moment.forms)")
    }
    return moment
  }

  func text(_ name: String) -> String? { values.last { $0.name == name }?.value }
}

extension EventQuery {
  init(_ request: ControlRequest) throws(ControlRefusal) {
    let query = try QueryReader(
      request, ["after", "limit", "kind", "reason", "pool", "slot", "generation", "since", "until"])
    after = try query.number("after", 0...Int.max)
    limit = try query.number("limit", 0...ControlLimit.events) ?? ControlLimit.defaultEvents
    filter = try query.filter()
    // A client that comes back knows better than the address it was first given.
    if let last = request.lastEventID { after = try QueryReader.number("Last-Event-ID", last, 0...Int.max) }
  }
}

extension HistoryQuery {
  init(_ request: ControlRequest) throws(ControlRefusal) {
    let query = try QueryReader(request, ["pool", "slot", "generation", "reason", "since", "until", "limit"])
    filter = try query.filter()
    limit = try query.number("limit", 0...ControlLimit.events) ?? ControlLimit.defaultEvents
  }
}

extension AdviceQuery {
  init(_ request: ControlRequest) throws(ControlRefusal) {
    let filter = try QueryReader(request, ["pool", "since"]).filter()
    guard case .pool(let pool) = filter.target else {
      self.init(since: filter.since)
      return
    }
    self.init(pool: pool, since: filter.since)
  }
}

extension SampleQuery {
  init(_ request: ControlRequest) throws(ControlRefusal) {
    let query = try QueryReader(request, ["pool", "slot", "generation", "since", "until", "step_seconds", "limit"])
    self.init(
      try query.filter(), step: try query.number("step_seconds", 1...86400),
      limit: try query.number("limit", 0...ControlLimit.samples) ?? ControlLimit.defaultSamples)
  }
}
