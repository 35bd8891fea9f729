import Pool

/// The bounds of what the `history` section may say.
enum HistoryBounds {
  static let keep = Duration.seconds(3600) ... .seconds(3650 * 86400)
  static let maxSize = ByteCount.mebibytes(4) ... .mebibytes(1 << 20)
  static let sampleEvery = Duration.seconds(1) ... .seconds(3600)
}

extension Reader {
  func history(_ section: Section) -> LedgerPolicy {
    let usual = LedgerPolicy()
    return LedgerPolicy(
      keep: section.read("keep", usual.keep) { $0.time(in: HistoryBounds.keep) },
      maxSize: section.read("max_size", usual.maxSize) { $0.size(in: HistoryBounds.maxSize) },
      sampleEvery: section.read("sample_every", usual.sampleEvery) { $0.time(in: HistoryBounds.sampleEvery) })
  }
}
