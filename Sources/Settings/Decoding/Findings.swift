import Yams

/// The problems found so far. Shared by all parts of one reading.
final class Findings {
  let file: String
  let standIns: [String: String]
  private var problems: [Problem] = []

  init(file: String, standIns: [String: String]) {
    self.file = file
    self.standIns = standIns
  }

  func add(_ spot: Spot, _ path: String, _ what: String, _ instead: String) {
    let problem = Problem(
      file: file, line: spot.line, column: spot.column, path: path, what: what, instead: instead)
    // An anchor that is used twice is read twice.
    if !problems.contains(problem) { problems.append(problem) }
  }

  var inFileOrder: [Problem] {
    problems.enumerated().sorted { a, b in
      (a.element.line, a.element.column, a.offset) < (b.element.line, b.element.column, b.offset)
    }.map(\.element)
  }
}
