/// What is known of a pool's runs and places, on its way from one proxy to the others and to those that come after it.
/// Times are of the machine's monotonic clock, so that all its processes mean the same by them.
public struct RunNews: Hashable, Sendable, Codable {
  public var pool: PoolName
  /// In the order in which they apply.
  public var notes: [RunNote]
  /// The furthest place that was handed out, while somebody holds one.
  public var lastPlace: Instant?
  /// A worker's time that a request takes, and a whole run; nil: it was not measured yet.
  public var requestWork: Duration?
  public var runWork: Duration?

  public init(
    pool: PoolName, notes: [RunNote] = [], lastPlace: Instant? = nil, requestWork: Duration? = nil,
    runWork: Duration? = nil
  ) {
    self.pool = pool
    self.notes = notes
    self.lastPlace = lastPlace
    self.requestWork = requestWork
    self.runWork = runWork
  }

  /// A page's notes take some 25 KiB as a line on the link.
  public static let notesOnPage = 512

  /// The same in parts that are small enough for the link.
  public var pages: [RunNews] {
    stride(from: 0, to: notes.count, by: Self.notesOnPage).map { start in
      var page = self
      page.notes = Array(notes[start..<min(start + Self.notesOnPage, notes.count)])
      return page
    }
  }
}

/// One node's standing, and when it was heard of.
public struct RunNote: Hashable, Sendable {
  public enum Standing: Hashable, Sendable {
    /// Its run is under way, and took so much of a worker's time.
    case underWay(work: Duration)
    /// It was told to come back then.
    case promised(Instant)
    /// Its run has ended, or it came and took its place.
    case over
  }

  public var node: UInt64
  public var heard: Instant
  public var standing: Standing

  public init(node: UInt64, heard: Instant, standing: Standing) {
    self.node = node
    self.heard = heard
    self.standing = standing
  }
}

/// `[node, heard, kind, value]`, since there may be a hundred thousand of them.
extension RunNote: Codable {
  private enum Kind: Int, Codable { case over, underWay, promised }

  public init(from decoder: any Decoder) throws {
    var values = try decoder.unkeyedContainer()
    node = try values.decode(UInt64.self)
    heard = Instant(nanoseconds: try values.decode(Int64.self))
    let kind = try values.decode(Kind.self)
    let value = try values.decode(Int64.self)
    standing =
      switch kind {
      case .over: .over
      case .underWay: .underWay(work: .nanoseconds(value))
      case .promised: .promised(Instant(nanoseconds: value))
      }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.unkeyedContainer()
    try values.encode(node)
    try values.encode(heard.nanoseconds)
    let (kind, value): (Kind, Int64) =
      switch standing {
      case .over: (.over, 0)
      case .underWay(let work): (.underWay, work.wholeNanoseconds)
      case .promised(let place): (.promised, place.nanoseconds)
      }
    try values.encode(kind)
    try values.encode(value)
  }
}
