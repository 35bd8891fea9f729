import Glibc
import Synchronization

/// The whole lines that one loop hands to the log's writer: a ring of bytes with one who fills and one who takes.
/// Neither waits for the other.
final class LogRing: @unchecked Sendable {
  let capacity: Int
  // What lies between the two marks is the taker's, the rest the filler's.
  private let base: UnsafeMutablePointer<UInt8>
  private let filled = Atomic<Int>(0)
  private let taken = Atomic<Int>(0)
  let lines = Atomic<Int>(0)
  let dropped = Atomic<Int>(0)

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  // MARK: The loop's side

  /// Copies a line to `mark`, behind all that came before; what is not published yet is seen by nobody.
  func put(_ line: UnsafeBufferPointer<UInt8>, at mark: Int) -> Bool {
    guard let source = line.baseAddress, mark - taken.load(ordering: .acquiring) + line.count <= capacity else {
      return false
    }
    let offset = mark % capacity
    let first = min(line.count, capacity - offset)
    memcpy(base + offset, source, first)
    memcpy(base, source + first, line.count - first)
    return true
  }

  /// In one order with the writer's look at it before it goes to sleep.
  func publish(upTo mark: Int) { filled.store(mark, ordering: .sequentiallyConsistent) }

  var isHalfFull: Bool {
    filled.load(ordering: .relaxed) - taken.load(ordering: .relaxed) > capacity / 2
  }

  // MARK: The writer's side

  var isEmpty: Bool { filled.load(ordering: .sequentiallyConsistent) == taken.load(ordering: .relaxed) }

  /// Moves as many whole lines as the room holds; how many bytes they are.
  func take(into room: UnsafeMutableBufferPointer<UInt8>) -> Int {
    let start = taken.load(ordering: .relaxed)
    let there = filled.load(ordering: .acquiring) - start
    var count = min(there, room.count)
    guard count > 0, let target = room.baseAddress else { return 0 }
    let offset = start % capacity
    let first = min(count, capacity - offset)
    memcpy(target, base + offset, first)
    memcpy(target + first, base, count - first)
    if count < there { count = wholeLines(UnsafeBufferPointer(start: target, count: count)) }
    taken.store(start + count, ordering: .releasing)
    return count
  }
}

/// How many of the bytes are lines with their ends.
func wholeLines(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
  bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
}
