import Glibc
import Pool

/// What a worker's process looks like from outside, as text for an operator: where it waits, in the kernel and in
/// itself, what it has open, what it has used.
enum Capture {
  /// Of one worker; what is longer is cut.
  static let maxBytes = 32 << 10
  static let maxProcesses = 8
  static let maxThreads = 16
  static let maxDescriptors: Int32 = 21
  private static let maxFile = 4096

  /// The group's leader, its threads, and its children. Parts that may not be read say so.
  static func processes(of group: Int32) -> String {
    let members = ProcessTable.members(of: group)
    var parts = members.prefix(maxProcesses).map { process($0, isLeader: $0 == group) }
    if members.count > maxProcesses { parts.append("and \(members.count - maxProcesses) more processes\n") }
    return parts.joined()
  }

  private static func process(_ pid: Int32, isLeader: Bool) -> String {
    var text = "process \(pid)\(isLeader ? "" : ", a child"): \(line("/proc/\(pid)/comm"))\n"
    text += status(pid) + counters(pid) + threads(pid)
    if isLeader { text += descriptors(pid) }
    return text
  }

  private static let statusKeys: Set = [
    "State", "Threads", "VmRSS", "VmSwap", "SigBlk", "SigIgn", "SigCgt", "voluntary_ctxt_switches",
    "nonvoluntary_ctxt_switches",
  ]

  private static func status(_ pid: Int32) -> String {
    guard let status = file("/proc/\(pid)/status") else { return "  status: \(reason())\n" }
    let lines = status.split(separator: "\n").filter { line in
      statusKeys.contains(String(line.prefix { $0 != ":" }))
    }
    return lines.map { "  \($0.replacing("\t", with: " "))\n" }.joined()
  }

  private static func counters(_ pid: Int32) -> String {
    let time = ProcessTable.wholeFile("/proc/\(pid)/stat").flatMap { ThreadStat($0) }?.processorTime
    let used = "  processor time: \(time.map(\.short) ?? "unknown")\n"
    guard let io = file("/proc/\(pid)/io") else { return used + "  io: \(reason())\n" }
    return used + "  io: \(io.split(separator: "\n").joined(separator: ", "))\n"
  }

  /// Where each waits in the kernel. The stack takes root, the system call the right to trace.
  private static func threads(_ pid: Int32) -> String {
    let threads = ProcessTable.threads(of: pid)
    var text = threads.prefix(maxThreads).map { thread in
      let place = "/proc/\(pid)/task/\(thread)"
      let state = ProcessTable.wholeFile("\(place)/stat").flatMap { ThreadStat($0) }?.state
      let letter = state.map { String(UnicodeScalar($0)) } ?? "?"
      var text = "  thread \(thread) (\(line("\(place)/comm"))): state \(letter), waits in \(line("\(place)/wchan"))"
      text += ", system call \(line("\(place)/syscall"))\n"
      guard let stack = file("\(place)/stack") else { return text + "    kernel stack: \(reason())\n" }
      return text + stack.split(separator: "\n").map { "    \($0)\n" }.joined()
    }.joined()
    if threads.count > maxThreads { text += "  and \(threads.count - maxThreads) more threads\n" }
    return text
  }

  private static func descriptors(_ pid: Int32) -> String {
    let open = ProcessTable.numbers(in: "/proc/\(pid)/fd", withZero: true).sorted()
    guard !open.isEmpty else { return "  descriptors: \(reason())\n" }
    let shown = open.filter { $0 < maxDescriptors }.map { number in
      "    \(number) -> \(link("/proc/\(pid)/fd/\(number)"))\n"
    }
    return "  descriptors: \(open.count) open\n\(shown.joined())"
  }

  private static func link(_ path: String) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { room in
      guard let base = room.baseAddress else { return "" }
      let count = readlink(path, base, room.count)
      guard count >= 0 else { return reason() }
      return String(decoding: room.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  /// Nil with errno set.
  private static func file(_ path: String) -> String? {
    ProcessTable.wholeFile(path, limit: maxFile).flatMap { $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self) }
  }

  private static func line(_ path: String) -> String {
    guard let text = file(path) else { return reason() }
    return String(text.prefix { $0 != "\n" })
  }

  /// Within its bounds, and without what a terminal would obey.
  static func bounded(_ text: String) -> String {
    let plain = String(
      text.unicodeScalars.map { scalar -> Character in
        let isControl = scalar.value < 0x20 && scalar != "\n" || (0x7F...0x9F).contains(scalar.value)
        return isControl ? " " : Character(scalar)
      })
    guard plain.utf8.count > maxBytes else { return plain }
    return String(decoding: plain.utf8.prefix(maxBytes), as: UTF8.self) + "\n… cut here\n"
  }
}
