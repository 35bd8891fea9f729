import Glibc

/// A window onto a pooled piece of memory: bytes `start..<end` are there, up to `capacity` more may come.
///
/// A plain value, so that it can lie in a connection's record; whoever holds it gives it back to its pool once.
struct Chunk: BitwiseCopyable {
  private(set) var base: UnsafeMutablePointer<UInt8>?
  var start = 0
  var end = 0

  init() {}
  fileprivate init(base: UnsafeMutablePointer<UInt8>) { self.base = base }

  var isAbsent: Bool { base == nil }
  var count: Int { end - start }
  var isEmpty: Bool { start == end }

  var bytes: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base.map { UnsafePointer($0 + start) }, count: end - start)
  }

  /// Where the next bytes go.
  func room(upTo capacity: Int) -> UnsafeMutableBufferPointer<UInt8> {
    UnsafeMutableBufferPointer(start: base.map { $0 + end }, count: capacity - end)
  }

  mutating func rewind(to offset: Int = 0) {
    start = offset
    end = offset
  }

  /// Moves what is there to the front.
  mutating func compact() {
    guard start > 0, let base else { return }
    memmove(base, base + start, count)
    end = count
    start = 0
  }

  /// The caller made sure that it fits.
  mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let base, let source = bytes.baseAddress else { return }
    memcpy(base + end, source, bytes.count)
    end += bytes.count
  }
}

/// One loop's chunks: handed out last in, first out, so that the ones in use stay in the processor's cache.
struct ChunkPool: ~Copyable {
  /// More idle chunks than this go back to the system.
  static let maxIdle = 64

  let capacity: Int
  private var idle: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>
  private(set) var idleCount = 0
  /// The fewest that were idle since the last `trim`: these were not needed.
  private var spare = 0
  /// Whether any was taken since the last `trim`.
  private(set) var wasUsed = false

  init(capacity: Int) {
    self.capacity = capacity
    idle = .allocate(capacity: Self.maxIdle)
  }

  deinit {
    for index in 0..<idleCount { idle[index].deallocate() }
    idle.deallocate()
  }

  mutating func take() -> Chunk {
    wasUsed = true
    guard idleCount > 0 else { return Chunk(base: .allocate(capacity: capacity)) }
    idleCount -= 1
    spare = min(spare, idleCount)
    return Chunk(base: idle[idleCount])
  }

  /// Leaves the chunk absent.
  mutating func giveBack(_ chunk: inout Chunk) {
    guard let base = chunk.base else { return }
    if idleCount < Self.maxIdle {
      idle[idleCount] = base
      idleCount += 1
    } else {
      base.deallocate()
    }
    chunk = Chunk()
  }

  /// Gives back to the system what nobody needed since the last time.
  mutating func trim() {
    while spare > 0 {
      idleCount -= 1
      spare -= 1
      idle[idleCount].deallocate()
    }
    spare = idleCount
    wasUsed = false
  }
}

/// A request body that is read before a worker is claimed and does not fit beside its head.
struct StoredBody: BitwiseCopyable {
  private(set) var base: UnsafeMutablePointer<UInt8>?
  private(set) var count = 0
  private(set) var capacity = 0

  var bytes: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base.map { UnsafePointer($0) }, count: count)
  }

  private static let firstPiece = 64 << 10

  /// An announcement alone gets a first piece; once that has come, all of `limit`, since each step is a copy. Where it
  /// is not known how much there will be, twice as much.
  mutating func reserve(_ more: Int, limit: Int) {
    guard capacity - count < more, capacity < limit else { return }
    let next = capacity == 0 ? Self.firstPiece : limit == .max ? capacity * 2 : limit
    let wanted = min(limit, max(next, count + more))
    let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
    if let base {
      memcpy(grown, base, count)
      base.deallocate()
    }
    base = grown
    capacity = wanted
  }

  var room: UnsafeMutableBufferPointer<UInt8> {
    UnsafeMutableBufferPointer(start: base.map { $0 + count }, count: capacity - count)
  }

  mutating func wrote(_ bytes: Int) { count += bytes }

  mutating func append(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int) {
    reserve(bytes.count, limit: limit)
    guard let base, let source = bytes.baseAddress, bytes.count <= capacity - count else { return }
    memcpy(base + count, source, bytes.count)
    count += bytes.count
  }

  mutating func free() {
    base?.deallocate()
    self = StoredBody()
  }
}
