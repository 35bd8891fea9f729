import Pool

/// One message with all that is said beside it.
public struct LogRecord: Sendable, Hashable {
  public struct Field: Sendable, Hashable {
    public var key: String
    public var value: String

    public init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  /// RFC 3339, UTC, with milliseconds.
  public var time: String
  public var level: LogLevel
  public var origin: LogOrigin
  public var message: String
  /// In the order of their keys.
  public var fields: [Field]

  public init(time: String, level: LogLevel, origin: LogOrigin, message: String, fields: [Field] = []) {
    self.time = time
    self.level = level
    self.origin = origin
    self.message = message
    self.fields = fields.sorted { $0.key < $1.key }
  }

  subscript(key: String) -> String? { fields.first { $0.key == key }?.value }

  /// What it takes in memory, about.
  var weight: Int { fields.reduce(message.utf8.count + 200) { $0 + $1.key.utf8.count + $1.value.utf8.count + 32 } }
}

extension LogRecord {
  /// What a line has beside its message and fields: time, level, origin and punctuation; in bytes, at most.
  static let frame = 200
  /// Of a field, beside its key and value.
  private static let fieldFrame = 32
  /// More of a key says nothing.
  static let maxKey = 50
  static let cutMark = "cut"

  /// The same so short that no rendering has more than `limit` bytes, which are at least 1,024; where something was
  /// cut, the field `cut` says so. Fields may take half.
  func bounded(by limit: Int) -> LogRecord {
    let room = max(limit, 1024) - Self.frame
    var short = self
    var isCut = false
    var left = room / 2
    short.fields = fields.compactMap { field in
      guard left > Self.maxKey + Self.fieldFrame * 2 else {
        isCut = true
        return nil
      }
      let key = field.key.prefixCosting(Self.maxKey)
      left -= key.cost + Self.fieldFrame
      let value = field.value.prefixCosting(left)
      isCut = isCut || value.utf8.count < field.value.utf8.count || key != field.key
      left -= value.cost
      return Field(key, value)
    }
    short.message = message.prefixCosting(room / 2 + left - Self.fieldFrame - short.speaker.cost)
    isCut = isCut || short.message.utf8.count < message.utf8.count
    if isCut { short.fields.append(Field(Self.cutMark, "yes")) }
    return short
  }
}

extension String {
  /// The bytes that it may take in any rendering.
  var cost: Int { unicodeScalars.reduce(0) { $0 + $1.cost } }

  /// As much of its beginning as costs no more.
  func prefixCosting(_ limit: Int) -> String {
    // Nothing costs less than a byte a byte.
    if utf8.count * Unicode.Scalar.highestCost <= limit { return self }
    var left = limit
    var short = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      left -= scalar.cost
      guard left >= 0 else { break }
      short.append(scalar)
    }
    return String(short)
  }
}

extension Unicode.Scalar {
  /// `\u{202E}`
  fileprivate static let highestCost = 8

  fileprivate var cost: Int {
    if isUnsafeInLogs || value == 0x09 { return Self.highestCost }
    return self == "\"" || self == "\\" ? 2 : UTF8.width(self)
  }
}
