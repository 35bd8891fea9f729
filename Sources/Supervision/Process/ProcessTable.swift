import CLinux
import Glibc

/// What proc(5) says of the processes, read without Foundation.
enum ProcessTable {
  struct Entry: Hashable, Sendable {
    var pid: Int32
    var parent: Int32
    var group: Int32
    var isZombie: Bool
    var startTime: UInt64

    /// Parses a line of `/proc/PID/stat`.
    init?(stat: some Collection<UInt8>) {
      // The name, in parentheses, may itself contain spaces, parentheses and digits: fields count from the last one.
      let bytes = Array(stat)
      guard let open = bytes.firstIndex(of: UInt8(ascii: "(")), let close = bytes.lastIndex(of: UInt8(ascii: ")")),
        open < close, let pid = Int32(decimal: bytes[..<open].filter { $0 != UInt8(ascii: " ") })
      else { return nil }
      let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
      guard fields.count >= 20, let parent = Int32(decimal: fields[1]), let group = Int32(decimal: fields[2]),
        let startTime = UInt64(decimal: fields[19])
      else { return nil }
      self.pid = pid
      self.parent = parent
      self.group = group
      isZombie = fields[0].first == UInt8(ascii: "Z") || fields[0].first == UInt8(ascii: "X")
      self.startTime = startTime
    }
  }

  /// Nil where there is no such process.
  static func entry(of pid: Int32) -> Entry? {
    withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 1) { buffer in
      ProcFile.read("/proc/\(pid)/stat", into: buffer).flatMap { Entry(stat: $0) }
    }
  }

  /// The same process, and not another under its number, and not a zombie.
  static func isAlive(_ pid: Int32, startedAt startTime: UInt64) -> Bool {
    entry(of: pid).map { $0.startTime == startTime && !$0.isZombie } ?? false
  }

  /// Whose it is; nil where there is no such process.
  static func user(of pid: Int32) -> UInt32? {
    var facts = stat()
    return stat("/proc/\(pid)", &facts) == 0 ? facts.st_uid : nil
  }

  /// Our own. One that comes or goes meanwhile may be missed.
  static func children() -> [Entry] {
    let own = getpid()
    let pids = listedChildren() ?? pids()
    return pids.compactMap { entry(of: $0) }.filter { $0.parent == own }
  }

  /// As the process was started with `NAME=value`; one that may not be read has nothing.
  static func hasEnvironment(_ setting: String, _ pid: Int32) -> Bool {
    wholeFile("/proc/\(pid)/environ")?.split(separator: 0).contains { $0.elementsEqual(setting.utf8) } == true
  }

  /// As the process was started; nil: it may not be read, or is gone.
  static func environment(of pid: Int32) -> [String: String]? {
    guard let bytes = wholeFile("/proc/\(pid)/environ"), !bytes.isEmpty else { return nil }
    var variables: [String: String] = [:]
    for entry in bytes.split(separator: 0) {
      let parts = entry.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      variables[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
    }
    return variables
  }

  /// Every process there is.
  static func pids() -> [Int32] { numbers(in: "/proc") }

  /// Each thread's list; nil where the kernel was built without them.
  private static func listedChildren() -> [Int32]? {
    var found: [Int32] = []
    for thread in numbers(in: "/proc/self/task") {
      guard let text = wholeFile("/proc/self/task/\(thread)/children") else {
        if errno == ENOENT, getpid() == thread { return nil }
        continue
      }
      found += text.split(separator: UInt8(ascii: " ")).compactMap { Int32(decimal: $0) }
    }
    return found
  }

  static func wholeFile(_ path: String, limit: Int = .max) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0, bytes.count < limit else { return bytes }
      bytes += buffer[..<min(count, limit - bytes.count)]
    }
  }

  /// Those of a folder's entries that are numbers.
  static func numbers(in folder: String, withZero: Bool = false) -> [Int32] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var found: [Int32] = []
    while let entry = readdir(stream) {
      guard let name = clinux_entry_name(entry), let number = number(name), number > 0 || withZero else { continue }
      found.append(number)
    }
    return found
  }

  private static func number(_ name: UnsafePointer<CChar>) -> Int32? {
    var value: Int32 = 0
    var next = name
    while next.pointee != 0 {
      guard (48...57).contains(next.pointee) else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowed) = product.addingReportingOverflow(Int32(next.pointee) - 48)
      guard !overflow, !overflowed else { return nil }
      value = sum
      next += 1
    }
    return next == name ? nil : value
  }
}

/// Files of proc(5), which are read whole by one call.
enum ProcFile {
  /// Nil with errno set where it cannot be read.
  static func read(_ path: String, into buffer: UnsafeMutableRawBufferPointer) -> Slice<
    UnsafeMutableRawBufferPointer
  >? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
    let error = errno
    close(descriptor)
    errno = error
    return count < 0 ? nil : buffer[..<count]
  }
}

extension FixedWidthInteger {
  /// Digits alone; nil for anything else, and for what does not fit.
  init?(decimal digits: some Collection<UInt8>) {
    guard !digits.isEmpty else { return nil }
    var value: Self = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowed) = product.addingReportingOverflow(Self(digit - UInt8(ascii: "0")))
      guard !overflow, !overflowed else { return nil }
      value = sum
    }
    self = value
  }
}
