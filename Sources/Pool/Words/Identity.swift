/// The name of a pool: letters, digits, `-` and `_`, at most 64 bytes.
public struct PoolName: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
  public let rawValue: String

  /// Nil where the name would not do as a path component and a metric label.
  public init?(rawValue: String) {
    let fine = rawValue.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
    guard fine, (1...64).contains(rawValue.utf8.count) else { return nil }
    self.rawValue = rawValue
  }

  public var description: String { rawValue }
}

/// A stable place in a pool, 0…n-1: `masters/3`.
public struct SlotID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  public let pool: PoolName
  public let index: Int

  public init(pool: PoolName, index: Int) {
    self.pool = pool
    self.index = index
  }

  /// Reads `POOL/INDEX`.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let pool = PoolName(rawValue: String(parts[0])),
      parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let index = Int(parts[1])
    else { return nil }
    self.init(pool: pool, index: index)
  }

  public static func < (a: SlotID, b: SlotID) -> Bool {
    (a.pool.rawValue, a.index) < (b.pool.rawValue, b.index)
  }

  public var description: String { "\(pool)/\(index)" }
}

/// The nth occupant of a slot, counted from 1 and never reused while a supervisor's state lives.
public struct Generation: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  public let rawValue: Int

  public init(rawValue: Int) { self.rawValue = rawValue }

  public var next: Generation { Generation(rawValue: rawValue + 1) }
  public static func < (a: Generation, b: Generation) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}

/// One worker for ever: slot and generation, so that news of a dead one is never taken for its successor's.
public struct WorkerID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  public let slot: SlotID
  public let generation: Generation

  public init(slot: SlotID, generation: Generation) {
    self.slot = slot
    self.generation = generation
  }

  public var pool: PoolName { slot.pool }
  public static func < (a: WorkerID, b: WorkerID) -> Bool { (a.slot, a.generation) < (b.slot, b.generation) }

  /// `masters/3#17`
  public var description: String { "\(slot)#\(generation)" }
}

/// Where a worker takes connections.
public enum Endpoint: Hashable, Sendable, Codable, CustomStringConvertible {
  /// An absolute path, at most 107 bytes (`sun_path`).
  case unix(path: String)
  /// A loopback port.
  case tcp(port: UInt16)

  public var description: String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .tcp(let port): "127.0.0.1:\(port)"
    }
  }
}
