import FoundationEssentials
import Glibc
import Pool

/// How much memory this process and its children may have: what the machine has, or less where a control group of
/// theirs, or one above it, says so.
public struct MemoryAllowance {
  private let root: String

  /// - Parameter root: where `proc` and `sys` are.
  public init(root: String = "") { self.root = root }

  /// Nil: nothing says so.
  public var total: ByteCount? {
    ([machine].compactMap { $0 } + groupLimits).filter { $0 > ByteCount(bytes: 0) }.min()
  }

  private var machine: ByteCount? {
    let line = text("/proc/meminfo")?.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
      .map { ByteCount(bytes: $0 > Int.max >> 10 ? .max : $0 << 10) }
  }

  /// cgroups(7): version 2's line begins with `0::`, version 1's names the controller.
  private var groupLimits: [ByteCount] {
    (text("/proc/self/cgroup") ?? "").split(separator: "\n").flatMap { line -> [ByteCount] in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      if parts[0] == "0", parts[1].isEmpty { return limits("/sys/fs/cgroup", parts[2], "memory.max") }
      guard parts[1].split(separator: ",").contains("memory") else { return [] }
      return limits("/sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes")
    }
  }

  /// Of the group and of all above it. Within a container the path may be one that is not seen from inside.
  private func limits(_ mount: String, _ group: Substring, _ file: String) -> [ByteCount] {
    var path = String(group == "/" ? "" : group)
    var found = [limit("\(mount)\(path)/\(file)")]
    while let slash = path.lastIndex(of: "/") {
      path = String(path[..<slash])
      found.append(limit("\(mount)\(path)/\(file)"))
    }
    return found.compactMap { $0 }
  }

  /// `max` is no limit; nor is version 1's, which is near what 63 bits hold.
  private func limit(_ path: String) -> ByteCount? {
    let number = text(path).flatMap { Int($0.prefix { $0 != "\n" }) }
    return number.flatMap { $0 < 1 << 60 ? ByteCount(bytes: $0) : nil }
  }

  private func text(_ path: String) -> String? {
    (try? Data(contentsOf: URL(filePath: root + path))).map { String(decoding: $0, as: UTF8.self) }
  }
}
