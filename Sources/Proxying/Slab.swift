import CLinux
import Glibc

/// The records of a loop's connections: reserved at once, touched by the kernel page by page as they are needed, and
/// used again last in, first out.
struct Slab: ~Copyable {
  let capacity: Int
  private let records: UnsafeMutablePointer<Connection>
  /// Beside the records, so that a sweep reads little memory: nanoseconds on the monotonic clock; `.max`: none.
  private let deadlines: UnsafeMutablePointer<Int64>
  private let free: UnsafeMutablePointer<UInt32>
  private var freeCount = 0
  /// Records from here on were never used.
  private(set) var highWater = 0

  init(capacity: Int) throws(SetupFailure) {
    let records: UnsafeMutablePointer<Connection> = try Self.reserve(capacity)
    let deadlines: UnsafeMutablePointer<Int64> = try Self.reserve(capacity)
    let free: UnsafeMutablePointer<UInt32> = try Self.reserve(capacity)
    self.capacity = capacity
    self.records = records
    self.deadlines = deadlines
    self.free = free
  }

  deinit {
    Self.release(records, capacity)
    Self.release(deadlines, capacity)
    Self.release(free, capacity)
  }

  private static func reserve<T: BitwiseCopyable>(_ count: Int) throws(SetupFailure) -> UnsafeMutablePointer<T> {
    let bytes = count * MemoryLayout<T>.stride
    let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory, memory != MAP_FAILED else {
      throw SetupFailure("no memory for \(count) connections; lower proxy.max_connections")
    }
    return memory.bindMemory(to: T.self, capacity: count)
  }

  private static func release<T>(_ memory: UnsafeMutablePointer<T>, _ count: Int) {
    munmap(memory, count * MemoryLayout<T>.stride)
  }

  var inUse: Int { highWater - freeCount }

  /// A fresh record under a serial that its place never had; nil: all are taken.
  mutating func take() -> UnsafeMutablePointer<Connection>? {
    let index: Int
    var serial: UInt32 = 1
    if freeCount > 0 {
      freeCount -= 1
      index = Int(free[freeCount])
      serial = (records[index].serial &+ 1) & Token.serialMask
    } else if highWater < capacity {
      index = highWater
      highWater += 1
    } else {
      return nil
    }
    (records + index).initialize(to: Connection())
    records[index].serial = serial
    deadlines[index] = .max
    return records + index
  }

  /// The serial moves on at once, so that late news of the old occupant finds nobody.
  mutating func giveBack(_ record: UnsafeMutablePointer<Connection>) {
    let index = self.index(of: record)
    record.pointee.stage = .vacant
    record.pointee.serial = (record.pointee.serial &+ 1) & Token.serialMask
    deadlines[index] = .max
    free[freeCount] = UInt32(index)
    freeCount += 1
  }

  @inline(__always) func index(of record: UnsafeMutablePointer<Connection>) -> Int { record - records }

  @inline(__always) subscript(index: Int) -> UnsafeMutablePointer<Connection> { records + index }

  /// The occupant with this serial, if it is still there.
  @inline(__always) func find(_ index: UInt32, serial: UInt32) -> UnsafeMutablePointer<Connection>? {
    guard Int(index) < highWater else { return nil }
    let record = records + Int(index)
    return record.pointee.serial == serial && record.pointee.stage != .vacant ? record : nil
  }

  @inline(__always) func deadline(_ index: Int) -> Int64 { deadlines[index] }

  @inline(__always) func setDeadline(_ record: UnsafeMutablePointer<Connection>, _ deadline: Int64) {
    deadlines[index(of: record)] = deadline
  }
}

/// Which record a worker's descriptor serves in this loop, by the descriptor's number.
struct DescriptorTable: ~Copyable {
  struct Entry: BitwiseCopyable {
    var serial: UInt32 = 0
    /// A record's index and its serial; `nobody`: the connection is idle or another loop's.
    var index = Entry.nobody
    static let nobody = UInt32.max
  }

  private var entries: UnsafeMutablePointer<Entry>
  private var capacity = 1024
  private var lastSerial: UInt32 = 0

  init() {
    entries = .allocate(capacity: capacity)
    entries.initialize(repeating: Entry(), count: capacity)
  }

  deinit { entries.deallocate() }

  /// Names a new use of the number.
  mutating func open(_ descriptor: Int32, for index: Int) -> UInt32 {
    grow(toHold: Int(descriptor))
    lastSerial = (lastSerial &+ 1) & Token.serialMask
    entries[Int(descriptor)] = Entry(serial: lastSerial, index: UInt32(index))
    return lastSerial
  }

  @inline(__always) func assign(_ descriptor: Int32, to index: Int) {
    entries[Int(descriptor)].index = UInt32(index)
  }

  @inline(__always) func unassign(_ descriptor: Int32) {
    entries[Int(descriptor)].index = Entry.nobody
  }

  /// The index of the record that this use of the number serves.
  @inline(__always) func holder(_ descriptor: UInt32, serial: UInt32) -> Int? {
    guard Int(descriptor) < capacity else { return nil }
    let entry = entries[Int(descriptor)]
    return entry.serial == serial && entry.index != Entry.nobody ? Int(entry.index) : nil
  }

  private mutating func grow(toHold descriptor: Int) {
    guard descriptor >= capacity else { return }
    let wanted = max(descriptor + 1, capacity * 2)
    let grown = UnsafeMutablePointer<Entry>.allocate(capacity: wanted)
    grown.moveInitialize(from: entries, count: capacity)
    (grown + capacity).initialize(repeating: Entry(), count: wanted - capacity)
    entries.deallocate()
    entries = grown
    capacity = wanted
  }
}
