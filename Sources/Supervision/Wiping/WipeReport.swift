/// What a wipe removed and what it could not.
struct WipeReport: Hashable, Sendable {
  /// So many failures are told in words; the others are only counted.
  static let maxToldFailures = 20

  /// All that lay in the wiped folders, folders included; a wiped path that is no folder counts itself.
  var entries = 0
  /// The sizes of the regular files among them.
  var bytes = 0
  private(set) var failures: [String] = []
  private(set) var failureCount = 0

  mutating func count(bytes: Int = 0) {
    entries += 1
    self.bytes = Self.sum(self.bytes, bytes)
  }

  mutating func fail(_ what: @autoclosure () -> String) {
    failureCount += 1
    if failures.count < Self.maxToldFailures { failures.append(what()) }
  }

  static func + (a: WipeReport, b: WipeReport) -> WipeReport {
    var sum = a
    sum.entries += b.entries
    sum.bytes = Self.sum(a.bytes, b.bytes)
    sum.failureCount += b.failureCount
    sum.failures += b.failures.prefix(maxToldFailures - sum.failures.count)
    return sum
  }

  /// The same failures, and nothing counted as wiped.
  var failuresAlone: WipeReport {
    var report = self
    report.entries = 0
    report.bytes = 0
    return report
  }

  /// Sparse files may claim to be of any size.
  private static func sum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : sum
  }
}

/// Why a folder cannot be made fresh.
enum WipeFailure: Error, Hashable, CustomStringConvertible {
  /// It shall not be touched.
  case refused(path: String, why: String)
  case failed(path: String, doing: String, errno: Int32)

  var description: String {
    switch self {
    case .refused(let path, let why): "\(path) is not wiped: \(why)"
    case .failed(let path, let doing, let errno): "\(path): \(doing): \(reason(errno))"
    }
  }
}
