import TestSupport

/// One request of a client, from its start to what became of it.
struct Entry: Sendable {
  enum Kind: String, Sendable, CaseIterable {
    /// GETs: may go to a second worker.
    case file, page
    /// A POST that its route lets go to a second worker.
    case catalog
    /// A PUT that may not, small and too large to be kept.
    case report, upload

    var mayRepeat: Bool {
      switch self {
      case .file, .page, .catalog: true
      case .report, .upload: false
      }
    }

    var pool: String {
      switch self {
      case .file: "files"
      case .page, .catalog, .report, .upload: "masters"
      }
    }
  }

  /// What a fault's own request is for.
  enum Purpose: Sendable {
    case work
    /// It never answers.
    case hang
    /// Its worker dies of it before it answers.
    case crash
    /// Its worker dies in the middle of its answer.
    case breakOff
  }

  enum Outcome: Sendable {
    case underWay
    /// `worker` is X-Worker's `pool/slot#generation`; `isRight` says whether the body is what was asked for.
    case answered(status: Int, worker: String?, isToReturn: Bool, isRight: Bool)
    case lost(LoadReport.Loss, String)
  }

  let number: Int
  let kind: Kind
  let purpose: Purpose
  /// When its connection was begun.
  var opened: Duration
  var began: Duration
  var ended = Duration.zero
  var isKept = false
  var outcome = Outcome.underWay

  /// As in `X-Request-ID`, and so in the access log.
  var id: String { "chaos-\(number)" }

  var inWords: String {
    let way =
      "#\(number) \(kind.rawValue)\(purpose == .work ? "" : " (\(purpose))"), \(began.inWords) to \(ended.inWords)"
    switch outcome {
    case .underWay: return "\(way): never ended"
    case .answered(let status, let worker, let isToReturn, let isRight):
      let notes = [isToReturn ? "Retry-After" : nil, isRight ? nil : "WRONG BODY", worker].compactMap { $0 }
      return "\(way): \(status) \(notes.joined(separator: ", "))"
    case .lost(let loss, let why):
      return "\(way): \(loss.rawValue) (\(why)), \(isKept ? "kept" : "new") connection of \(opened.inWords)"
    }
  }
}

/// All requests that were sent, by number.
final class Book: Sendable {
  private let entries = Monitor<[Entry]>([])

  /// The connection is begun now too, unless it is older.
  func begin(_ kind: Entry.Kind, _ purpose: Entry.Purpose = .work) -> Entry {
    entries.update { entries in
      let now = Stopwatch.now
      let entry = Entry(number: entries.count, kind: kind, purpose: purpose, opened: now, began: now)
      entries.append(entry)
      return entry
    }
  }

  func end(_ entry: Entry, _ outcome: Entry.Outcome) {
    entries.update { entries in
      entries[entry.number].opened = entry.opened
      entries[entry.number].isKept = entry.isKept
      entries[entry.number].ended = Stopwatch.now
      entries[entry.number].outcome = outcome
    }
  }

  var all: [Entry] { entries.read { $0 } }
  var count: Int { entries.read { $0.count } }
}
