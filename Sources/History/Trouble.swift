import GRDB
import Glibc

/// What an error means for the ledger.
enum Trouble: Hashable {
  /// No room, on the disk or within `max_size`.
  case full(String)
  /// The file is damaged, or no ledger.
  case damaged(String)
  /// It is of a later version.
  case newer
  /// It cannot be used now: locked, read-only, not ours.
  case unavailable(String)

  init(_ error: any Error) {
    switch error {
    case is NewerLedger: self = .newer
    case let error as FileTrouble:
      let why = "\(error.path): \(String(cString: strerror(error.code)))"
      self = error.code == ENOSPC || error.code == EDQUOT ? .full(why) : .unavailable(why)
    case let error as DatabaseError: self.init(error)
    default: self = .unavailable("\(error)")
    }
  }

  private init(_ error: DatabaseError) {
    let why = error.message ?? error.resultCode.description
    switch error.resultCode {
    case .SQLITE_FULL: self = .full(why)
    // SQL that the file's tables refuse is a sign that they are not ours.
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_SCHEMA,
      .SQLITE_FORMAT:
      self = .damaged(why)
    default: self = .unavailable(why)
    }
  }

  var words: String {
    switch self {
    case .full(let why), .damaged(let why), .unavailable(let why): why
    case .newer: "it was written by a newer masterpool"
    }
  }

  /// The same kind of trouble is told once.
  func isLike(_ other: Trouble) -> Bool {
    switch (self, other) {
    case (.full, .full), (.damaged, .damaged), (.newer, .newer), (.unavailable, .unavailable): true
    case (.full, _), (.damaged, _), (.newer, _), (.unavailable, _): false
    }
  }
}
