/// What nodes did at a proxy since it last said so.
public struct NodeNews: Hashable, Sendable, Codable {
  public var notes: [NodeNote]
  /// Requests that there was no room to remember.
  public var lost: Int

  public init(notes: [NodeNote], lost: Int = 0) {
    self.notes = notes
    self.lost = lost
  }

  /// A page's notes take some 30 KiB as a line on the link.
  public static let notesOnPage = 256

  /// The same in parts that are small enough for the link.
  public var pages: [NodeNews] {
    guard notes.count > Self.notesOnPage else { return notes.isEmpty && lost == 0 ? [] : [self] }
    return stride(from: 0, to: notes.count, by: Self.notesOnPage).map { start in
      NodeNews(
        notes: Array(notes[start..<min(start + Self.notesOnPage, notes.count)]), lost: start == 0 ? lost : 0)
    }
  }
}

/// One node, by its verified name.
public struct NodeNote: Hashable, Sendable {
  public var node: String
  public var deeds: NodeDeeds

  public init(node: String, deeds: NodeDeeds) {
    self.node = node
    self.deeds = deeds
  }
}

/// `[node, seen, requests, bytes, refused, asked, began, reported, status, asked again, catalog, version]`, times in
/// nanoseconds, null for none; a later version may say more at the end.
extension NodeNote: Codable {
  public init(from decoder: any Decoder) throws {
    var values = try decoder.unkeyedContainer()
    node = try values.decode(String.self)
    deeds = NodeDeeds(seen: Instant(nanoseconds: try values.decode(Int64.self)))
    deeds.requests = try values.decode(Int.self)
    deeds.bytes = try values.decode(Int.self)
    deeds.refused = try values.decode(Int.self)
    func instant() throws -> Instant? { try values.decodeIfPresent(Int64.self).map(Instant.init(nanoseconds:)) }
    deeds.asked = try instant()
    deeds.began = try values.decode(Bool.self)
    deeds.reported = try instant()
    deeds.status = try values.decodeIfPresent(String.self).flatMap(RunStatus.init(rawValue:))
    deeds.askedAgain = try instant()
    deeds.catalog = try values.decodeIfPresent(Int64.self).map { .nanoseconds($0) }
    deeds.version = try values.decodeIfPresent(String.self).flatMap { AgentVersion($0) }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.unkeyedContainer()
    func put(_ value: (some Encodable)?) throws {
      if let value { try values.encode(value) } else { try values.encodeNil() }
    }
    try values.encode(node)
    try values.encode(deeds.seen.nanoseconds)
    try values.encode(deeds.requests)
    try values.encode(deeds.bytes)
    try values.encode(deeds.refused)
    try put(deeds.asked?.nanoseconds)
    try values.encode(deeds.began)
    try put(deeds.reported?.nanoseconds)
    try put(deeds.status?.rawValue)
    try put(deeds.askedAgain?.nanoseconds)
    try put(deeds.catalog?.wholeNanoseconds)
    try put(deeds.version?.description)
  }
}
