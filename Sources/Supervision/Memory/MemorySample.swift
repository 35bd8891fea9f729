import Pool

/// What a process group holds in memory at one moment.
struct MemorySample: Hashable, Sendable {
  /// Its proportional share of resident pages: a page that n processes share counts 1/n for each.
  var pss = ByteCount(bytes: 0)
  /// Its share of what is swapped out.
  var swap = ByteCount(bytes: 0)
  /// What it alone holds, and all of what it has in memory, shared pages in full.
  var uss = ByteCount(bytes: 0)
  var rss = ByteCount(bytes: 0)
  /// Those that were measured.
  var processes = 0
  /// The shares of one or more could not be read: their whole resident set is counted, shared pages in full.
  var isEstimate = false

  /// Its part of a budget.
  var total: ByteCount { pss + swap }

  func value(_ measure: MemoryMeasure) -> ByteCount {
    switch measure {
    case .pss: total
    case .uss: uss + swap
    case .rss: rss
    }
  }

  static func + (a: MemorySample, b: MemorySample) -> MemorySample {
    MemorySample(
      pss: a.pss + b.pss, swap: a.swap + b.swap, uss: a.uss + b.uss, rss: a.rss + b.rss,
      processes: a.processes + b.processes,
      isEstimate: a.isEstimate || b.isEstimate)
  }
}

extension ByteCount {
  fileprivate init?(kilobytes digits: some Collection<UInt8>) {
    guard let kilobytes = Int(decimal: digits) else { return nil }
    let (bytes, overflow) = kilobytes.multipliedReportingOverflow(by: 1024)
    self.init(bytes: overflow ? .max : bytes)
  }
}

extension MemorySample {
  /// Parses `/proc/PID/smaps_rollup`, in kB: `Rss:`, `Pss:`, `Private_Clean:` and `Private_Dirty:`, and `SwapPss:` or
  /// where that is missing `Swap:`.
  /// Nil without a `Pss:` line: a process without memory of its own (a zombie, a kernel thread) has none.
  init?(smapsRollup text: some Collection<UInt8>) {
    var pss: ByteCount?
    var swap: ByteCount?
    var swapShare: ByteCount?
    var alone = ByteCount(bytes: 0)
    var resident = ByteCount(bytes: 0)
    for line in text.split(separator: UInt8(ascii: "\n")) {
      if let value = Self.value(of: "Pss:", in: line) {
        pss = value
      } else if let value = Self.value(of: "Rss:", in: line) {
        resident = value
      } else if let value = Self.value(of: "Private_Clean:", in: line) ?? Self.value(of: "Private_Dirty:", in: line) {
        alone = alone + value
      } else if let value = Self.value(of: "SwapPss:", in: line) {
        swapShare = value
      } else if let value = Self.value(of: "Swap:", in: line) {
        swap = value
      }
    }
    guard let pss else { return nil }
    self.init(pss: pss, swap: swapShare ?? swap ?? ByteCount(bytes: 0), uss: alone, rss: resident, processes: 1)
  }

  /// Parses `/proc/PID/statm`, whose second number is the resident set in pages, and the third what of it is shared.
  init?(statm text: some Collection<UInt8>, pageSize: Int) {
    let fields = text.split(separator: UInt8(ascii: " "), maxSplits: 3)
    guard fields.count >= 2, let pages = Int(decimal: fields[1]) else { return nil }
    let shared = fields.count >= 3 ? Int(decimal: fields[2]) ?? 0 : 0
    let resident = Self.bytes(pages, pageSize)
    self.init(
      pss: resident, uss: Self.bytes(max(0, pages - shared), pageSize), rss: resident, processes: 1, isEstimate: true)
  }

  private static func bytes(_ pages: Int, _ pageSize: Int) -> ByteCount {
    let (bytes, overflow) = pages.multipliedReportingOverflow(by: pageSize)
    return ByteCount(bytes: overflow ? .max : bytes)
  }

  private static func value(of key: StaticString, in line: some Collection<UInt8>) -> ByteCount? {
    let matches = key.withUTF8Buffer { line.starts(with: $0) }
    guard matches else { return nil }
    let rest = line.dropFirst(key.utf8CodeUnitCount).drop { $0 == UInt8(ascii: " ") }
    return ByteCount(kilobytes: rest.prefix { $0 != UInt8(ascii: " ") })
  }
}
