/// What an operator can ask of a supervisor, whichever door it comes through: CLI, HTTP or STOMP.
///
/// On the wire one JSON object: `{"command": "restart", "targets": ["masters/0"], "reason": "manual"}`.
public enum ControlCommand: Hashable, Sendable {
  /// Recycle these; none: every pool.
  case restart(targets: [Target], reason: RecycleReason)
  case drain(SlotID)
  case resume(SlotID)
  case scale(PoolName, size: Int)
  /// Ends a node's quarantine, in every pool.
  case release(node: String)
  /// Read the settings again and put them in force.
  case reload
  case stop

  /// A pool, or one slot of it.
  public enum Target: Hashable, Sendable, CustomStringConvertible {
    case pool(PoolName)
    case slot(SlotID)

    /// Reads `POOL` or `POOL/SLOT`.
    public init?(_ text: String) {
      if let slot = SlotID(text) {
        self = .slot(slot)
      } else if let pool = PoolName(rawValue: text) {
        self = .pool(pool)
      } else {
        return nil
      }
    }

    public var description: String {
      switch self {
      case .pool(let pool): pool.description
      case .slot(let slot): slot.description
      }
    }
  }
}

/// The one answer to a command.
public enum ControlReply: Hashable, Sendable {
  /// Accepted; `workers` are those that will be replaced or changed, as they were when it was taken.
  case accepted(message: String, workers: [WorkerID])
  case refused(message: String)
}

extension ControlCommand: Codable {
  enum Key: String, CodingKey { case command, targets, reason, slot, pool, size, node }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    func slot() throws -> SlotID {
      let text = try fields.decode(String.self, forKey: .slot)
      guard let slot = SlotID(text) else {
        throw DecodingError.dataCorruptedError(
          forKey: .slot, in: fields, debugDescription: "\(text.debugDescription) is not POOL/SLOT")
      }
      return slot
    }
    switch try fields.decode(String.self, forKey: .command) {
    case "restart":
      let targets = try (fields.decodeIfPresent([String].self, forKey: .targets) ?? []).map { text in
        guard let target = Target(text) else {
          throw DecodingError.dataCorruptedError(
            forKey: .targets, in: fields, debugDescription: "\(text.debugDescription) is not POOL or POOL/SLOT")
        }
        return target
      }
      self = .restart(
        targets: targets, reason: try fields.decodeIfPresent(RecycleReason.self, forKey: .reason) ?? .manual)
    case "drain": self = .drain(try slot())
    case "resume": self = .resume(try slot())
    case "scale":
      let text = try fields.decode(String.self, forKey: .pool)
      guard let pool = PoolName(rawValue: text) else {
        throw DecodingError.dataCorruptedError(
          forKey: .pool, in: fields, debugDescription: "\(text.debugDescription) is not a pool's name")
      }
      self = .scale(pool, size: try fields.decode(Int.self, forKey: .size))
    case "release": self = .release(node: try fields.decode(String.self, forKey: .node))
    case "reload": self = .reload
    case "stop": self = .stop
    case let other:
      throw DecodingError.dataCorruptedError(
        forKey: .command, in: fields,
        debugDescription:
          "\(other.debugDescription) is not one of restart, drain, resume, scale, release, reload, stop")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    switch self {
    case .restart(let targets, let reason):
      try fields.encode("restart", forKey: .command)
      try fields.encode(targets.map(\.description), forKey: .targets)
      try fields.encode(reason, forKey: .reason)
    case .drain(let slot):
      try fields.encode("drain", forKey: .command)
      try fields.encode(slot.description, forKey: .slot)
    case .resume(let slot):
      try fields.encode("resume", forKey: .command)
      try fields.encode(slot.description, forKey: .slot)
    case .scale(let pool, let size):
      try fields.encode("scale", forKey: .command)
      try fields.encode(pool.rawValue, forKey: .pool)
      try fields.encode(size, forKey: .size)
    case .release(let node):
      try fields.encode("release", forKey: .command)
      try fields.encode(node, forKey: .node)
    case .reload: try fields.encode("reload", forKey: .command)
    case .stop: try fields.encode("stop", forKey: .command)
    }
  }
}

extension ControlReply: Codable {
  enum Key: String, CodingKey { case accepted, message, workers }

  struct Named: Codable {
    var slot: String
    var generation: Int
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    let message = try fields.decode(String.self, forKey: .message)
    guard try fields.decode(Bool.self, forKey: .accepted) else {
      self = .refused(message: message)
      return
    }
    let workers = try fields.decodeIfPresent([Named].self, forKey: .workers) ?? []
    self = .accepted(
      message: message,
      workers: workers.compactMap { named in
        SlotID(named.slot).map { WorkerID(slot: $0, generation: Generation(rawValue: named.generation)) }
      })
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    switch self {
    case .accepted(let message, let workers):
      try fields.encode(true, forKey: .accepted)
      try fields.encode(message, forKey: .message)
      try fields.encode(
        workers.map { Named(slot: $0.slot.description, generation: $0.generation.rawValue) }, forKey: .workers)
    case .refused(let message):
      try fields.encode(false, forKey: .accepted)
      try fields.encode(message, forKey: .message)
    }
  }
}
