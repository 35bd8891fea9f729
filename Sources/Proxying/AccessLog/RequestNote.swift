import Glibc
import HTTPWire

/// What is gathered of one request for its line in the access log. Its texts lie right behind it in the same piece of
/// memory, since the head that they stand in is gone long before the line is written.
struct RequestNote: BitwiseCopyable {
  /// Its `time` is on the loop's clock until the line is written.
  var record = AccessRecord()
  /// Since when it asks for a worker; 0: it does not.
  var asked: Int64 = 0
  /// Since when it has one; 0: it has none.
  var taken: Int64 = 0
  /// When the agent went away; 0: it did not.
  var gone: Int64 = 0
  /// The index of its route; -1: it has found none.
  var route: Int32 = -1
  /// Its head was whole, and the texts of that are here.
  var hasHead = false
  fileprivate var textCount = 0

  /// Names and causes are cut here.
  static let maxName = 256
  static let maxMethod = RequestHead.maxMethodBytes
  private static let cutMark: StaticString = "..."
  fileprivate static let textOffset = (MemoryLayout<RequestNote>.stride + 15) & ~15

  /// Room for its texts: target, user agent, referer and route of at most `maxField` bytes, and all that is short.
  static func textCapacity(maxField: Int) -> Int { 4 * maxField + 1024 }

  fileprivate static func bytes(maxField: Int) -> Int { textOffset + textCapacity(maxField: maxField) }
}

extension UnsafeMutablePointer<RequestNote> {
  private var text: UnsafeMutablePointer<UInt8> {
    (UnsafeMutableRawPointer(self) + RequestNote.textOffset).assumingMemoryBound(to: UInt8.self)
  }

  /// All its texts, which the record's ranges point into.
  var texts: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: text, count: pointee.textCount) }

  subscript(range: ByteRange) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: texts[Int(range.start)..<Int(range.end)])
  }

  /// Keeps the text, or its first `limit` bytes and three dots. Each kind is kept once, so that there is room for all.
  func keep(_ bytes: UnsafeBufferPointer<UInt8>, upTo limit: Int) -> ByteRange {
    let start = pointee.textCount
    append(UnsafeBufferPointer(rebasing: bytes.prefix(limit)))
    if bytes.count > limit { append(RequestNote.cut) }
    return ByteRange(start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: pointee.textCount))
  }

  private func append(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    (text + pointee.textCount).update(from: source, count: bytes.count)
    pointee.textCount += bytes.count
  }

  func keep(_ text: String, upTo limit: Int = RequestNote.maxName) -> ByteRange {
    var text = text
    return text.withUTF8 { keep($0, upTo: limit) }
  }

  /// A static text of C.
  func keep(_ text: UnsafePointer<CChar>?) -> ByteRange {
    guard let text else { return ByteRange() }
    let count = strlen(text)
    return text.withMemoryRebound(to: UInt8.self, capacity: count) {
      keep(UnsafeBufferPointer(start: $0, count: count), upTo: RequestNote.maxStatic)
    }
  }

  /// A request ID of our own.
  func keepMade(_ maker: UInt64, _ count: UInt64) -> ByteRange {
    let start = pointee.textCount
    let room = UnsafeMutableBufferPointer(start: text + start, count: RequestID.madeBytes)
    var out = OutputSpan(buffer: room, initializedCount: 0)
    _ = RequestID.make(maker, count, into: &out)
    pointee.textCount += out.finalize(for: room)
    return ByteRange(start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: pointee.textCount))
  }
}

extension RequestNote {
  /// TLS versions and ciphers are far shorter.
  fileprivate static let maxStatic = 64
  fileprivate static var cut: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: cutMark.utf8Start, count: cutMark.utf8CodeUnitCount)
  }
}

/// One loop's notes: as many as requests are in hand, handed out last in, first out.
struct NotePool: ~Copyable {
  /// More idle ones than this go back to the system.
  static let maxIdle = 64

  private let bytes: Int
  private var idle: [UnsafeMutableRawPointer] = []

  init(maxField: Int) {
    bytes = RequestNote.bytes(maxField: maxField)
    idle.reserveCapacity(Self.maxIdle)
  }

  deinit { for piece in idle { piece.deallocate() } }

  mutating func take() -> UnsafeMutablePointer<RequestNote> {
    let piece = idle.popLast() ?? .allocate(byteCount: bytes, alignment: 16)
    return piece.initializeMemory(as: RequestNote.self, to: RequestNote())
  }

  mutating func giveBack(_ note: UnsafeMutablePointer<RequestNote>) {
    let piece = UnsafeMutableRawPointer(note)
    if idle.count < Self.maxIdle { idle.append(piece) } else { piece.deallocate() }
  }
}
