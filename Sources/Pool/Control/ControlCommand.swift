/// What an operator can ask of a supervisor, whichever door it comes through: CLI, HTTP or STOMP.
///
/// On the wire one JSON object: `{"command": "restart", "targets": ["masters/0"], "reason": "manual"}`.
public enum ControlCommand: Hashable, Sendable {
  /// Recycle these; none: every pool.
  case restart(targets: [Target], reason: RecycleReason)
  /// Other code: a new parent, where one is had, then every worker of these pools; none: of every pool.
  case deploy([PoolName], environment: String?)
  case drain(SlotID)
  case resume(SlotID)
  case scale(PoolName, size: Int)
  /// Ends a node's quarantine, in every pool.
  case release(node: String)
  /// Sends a test to this receiver of notifications; nil: to each.
  case testNotifications(receiver: String?)
  /// Read the settings again and put them in force.
  case reload
  /// Settings by their keys, each a value in YAML, above what the files say until the next reload; an empty one takes
  /// back what was set. Persistent: they are written to a drop-in file of their own instead.
  case set([String: String], isPersistent: Bool)
  /// Go on as the program that is now where this one was started from: a new supervisor takes over, and new proxies.
  case upgrade
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

    public var isSlot: Bool {
      switch self {
      case .pool: false
      case .slot: true
      }
    }

    public var pool: PoolName {
      switch self {
      case .pool(let pool): pool
      case .slot(let slot): slot.pool
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

extension ControlCommand {
  /// As Puppet takes them: letters, digits and `_`.
  public static func isEnvironmentName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
          || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
      }
  }
}

extension ControlCommand: Codable {
  enum Key: String, CodingKey {
    case command, targets, reason, slot, pool, size, node, pools, environment, values, persist, receiver
  }

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
    case "deploy":
      let environment = try fields.decodeIfPresent(String.self, forKey: .environment)
      if let environment, !Self.isEnvironmentName(environment) {
        throw DecodingError.dataCorruptedError(
          forKey: .environment, in: fields,
          debugDescription: "\(environment.debugDescription) is not an environment's name")
      }
      self = .deploy(
        try fields.decodeIfPresent([PoolName].self, forKey: .pools) ?? [], environment: environment)
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
    case "notify_test":
      self = .testNotifications(receiver: try fields.decodeIfPresent(String.self, forKey: .receiver))
    case "reload": self = .reload
    case "set":
      let values = try fields.decode([String: String].self, forKey: .values)
      guard !values.isEmpty else {
        throw DecodingError.dataCorruptedError(
          forKey: .values, in: fields, debugDescription: "it is empty; name a key with its value")
      }
      self = .set(values, isPersistent: try fields.decodeIfPresent(Bool.self, forKey: .persist) ?? false)
    case "upgrade": self = .upgrade
    case "stop": self = .stop
    case let other:
      throw DecodingError.dataCorruptedError(
        forKey: .command, in: fields,
        debugDescription:
          "\(other.debugDescription) is not one of restart, deploy, drain, resume, scale, set, release, notify_test, reload, upgrade, stop"
      )
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    switch self {
    case .restart(let targets, let reason):
      try fields.encode("restart", forKey: .command)
      try fields.encode(targets.map(\.description), forKey: .targets)
      try fields.encode(reason, forKey: .reason)
    case .deploy(let pools, let environment):
      try fields.encode("deploy", forKey: .command)
      try fields.encode(pools, forKey: .pools)
      try fields.encodeIfPresent(environment, forKey: .environment)
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
    case .testNotifications(let receiver):
      try fields.encode("notify_test", forKey: .command)
      try fields.encodeIfPresent(receiver, forKey: .receiver)
    case .reload: try fields.encode("reload", forKey: .command)
    case .set(let values, let isPersistent):
      try fields.encode("set", forKey: .command)
      try fields.encode(values, forKey: .values)
      try fields.encode(isPersistent, forKey: .persist)
    case .upgrade: try fields.encode("upgrade", forKey: .command)
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
