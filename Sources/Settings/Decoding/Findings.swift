import Yams

/// The problems found so far. Shared by all parts of one reading.
final class Findings {
  let files: FileTable
  let standIns: [String: String]
  var account = Account()
  private var problems: [(spot: Spot, problem: Problem)] = []

  init(files: FileTable, standIns: [String: String]) {
    self.files = files
    self.standIns = standIns
  }

  func add(_ spot: Spot, _ path: String, _ what: String, _ instead: String) {
    let (file, place) = files.place(of: spot)
    let problem = Problem(
      file: file, line: place.line, column: place.column, path: path, what: what, instead: instead)
    // An anchor that is used twice is read twice.
    if !problems.contains(where: { $0.problem == problem }) { problems.append((spot, problem)) }
  }

  /// `line 14`, or, of another file than the reader is in at `here`, `masterpool.yaml:14`.
  func line(of spot: Spot, seenFrom here: Spot) -> String {
    let (file, place) = files.place(of: spot)
    return file == files.place(of: here).file ? "line \(place.line)" : "\(file):\(place.line)"
  }

  /// One file after the other.
  var inFileOrder: [Problem] {
    problems.enumerated().sorted { ($0.element.spot, $0.offset) < ($1.element.spot, $1.offset) }
      .map(\.element.problem)
  }
}
